namespace Lorq.Diagnostics;

public static partial class Catalogue
{
    /// <summary>A path that cannot be a cache.</summary>
    public static readonly Diagnostic CacheFolderUnusable = new(
        "LORQ0910",
        "A folder cannot be used as a cache",
        "'{0}' cannot be used as a cache: {1}.",
        "The path was misspelt, or is that of a file.",
        "Give another folder with --cache, or set LORQ_CACHE; it is made when it is absent."
    );

    /// <summary>A size or an age that cannot be understood.</summary>
    public static readonly Diagnostic MalformedCacheLimit = new(
        "LORQ0911",
        "A limit of the cache cannot be understood",
        "The value '{1}' of {0} is not {2}.",
        "Sizes are a number and a unit (B, kB, MB, GB, KiB, MiB, GiB), ages a number and h, d or w.",
        "Write the limit in that form."
    );
}
