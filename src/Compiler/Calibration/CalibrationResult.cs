using Lorq.Caching;
using Lorq.Quantization;
using Lorq.Sites;

namespace Lorq.Calibration;

/// <summary>What calibration measured, per site.</summary>
/// <param name="Sites">By site name.</param>
/// <param name="Rows">Rows (tokens, pixels) seen per sample set, for the report.</param>
public sealed record CalibrationResult(IReadOnlyDictionary<string, SiteStatistics> Sites, long Rows)
{
    /// <summary>The statistics of a site, or null without calibration.</summary>
    public SiteStatistics? For(Site site) => Sites.GetValueOrDefault(site.Name);
}

/// <summary>What is known about a site's input.</summary>
/// <param name="Moments">
/// One per group; the same object is shared by sites that read the same tensor. Null for a pure Gather. Those of a cache are read when one
/// is first asked for: to count them reads nothing.
/// </param>
/// <param name="Counts">Token counts per table row (length N) when a Gather reads it; else null.</param>
public sealed record SiteStatistics(IReadOnlyList<SecondMoment>? Moments, float[]? Counts)
{
    /// <summary>True when a moment is so close to singular that only its diagonal is used.</summary>
    public bool IsDiagonalFallback =>
        Moments is StoredMoments stored ? stored.IsDiagonalFallback : Moments?.Any(m => m.IsDiagonalFallback) == true;

    /// <summary>Lets the factors of the moments go; reads no moment of a cache.</summary>
    public void ReleaseFactors()
    {
        if (Moments is StoredMoments stored)
        {
            stored.ReleaseFactors();
            return;
        }
        foreach (SecondMoment moment in Moments ?? [])
        {
            moment.ReleaseFactors();
        }
    }

    /// <summary>A digest of all values; reads no moment of a cache.</summary>
    public Digest Fingerprint
    {
        get
        {
            var hash = new ContentHash();
            if (Moments is { Count: > 0 })
            {
                hash.Add((Moments is StoredMoments stored ? stored.Facts : MomentFacts.Of(Moments)).Fingerprint);
            }
            return hash.Add("counts").Add(Counts.AsSpan()).Finish();
        }
    }
}
