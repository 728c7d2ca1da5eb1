using Lorq.Diagnostics;
using Lorq.Models;

namespace Lorq.Caching;

/// <summary>
/// A cache: a folder with one profile per combination of model, data and compiler, each with its entries. Opening it touches nothing;
/// folders are made when something is written. It may be deleted at any time, and several processes may use it at once.
/// </summary>
public sealed class CacheFolder
{
    /// <summary>The environment variable that names the default folder.</summary>
    public const string PathVariable = "LORQ_CACHE";

    /// <summary>The environment variable with the most bytes a cache may keep, for example <c>8GB</c>.</summary>
    public const string CapVariable = "LORQ_CACHE_MAX";

    /// <summary>Bytes a cache may keep when nothing is said.</summary>
    public const long DefaultCap = 4_000_000_000;

    private readonly CacheWarnings warnings = new();
    private readonly TimeProvider clock;
    private readonly Func<string, long, Stream> create;

    /// <summary>Uses a folder.</summary>
    /// <param name="path">The folder; made when something is first written.</param>
    /// <param name="cap">Bytes above which a finished run drops the least recently used other profiles.</param>
    /// <exception cref="LorqException">LORQ0910: this can be no folder.</exception>
    public CacheFolder(string path, long cap = DefaultCap)
        : this(path, cap, TimeProvider.System, AtomicFile.Open) { }

    /// <summary>Uses a folder with another clock and disk, for tests.</summary>
    internal CacheFolder(string path, long cap, TimeProvider clock, Func<string, long, Stream> create)
    {
        try
        {
            Path = System.IO.Path.GetFullPath(path);
        }
        catch (ArgumentException)
        {
            throw Catalogue.CacheFolderUnusable.With(path, "this is no path");
        }
        Cap = cap;
        this.clock = clock;
        this.create = create;
    }

    /// <summary>The folder, as a full path.</summary>
    public string Path { get; }

    /// <summary>Bytes above which a finished run drops the least recently used other profiles.</summary>
    public long Cap { get; }

    /// <summary>What went wrong without stopping anything, in words.</summary>
    public IReadOnlyList<string> Warnings => warnings.Texts;

    /// <summary>The cache's clock.</summary>
    internal TimeProvider Clock => clock;

    /// <summary>The time by it.</summary>
    internal DateTimeOffset Now => clock.GetUtcNow();

    /// <summary>
    /// The cache of this user: the folder that <c>LORQ_CACHE</c> names, else <c>lorq</c> in the system's folder for caches; with the cap that
    /// <c>LORQ_CACHE_MAX</c> sets.
    /// </summary>
    /// <param name="path">Another folder; null for the default.</param>
    /// <returns>Null when no path is given and the user has no such folder.</returns>
    /// <exception cref="LorqException">LORQ0910, LORQ0911: the path is none or that of a file, or the variable holds no size.</exception>
    public static CacheFolder? OfUser(string? path = null)
    {
        if ((path ?? DefaultPath()) is not { } folder)
        {
            return null;
        }
        string? cap = Environment.GetEnvironmentVariable(CapVariable);
        var cache = new CacheFolder(folder, string.IsNullOrEmpty(cap) ? DefaultCap : CacheLimits.Bytes(cap, CapVariable));
        return File.Exists(cache.Path) ? throw Catalogue.CacheFolderUnusable.With(folder, "this is a file") : cache;
    }

    /// <summary>Makes sure before long work that there is such a folder or that it can be made. One that can only be read is of use too.</summary>
    /// <exception cref="LorqException">LORQ0910: it cannot.</exception>
    public void RequirePlace()
    {
        string parent = Path;
        while (!Directory.Exists(parent) && !File.Exists(parent) && System.IO.Path.GetDirectoryName(parent) is { } above)
        {
            parent = above;
        }
        if (File.Exists(parent))
        {
            throw Catalogue.CacheFolderUnusable.With(Path, $"'{parent}' is a file");
        }
        if (parent == Path)
        {
            return;
        }
        try
        {
            string trial = System.IO.Path.Combine(parent, ".lorq-" + System.IO.Path.GetRandomFileName());
            Directory.CreateDirectory(trial);
            Directory.Delete(trial);
        }
        catch (Exception e) when (EntryFolder.IsExpected(e))
        {
            // The system's words would name the trial.
            throw Catalogue.CacheFolderUnusable.With(Path, $"no folder can be made in '{parent}'");
        }
    }

    /// <summary>Opens a profile; it exists from then on.</summary>
    /// <param name="key">The digest of everything its entries depend on in common.</param>
    /// <param name="facts">What it belongs to, for people.</param>
    public CacheProfile Open(Digest key, ProfileFacts facts) =>
        new(this, new EntryFolder(System.IO.Path.Combine(Path, key.ToString()), warnings, create), facts);

    /// <summary>All profiles, the most recently used first.</summary>
    public IReadOnlyList<ProfileSummary> List() =>
        [
            .. ProfileDirectory
                .All(Path)
                .Select(ProfileDirectory.Describe)
                .OfType<ProfileSummary>()
                .OrderByDescending(p => p.LastUsed)
                .ThenBy(p => p.Id, StringComparer.Ordinal),
        ];

    /// <summary>Deletes profiles.</summary>
    /// <param name="trim">Which.</param>
    public TrimResult Trim(CacheTrim trim)
    {
        var dropped = new List<ProfileSummary>();
        var problems = new List<string>();
        foreach (ProfileSummary profile in trim.Select(List(), Now))
        {
            if (Drop(profile) is { } problem)
            {
                problems.Add($"Profile {profile.Id} cannot be deleted: {problem}");
            }
            else
            {
                dropped.Add(profile);
            }
        }
        return new TrimResult(dropped, problems);
    }

    /// <summary>Reads every entry, and what each profile belongs to; removes damaged ones.</summary>
    /// <param name="cancellationToken">Looked at once per entry.</param>
    public Verification Verify(CancellationToken cancellationToken)
    {
        int entries = 0;
        var removed = new List<string>();
        var unreadable = new List<string>();
        foreach (DirectoryInfo directory in ProfileDirectory.All(Path))
        {
            var folder = new EntryFolder(directory.FullName, warnings, create);
            string record = System.IO.Path.Combine(directory.FullName, ProfileRecord.FileName);
            if (File.Exists(record))
            {
                entries++;
                if (ProfileDirectory.Record(directory.FullName) is null)
                {
                    (EntryFolder.Remove(record) ? removed : unreadable).Add(record);
                }
            }
            foreach ((CacheKey key, FileInfo file) in ProfileDirectory.Entries(directory))
            {
                cancellationToken.ThrowIfCancellationRequested();
                entries++;
                switch (folder.Check(key))
                {
                    case null when File.Exists(file.FullName):
                    case EntryState.Damaged when !EntryFolder.Remove(file.FullName):
                        unreadable.Add(file.FullName);
                        break;
                    case EntryState.Damaged:
                        removed.Add(file.FullName);
                        break;
                }
            }
        }
        return new Verification(entries, entries - removed.Count - unreadable.Count, removed, unreadable);
    }

    /// <summary>Drops the least recently used other profiles until the cache keeps to its cap.</summary>
    /// <param name="inUse">The folder of the profile that stays.</param>
    internal void KeepToCap(string inUse)
    {
        string kept = System.IO.Path.GetFileName(inUse);
        foreach (ProfileSummary profile in new CacheTrim(MaxBytes: Cap).Select(List(), Now, p => p.Id == kept))
        {
            Drop(profile);
        }
    }

    /// <summary>Deletes a profile.</summary>
    /// <returns>What kept it from being deleted; null when it is gone.</returns>
    internal string? Drop(ProfileSummary profile) => ProfileDirectory.Delete(new DirectoryInfo(System.IO.Path.Combine(Path, profile.Id)));

    private static string? DefaultPath()
    {
        if (Environment.GetEnvironmentVariable(PathVariable) is { Length: > 0 } named)
        {
            return named;
        }
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string folder =
            OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            // By the XDG specification a relative path there is to be ignored.
            : Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg && System.IO.Path.IsPathRooted(xdg) ? xdg
            : home.Length == 0 ? ""
            : OperatingSystem.IsMacOS() ? System.IO.Path.Combine(home, "Library", "Caches")
            : System.IO.Path.Combine(home, ".cache");
        return folder.Length > 0 ? System.IO.Path.Combine(folder, "lorq") : null;
    }
}
