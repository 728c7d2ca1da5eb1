using System.Text.Json;

namespace Lorq.Caching;

/// <summary>
/// The cached results of one combination of model, data and compiler. Thread-safe; other processes may use the same profile at the same
/// time. No member throws for what the file system does: what cannot be read is absent, what cannot be written is a warning of the
/// <see cref="CacheFolder"/>. Disposing writes the tables.
/// </summary>
public sealed class CacheProfile : IDisposable
{
    private readonly CacheFolder? owner;
    private readonly EntryFolder? folder;
    private readonly ProfileFacts? facts;
    private readonly Dictionary<string, CacheTable> tables = new(StringComparer.Ordinal);
    private bool disposed;

    private CacheProfile() { }

    /// <summary>Opens a profile of a cache.</summary>
    internal CacheProfile(CacheFolder owner, EntryFolder folder, ProfileFacts facts)
    {
        this.owner = owner;
        this.folder = folder;
        this.facts = facts;
        folder.RemoveAbandoned(owner.Now);
        Touch();
    }

    /// <summary>A profile that keeps nothing: for callers without a cache. Its tables work, in memory, until it is gone.</summary>
    public static CacheProfile None => new();

    /// <summary>False for <see cref="None"/>: preparing what would be written is then wasted.</summary>
    public bool IsKept => folder is not null;

    /// <summary>A table, the same object whenever the name is the same.</summary>
    public CacheTable Table(string name)
    {
        lock (tables)
        {
            if (!tables.TryGetValue(name, out CacheTable? table))
            {
                table = new CacheTable(folder, name, owner?.Clock ?? TimeProvider.System);
                tables.Add(name, table);
            }
            return table;
        }
    }

    /// <summary>True when there is an entry; it may still turn out to be damaged.</summary>
    public bool Contains(CacheKey key) => folder?.Contains(key) == true;

    /// <summary>Reads an entry, which is checked before; a damaged one is removed.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="read">
    /// Reads the payload and gets its length in bytes too. It must read all of it, and may throw <see cref="InvalidDataException"/> or
    /// anything a <see cref="BinaryReader"/> throws when the contents are not what they should be: that counts as damage.
    /// </param>
    /// <param name="value">What was read.</param>
    public bool TryRead<T>(CacheKey key, Func<BinaryReader, long, T> read, out T value)
    {
        value = default!;
        return folder is not null && folder.TryRead(key, read, out value);
    }

    /// <summary>Reads an entry of bytes.</summary>
    public bool TryRead(CacheKey key, out byte[] bytes) =>
        TryRead(
            key,
            (reader, length) =>
            {
                // The length is that of the file: nothing can be forged about it.
                var all = new byte[length <= Array.MaxLength ? length : throw new InvalidDataException()];
                reader.BaseStream.ReadExactly(all);
                return all;
            },
            out bytes
        );

    /// <summary>Writes an entry, complete or not at all.</summary>
    /// <param name="key">Its key: what it holds must depend on nothing else within the profile.</param>
    /// <param name="write">Writes the payload.</param>
    public void Write(CacheKey key, Action<BinaryWriter> write) => folder?.Write(key, write);

    /// <summary>Writes an entry of bytes.</summary>
    public void Write(CacheKey key, ReadOnlyMemory<byte> bytes) => Write(key, writer => writer.Write(bytes.Span));

    /// <summary>Writes the tables; the profile remains in use.</summary>
    public void Flush()
    {
        CacheTable[] all;
        lock (tables)
        {
            all = [.. tables.Values];
        }
        Array.ForEach(all, t => t.Flush());
    }

    /// <summary>Writes the tables, and drops other profiles when the cache has grown over its cap.</summary>
    public void Dispose()
    {
        if (disposed)
        {
            return;
        }
        disposed = true;
        Flush();
        if (folder is not null)
        {
            Touch();
            owner!.KeepToCap(folder.Path);
        }
    }

    /// <summary>Writes down that the profile is in use.</summary>
    private void Touch()
    {
        DateTimeOffset now = owner!.Now;
        DateTimeOffset created = ProfileDirectory.Record(folder!.Path)?.Created ?? now;
        var record = new ProfileRecord(facts!, created, now, Reports.VersionFacts.LorqVersion());
        folder.WriteFile(ProfileRecord.FileName, stream => JsonSerializer.Serialize(stream, record, CacheJson.Default.ProfileRecord));
    }
}
