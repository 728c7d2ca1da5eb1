using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Lorq.Build;

/// <summary>
/// What a build knows of an input or output. A file is its length and content; where its time is what it was, the content is taken to
/// be too. A folder, or a pattern (* and ? in the last part), is the names it has.
/// </summary>
internal sealed class FileFact
{
    private const string Names = "names";

    private FileFact(string path, string length, long time, string hash)
    {
        Path = path;
        Length = length;
        Time = time;
        Hash = hash;
    }

    /// <summary>The full path.</summary>
    public string Path { get; }

    /// <summary>The file's length; "names" for folders and patterns.</summary>
    public string Length { get; }

    /// <summary>When it was last written, in ticks of UTC; 0 for folders and patterns.</summary>
    public long Time { get; }

    /// <summary>SHA-256 of content or names.</summary>
    public string Hash { get; }

    /// <summary>Looks at a path now.</summary>
    /// <returns>Null when nothing is there.</returns>
    public static FileFact? Of(string path)
    {
        var file = new FileInfo(path);
        if (IsPlace(path))
        {
            return new(path, Names, 0, Hex(Encoding.UTF8.GetBytes(string.Join("\n", Entries(path)))));
        }
        if (!file.Exists)
        {
            return null;
        }
        // Before the content: what is written while it is read shows as a newer time.
        long time = file.LastWriteTimeUtc.Ticks;
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 20);
        using SHA256 sha = SHA256.Create();
        return new(path, file.Length.ToString(CultureInfo.InvariantCulture), time, Hex(sha.ComputeHash(stream), hashed: true));
    }

    /// <summary>This fact where the path is as it was, with its time of now; else null.</summary>
    /// <param name="trusted">The time before which writes show in the file's time; later ones may share it.</param>
    public FileFact? Current(long trusted)
    {
        if (Length != Names)
        {
            var file = new FileInfo(Path);
            if (!file.Exists || file.Length.ToString(CultureInfo.InvariantCulture) != Length)
            {
                return null;
            }
            if (file.LastWriteTimeUtc.Ticks == Time && Time < trusted)
            {
                return this;
            }
        }
        return Of(Path) is { } now && now.Length == Length && now.Hash == Hash ? now : null;
    }

    /// <summary>A fact that no file meets: of one that changed while it was read.</summary>
    public FileFact Unstable() => new(Path, Length, 0, "-");

    /// <summary>One line of a stamp.</summary>
    public override string ToString() => string.Join("\t", Length, Time.ToString(CultureInfo.InvariantCulture), Hash, Path);

    /// <summary>Reads <see cref="ToString"/>.</summary>
    /// <returns>Null when it is something else.</returns>
    public static FileFact? Parse(string line)
    {
        string[] parts = line.Split(['\t'], 4);
        return parts.Length == 4 && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long time)
            ? new(parts[3], parts[0], time, parts[2])
            : null;
    }

    /// <summary>SHA-256 of a text.</summary>
    public static string HashOf(string text) => Hex(Encoding.UTF8.GetBytes(text));

    private static bool IsPlace(string path) => Directory.Exists(path) || (!File.Exists(path) && IsPattern(path));

    private static bool IsPattern(string path) => System.IO.Path.GetFileName(path).IndexOfAny(['*', '?']) >= 0;

    private static IEnumerable<string> Entries(string path)
    {
        (string folder, string pattern) = Directory.Exists(path)
            ? (path, "*")
            : (System.IO.Path.GetDirectoryName(path)!, System.IO.Path.GetFileName(path));
        return Directory.Exists(folder) ? Directory.GetFileSystemEntries(folder, pattern).OrderBy(e => e, StringComparer.Ordinal) : [];
    }

    private static string Hex(byte[] bytes, bool hashed = false)
    {
        if (!hashed)
        {
            using SHA256 sha = SHA256.Create();
            bytes = sha.ComputeHash(bytes);
        }
        return BitConverter.ToString(bytes).Replace("-", "").ToLowerInvariant();
    }
}
