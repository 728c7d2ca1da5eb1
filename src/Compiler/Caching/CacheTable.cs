using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Lorq.Caching;

/// <summary>
/// Many small results under names, in one file: a text → numbers (fp64). Read when it is first asked, kept in memory, written by
/// <see cref="Flush"/> and, should the process be killed, twice a minute. Thread-safe; other processes may add to the same table, and nothing of either is lost.
/// </summary>
public sealed class CacheTable : IDisposable
{
    /// <summary>The kind of its entry.</summary>
    internal const string Kind = "table";

    private static readonly TimeSpan MostUnwritten = TimeSpan.FromSeconds(30);

    private readonly EntryFolder? folder;
    private readonly TimeProvider clock;
    private readonly CacheKey key;
    private readonly Lazy<ConcurrentDictionary<string, double[]>> rows;
    private readonly Lock flushing = new();
    private int isChanged;
    private long written;

    /// <summary>Opens a table.</summary>
    /// <param name="folder">Where it is kept; null for memory only.</param>
    /// <param name="name">Its name.</param>
    /// <param name="clock">Tells when rows have waited long enough to be written.</param>
    internal CacheTable(EntryFolder? folder, string name, TimeProvider clock)
    {
        this.folder = folder;
        this.clock = clock;
        written = clock.GetTimestamp();
        key = new CacheKey(Kind, new ContentHash().Add(name).Finish());
        rows = new(() => new ConcurrentDictionary<string, double[]>(Stored(), StringComparer.Ordinal));
    }

    /// <summary>Rows that can be found.</summary>
    public int Count => rows.Value.Count;

    /// <summary>Finds a row.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="values">Its numbers, as they were added to the bit; shared, not to be changed.</param>
    public bool TryGet(string name, out double[] values) => rows.Value.TryGetValue(name, out values!);

    /// <summary>Adds a row, in place of an earlier one.</summary>
    /// <param name="name">A name that says everything the numbers depend on within the profile (for example a digest).</param>
    /// <param name="values">The numbers; kept, not to be changed afterwards.</param>
    public void Add(string name, double[] values)
    {
        rows.Value[name] = values;
        Volatile.Write(ref isChanged, 1);
        long before = Volatile.Read(ref written);
        long now = clock.GetTimestamp();
        // One of those that add at the same time writes.
        if (clock.GetElapsedTime(before, now) > MostUnwritten && Interlocked.CompareExchange(ref written, now, before) == before)
        {
            Flush();
        }
    }

    /// <summary>Finds a row, or measures and adds it. Callers that ask for one row at the same time may each measure it.</summary>
    /// <param name="name">As for <see cref="Add"/>.</param>
    /// <param name="measure">Gives the numbers.</param>
    public double[] GetOrAdd(string name, Func<double[]> measure)
    {
        if (!TryGet(name, out double[] values))
        {
            values = measure();
            Add(name, values);
        }
        return values;
    }

    /// <summary>Writes what was added, together with what other processes have written meanwhile.</summary>
    public void Flush()
    {
        lock (flushing)
        {
            if (folder is null || Interlocked.Exchange(ref isChanged, 0) == 0)
            {
                return;
            }
            folder.Locked(() =>
            {
                // In the order of names: equal tables are equal files.
                var all = new SortedDictionary<string, double[]>(Stored(), StringComparer.Ordinal);
                foreach ((string name, double[] values) in rows.Value)
                {
                    all[name] = values;
                }
                folder.Write(key, writer => Write(writer, all));
            });
        }
    }

    /// <summary>Writes what was added.</summary>
    public void Dispose() => Flush();

    private Dictionary<string, double[]> Stored() =>
        folder is not null && folder.TryRead(key, Read, out Dictionary<string, double[]> stored) ? stored : [];

    private static void Write(BinaryWriter writer, SortedDictionary<string, double[]> rows)
    {
        writer.Write(rows.Count);
        foreach ((string name, double[] values) in rows)
        {
            writer.Write(name);
            writer.Write(values.Length);
            writer.Write(MemoryMarshal.AsBytes<double>(values));
        }
    }

    private static Dictionary<string, double[]> Read(BinaryReader reader, long length)
    {
        int count = reader.ReadInt32();
        var rows = new Dictionary<string, double[]>(StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            string name = reader.ReadString();
            int numbers = reader.ReadInt32();
            if (numbers < 0 || (long)numbers * sizeof(double) > length - reader.BaseStream.Position)
            {
                throw new InvalidDataException();
            }
            var values = new double[numbers];
            reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
            rows[name] = values;
        }
        return rows;
    }
}
