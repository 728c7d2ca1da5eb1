using System.Text.Json;
using Lorq.Models;

namespace Lorq.Caching;

/// <summary>A profile as it lies on disk.</summary>
/// <param name="Id">Its digest, the name of its folder.</param>
/// <param name="Facts">What it belongs to; null when <c>profile.json</c> is missing or cannot be read.</param>
/// <param name="Entries">Number of entries.</param>
/// <param name="Bytes">Bytes of all its files.</param>
/// <param name="Created">When it was made; null when that is not known.</param>
/// <param name="LastUsed">When a run last used it.</param>
public sealed record ProfileSummary(
    string Id,
    ProfileFacts? Facts,
    int Entries,
    long Bytes,
    DateTimeOffset? Created,
    DateTimeOffset LastUsed
);

/// <summary>
/// The folder of a profile seen from outside. Only files that a cache makes are counted, and only these are ever deleted, by name and one
/// by one: whatever else lies there stays, and links are not followed.
/// </summary>
internal static class ProfileDirectory
{
    /// <summary>Larger than any that was written; more is not read.</summary>
    private const int LargestRecord = 1 << 20;

    /// <summary>The folders of all profiles below a root; none when it cannot be read.</summary>
    public static IReadOnlyList<DirectoryInfo> All(string root)
    {
        try
        {
            return
            [
                .. new DirectoryInfo(root)
                    .EnumerateDirectories("*", EntryFolder.EveryFile)
                    .Where(d => Digest.TryParse(d.Name, out _) && d.LinkTarget is null)
                    .OrderBy(d => d.Name, StringComparer.Ordinal),
            ];
        }
        catch (Exception e) when (EntryFolder.IsExpected(e))
        {
            return [];
        }
    }

    /// <summary>Describes a profile; null when it has gone meanwhile.</summary>
    public static ProfileSummary? Describe(DirectoryInfo directory)
    {
        try
        {
            FileInfo[] files = [.. Files(directory)];
            ProfileRecord? record = Record(directory.FullName);
            return new ProfileSummary(
                directory.Name,
                record?.Facts,
                files.Count(f => CacheKey.TryParse(f.Name, out _)),
                files.Sum(f => f.Length),
                record?.Created,
                record?.LastUsed ?? directory.LastWriteTimeUtc
            );
        }
        catch (Exception e) when (EntryFolder.IsExpected(e))
        {
            return null;
        }
    }

    /// <summary>Its entries in the order of their names; none when it cannot be read.</summary>
    public static IReadOnlyList<(CacheKey Key, FileInfo File)> Entries(DirectoryInfo directory)
    {
        try
        {
            var entries = new List<(CacheKey, FileInfo)>();
            foreach (FileInfo file in Files(directory).OrderBy(f => f.Name, StringComparer.Ordinal))
            {
                if (CacheKey.TryParse(file.Name, out CacheKey key))
                {
                    entries.Add((key, file));
                }
            }
            return entries;
        }
        catch (Exception e) when (EntryFolder.IsExpected(e))
        {
            return [];
        }
    }

    /// <summary>Deletes a profile.</summary>
    /// <returns>What kept it from being deleted; null when it is gone.</returns>
    public static string? Delete(DirectoryInfo directory)
    {
        try
        {
            // The record goes first: what is left of an interrupted deletion is the next to go.
            foreach (FileInfo file in Files(directory).OrderBy(f => f.Name == ProfileRecord.FileName ? 0 : 1))
            {
                file.Delete();
            }
            directory.Delete(recursive: false);
            return null;
        }
        catch (DirectoryNotFoundException)
        {
            // Another process was quicker.
            return null;
        }
        catch (Exception e) when (EntryFolder.IsExpected(e))
        {
            return e.Message;
        }
    }

    /// <summary>The record of a profile; null when it is missing, damaged or not one.</summary>
    public static ProfileRecord? Record(string directory)
    {
        try
        {
            using FileStream stream = File.OpenRead(Path.Combine(directory, ProfileRecord.FileName));
            return stream.Length <= LargestRecord ? JsonSerializer.Deserialize(stream, CacheJson.Default.ProfileRecord) : null;
        }
        catch (Exception e) when (e is JsonException || EntryFolder.IsExpected(e))
        {
            return null;
        }
    }

    private static IEnumerable<FileInfo> Files(DirectoryInfo directory) =>
        directory
            .EnumerateFiles("*", EntryFolder.EveryFile)
            .Where(f =>
                f.Name is ProfileRecord.FileName or FileLock.Name
                || CacheKey.TryParse(f.Name, out _)
                || System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(AtomicFile.TemporaryPattern, f.Name, ignoreCase: false)
            );
}
