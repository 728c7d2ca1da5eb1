namespace Lorq.Caching;

/// <summary>What reading every entry of a cache found.</summary>
/// <param name="Entries">Entries there were, the records of what profiles belong to included.</param>
/// <param name="Sound">Those that are whole, or of a later version and left alone.</param>
/// <param name="Removed">Damaged ones, which are gone now.</param>
/// <param name="Unreadable">Damaged ones that cannot be removed, and those that cannot be read.</param>
public sealed record Verification(int Entries, int Sound, IReadOnlyList<string> Removed, IReadOnlyList<string> Unreadable);

/// <summary>What trimming a cache did.</summary>
/// <param name="Dropped">The profiles that are gone.</param>
/// <param name="Problems">Why others are still there though they should not be.</param>
public sealed record TrimResult(IReadOnlyList<ProfileSummary> Dropped, IReadOnlyList<string> Problems);
