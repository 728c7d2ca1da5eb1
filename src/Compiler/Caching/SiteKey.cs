using Lorq.Calibration;
using Lorq.Sites;

namespace Lorq.Caching;

/// <summary>What everything that is measured on one site alone depends on: its weight and what is known about its input.</summary>
internal static class SiteKey
{
    /// <summary>The digest of a site. The stored tensor is hashed as it lies in the file; how it is read is a matter of the model.</summary>
    /// <param name="site">The site.</param>
    /// <param name="statistics">What is known about its input; null without data.</param>
    public static Digest Of(Site site, SiteStatistics? statistics) =>
        new ContentHash()
            .Add(site.Name)
            .Add((long)site.Kind)
            .Add(site.K)
            .Add(site.N)
            .Add(site.Groups)
            .Add((long)site.Layout)
            .Add((long)site.Weight.Origin.DataType)
            .Add(site.Weight.OriginScope.Model.ReadBytes(site.Weight.Origin).Span)
            .Add(statistics is null ? 0 : 1)
            .Add((statistics ?? new SiteStatistics(null, null)).Fingerprint)
            .Finish();
}
