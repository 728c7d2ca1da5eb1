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
/// <param name="Moments">One per group; the same object is shared by sites that read the same tensor. Null for a pure Gather.</param>
/// <param name="Counts">Token counts per table row (length N) when a Gather reads it; else null.</param>
public sealed record SiteStatistics(IReadOnlyList<SecondMoment>? Moments, float[]? Counts);
