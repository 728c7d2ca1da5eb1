using Lorq.Diagnostics;

namespace Lorq.Models;

/// <summary>
/// A file that appears complete or not at all: written under a temporary name in the same folder and renamed at the end.
/// Disposing an uncommitted one deletes the temporary file.
/// </summary>
internal sealed class AtomicFile : IDisposable
{
    /// <summary>What temporary names look like.</summary>
    public const string TemporaryPattern = ".lorq-*.tmp";

    private const int BufferSize = 1 << 17;
    private readonly string target;
    private readonly string temporary;
    private Stream? stream;

    /// <summary>Creates the temporary file.</summary>
    /// <param name="target">The path it will have.</param>
    /// <param name="size">Its final size, so that a full disk shows at once.</param>
    /// <param name="create">Opens a path for writing.</param>
    public AtomicFile(string target, long size, Func<string, long, Stream> create)
    {
        this.target = target;
        temporary = TemporaryName(target);
        stream = create(temporary, size);
    }

    /// <summary>Where to write.</summary>
    public Stream Stream => stream ?? throw new ObjectDisposedException(nameof(AtomicFile));

    /// <summary>Opens a new file with room for its final size.</summary>
    public static Stream Open(string path, long size) =>
        new FileStream(
            path,
            new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                BufferSize = BufferSize,
                PreallocationSize = size,
            }
        );

    /// <summary>A free name in the folder of the target.</summary>
    public static string TemporaryName(string target) => Path.Combine(Path.GetDirectoryName(target)!, $".lorq-{Guid.NewGuid():N}.tmp");

    /// <summary>Writes out what is buffered and closes the temporary file: after this only the rename is left.</summary>
    public void Close()
    {
        Stream.Dispose();
        stream = null;
    }

    /// <summary>Gives the closed file its name, in place of an older one.</summary>
    public void Commit() => File.Move(temporary, target, overwrite: true);

    /// <inheritdoc />
    public void Dispose()
    {
        try
        {
            stream?.Dispose();
        }
        catch (IOException)
        {
            // The buffer cannot be written out; the file goes anyway.
        }
        File.Delete(temporary);
    }

    /// <summary>Writes a text file (UTF-8 without a mark) completely or not at all.</summary>
    /// <exception cref="LorqException">It cannot be written; what was there before is unchanged.</exception>
    public static void WriteText(string path, string text)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        try
        {
            using var file = new AtomicFile(Path.GetFullPath(path), bytes.Length, Open);
            file.Stream.Write(bytes);
            file.Close();
            file.Commit();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw Explain(e, path, bytes.Length);
        }
    }

    /// <summary>Makes sure that a file could be written here, before the work whose result it is for.</summary>
    /// <exception cref="LorqException">It cannot.</exception>
    public static void RequireWritable(string path)
    {
        try
        {
            string target = Path.GetFullPath(path);
            if (Directory.Exists(target))
            {
                throw Catalogue.CannotWriteFile.With(path, "it is a folder.");
            }
            using var file = new AtomicFile(target, 0, Open);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw Explain(e, path, 0);
        }
    }

    /// <summary>Turns what the file system reports into an error a user can act on.</summary>
    public static LorqException Explain(Exception error, string path, long size)
    {
        const int NoSpace = 28;
        const int QuotaExceeded = 122;
        const int WindowsHandleDiskFull = unchecked((int)0x80070027);
        const int WindowsDiskFull = unchecked((int)0x80070070);
        bool full =
            error.HResult is NoSpace or QuotaExceeded or WindowsHandleDiskFull or WindowsDiskFull
            || (error is IOException && Free(path) < size);
        return full ? Catalogue.DiskFull.With(path, size) : Catalogue.CannotWriteFile.With(path, error.Message);
    }

    private static long Free(string path)
    {
        try
        {
            return new DriveInfo(Path.GetDirectoryName(Path.GetFullPath(path))!).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return long.MaxValue;
        }
    }
}
