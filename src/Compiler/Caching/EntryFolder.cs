using System.Text;
using Lorq.Models;

namespace Lorq.Caching;

/// <summary>
/// The entries in one folder. Several processes may use it at once: an entry appears complete (a temporary file renamed) and is never
/// changed afterwards. What the file system refuses becomes a warning, never an exception: a cache may only make things faster.
/// </summary>
internal sealed class EntryFolder
{
    /// <summary>Age after which a temporary file is what a killed process left: no entry takes so long to write.</summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromHours(1);

    private readonly CacheWarnings warnings;
    private readonly Func<string, long, Stream> create;

    /// <summary>Uses a folder, which need not exist.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="warnings">Where problems go.</param>
    /// <param name="create">Creates files for writing; tests put failing disks here.</param>
    public EntryFolder(string path, CacheWarnings warnings, Func<string, long, Stream> create)
    {
        Path = path;
        this.warnings = warnings;
        this.create = create;
    }

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>True when there is an entry, sound or not.</summary>
    public bool Contains(CacheKey key) => File.Exists(PathOf(key));

    /// <summary>Reads an entry. A damaged one is removed.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="read">
    /// Reads the payload, which is checked by then; gets its length too. May throw what a <see cref="BinaryReader"/> does, or
    /// <see cref="InvalidDataException"/>, when the contents are not what they should be: that counts as damage.
    /// </param>
    /// <param name="value">What was read.</param>
    /// <returns>False when there is no such entry, or no usable one.</returns>
    public bool TryRead<T>(CacheKey key, Func<BinaryReader, long, T> read, out T value)
    {
        value = default!;
        string path = PathOf(key);
        try
        {
            using (FileStream stream = Open(path))
            {
                switch (EntryFormat.Check(stream, key, out long length))
                {
                    case EntryState.Foreign:
                        return false;
                    case EntryState.Sound when TryParse(stream, length, read, out value):
                        return true;
                }
            }
            Remove(path);
            warnings.Add($"The cache entry '{path}' was damaged; it was removed and is computed again.");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // The usual case of an empty cache.
        }
        catch (Exception e) when (IsExpected(e))
        {
            warnings.Add($"The cache entry '{path}' cannot be read: {e.Message}");
        }
        return false;
    }

    /// <summary>Writes an entry, over an earlier one.</summary>
    /// <returns>False when it cannot be written; an earlier one is then as it was.</returns>
    public bool Write(CacheKey key, Action<BinaryWriter> write) => WriteFile(key.FileName, stream => EntryFormat.Write(stream, key, write));

    /// <summary>Writes any file of the folder in the same way.</summary>
    public bool WriteFile(string name, Action<Stream> write)
    {
        string path = System.IO.Path.Combine(Path, name);
        try
        {
            // Somebody else may have dropped the folder meanwhile.
            Directory.CreateDirectory(Path);
            using var file = new AtomicFile(path, 0, create);
            write(file.Stream);
            file.Close();
            file.Commit();
            return true;
        }
        catch (Exception e) when (IsExpected(e))
        {
            warnings.Add($"The cache '{Path}' cannot be written to, so a later run will be slower: {e.Message}");
            return false;
        }
    }

    /// <summary>Runs something while no other process does the same with this folder; without that guarantee when no lock is to be had.</summary>
    public void Locked(Action action)
    {
        using FileStream? held = FileLock.TryTake(System.IO.Path.Combine(Path, FileLock.Name));
        action();
    }

    /// <summary>The state of an entry; null when it cannot be read or is gone.</summary>
    public EntryState? Check(CacheKey key)
    {
        try
        {
            using FileStream stream = Open(PathOf(key));
            return EntryFormat.Check(stream, key, out _);
        }
        catch (Exception e) when (IsExpected(e))
        {
            return null;
        }
    }

    /// <summary>Removes the temporary files of processes that did not live to rename them.</summary>
    public void RemoveAbandoned(DateTimeOffset now)
    {
        try
        {
            foreach (FileInfo file in new DirectoryInfo(Path).EnumerateFiles(AtomicFile.TemporaryPattern, EveryFile))
            {
                if (now - file.LastWriteTimeUtc > Abandoned)
                {
                    Remove(file.FullName);
                }
            }
        }
        catch (Exception e) when (IsExpected(e))
        {
            // There is no folder yet, or it cannot be listed: nothing to clean up.
        }
    }

    /// <summary>Everything in a folder itself, hidden files too.</summary>
    public static EnumerationOptions EveryFile { get; } = new() { AttributesToSkip = 0, IgnoreInaccessible = true };

    /// <summary>What the file system may answer.</summary>
    public static bool IsExpected(Exception e) => e is IOException or UnauthorizedAccessException or NotSupportedException;

    /// <summary>Deletes a file if possible.</summary>
    public static bool Remove(string path)
    {
        try
        {
            File.Delete(path);
            return true;
        }
        catch (Exception e) when (IsExpected(e))
        {
            return false;
        }
    }

    private string PathOf(CacheKey key) => System.IO.Path.Combine(Path, key.FileName);

    private static FileStream Open(string path) =>
        new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 16);

    private static bool TryParse<T>(FileStream stream, long length, Func<BinaryReader, long, T> read, out T value)
    {
        value = default!;
        try
        {
            using var payload = new PayloadStream(stream, length);
            using var reader = new BinaryReader(payload, Encoding.UTF8);
            value = read(reader, length);
            return payload.Position == length;
        }
        catch (Exception e)
            when (e is EndOfStreamException or InvalidDataException or FormatException or ArgumentException or OverflowException)
        {
            return false;
        }
    }
}
