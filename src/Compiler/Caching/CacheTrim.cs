namespace Lorq.Caching;

/// <summary>What of a cache is to go: what is too old, then the least recently used until the rest is small enough.</summary>
/// <param name="MaxBytes">Bytes that may remain; null for any number.</param>
/// <param name="OlderThan">Time since its last use after which a profile goes; null for never.</param>
public sealed record CacheTrim(long? MaxBytes = null, TimeSpan? OlderThan = null)
{
    /// <summary>Everything.</summary>
    public static CacheTrim All { get; } = new(0);

    /// <summary>The profiles to drop, the least recently used first.</summary>
    /// <param name="profiles">All there are, the most recently used first.</param>
    /// <param name="now">The time.</param>
    /// <param name="isKept">Profiles that stay whatever their size; they count all the same.</param>
    public IReadOnlyList<ProfileSummary> Select(
        IReadOnlyList<ProfileSummary> profiles,
        DateTimeOffset now,
        Func<ProfileSummary, bool>? isKept = null
    )
    {
        long bytes = profiles.Sum(p => p.Bytes);
        var chosen = new List<ProfileSummary>();
        foreach (ProfileSummary profile in profiles.Reverse())
        {
            bool isOld = OlderThan is { } age && now - profile.LastUsed > age;
            // Empty profiles go too when nothing may remain.
            bool isTooMuch = MaxBytes is { } most && (bytes > most || most == 0);
            if ((isOld || isTooMuch) && isKept?.Invoke(profile) != true)
            {
                chosen.Add(profile);
                bytes -= profile.Bytes;
            }
        }
        return chosen;
    }
}
