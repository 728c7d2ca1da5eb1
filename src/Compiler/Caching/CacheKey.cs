using System.Text;

namespace Lorq.Caching;

/// <summary>The name of a cache entry: what kind of thing it is, and the digest of all it depends on within its profile.</summary>
public readonly record struct CacheKey
{
    /// <summary>Letters a kind may have.</summary>
    internal const int KindLength = 16;

    private const string Extension = ".entry";

    /// <summary>Makes a key.</summary>
    /// <param name="kind">1 to 16 lower-case letters, for example <c>moment</c>; part of the file's name.</param>
    /// <param name="digest">What the entry depends on.</param>
    /// <exception cref="ArgumentException">The kind is something else.</exception>
    public CacheKey(string kind, Digest digest)
    {
        if (!IsKind(kind))
        {
            throw new ArgumentException($"'{kind}' is no kind of cache entry: 1 to {KindLength} letters from a to z.", nameof(kind));
        }
        Kind = kind;
        Digest = digest;
    }

    /// <summary>What kind of thing the entry holds.</summary>
    public string Kind { get; }

    /// <summary>What it depends on.</summary>
    public Digest Digest { get; }

    /// <summary>The name of its file: <c>kind-digest.entry</c>.</summary>
    public string FileName => $"{Kind}-{Digest}{Extension}";

    /// <summary>The key of a file by its name; false when it is not an entry's.</summary>
    internal static bool TryParse(string fileName, out CacheKey key)
    {
        key = default;
        int dash = fileName.IndexOf('-', StringComparison.Ordinal);
        if (
            dash < 0
            || fileName.Length != dash + 1 + Digest.TextLength + Extension.Length
            || !fileName.EndsWith(Extension, StringComparison.Ordinal)
            || !IsKind(fileName[..dash])
            || !Digest.TryParse(fileName.Substring(dash + 1, Digest.TextLength), out Digest digest)
        )
        {
            return false;
        }
        key = new CacheKey(fileName[..dash], digest);
        return true;
    }

    /// <summary>The kind as it stands in an entry: ASCII, padded with zeros.</summary>
    internal void WriteKind(Span<byte> bytes)
    {
        bytes.Clear();
        Encoding.ASCII.GetBytes(Kind, bytes);
    }

    private static bool IsKind(string kind) => kind.Length is >= 1 and <= KindLength && kind.All(char.IsAsciiLetterLower);
}
