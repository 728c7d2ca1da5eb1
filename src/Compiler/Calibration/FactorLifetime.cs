using Lorq.Quantization;
using Lorq.Sites;

namespace Lorq.Calibration;

/// <summary>
/// Lets the factors of a second moment go when the last of the sites that read it is done: they take up to four times the memory of the
/// moment, which is all that has to last. Those of the widest inputs stay, as far as some memory goes: they take longest to make again, and
/// every plan that is measured needs them. Thread-safe.
/// </summary>
internal sealed class FactorLifetime
{
    /// <summary>Bytes of factors that stay.</summary>
    private const long Kept = 192L << 20;

    /// <summary>Bytes of the factors that quantizing and measuring need, per value of the moment.</summary>
    private const int BytesPerValue = 16;

    private readonly CalibrationResult? calibration;
    private readonly Dictionary<IReadOnlyList<SecondMoment>, int> readers = new(ReferenceEqualityComparer.Instance);

    /// <summary>Counts the readers.</summary>
    /// <param name="calibration">The moments; null without data. Sites that read the same tensor have the same list of them.</param>
    /// <param name="sites">The sites that are going to be worked on.</param>
    public FactorLifetime(CalibrationResult? calibration, IEnumerable<Site> sites)
    {
        this.calibration = calibration;
        long left = Kept;
        foreach (Site site in sites.OrderByDescending(s => s.K))
        {
            if (calibration?.For(site)?.Moments is not { } moments)
            {
                continue;
            }
            long bytes = (long)site.K * site.K * moments.Count * BytesPerValue;
            // What stays has one reader more, which is never done.
            bool isKept = bytes <= left;
            if (readers.TryAdd(moments, isKept ? 1 : 0) && isKept)
            {
                left -= bytes;
            }
            readers[moments]++;
        }
    }

    /// <summary>A site is done.</summary>
    public void Done(Site site)
    {
        if (calibration?.For(site) is not { Moments: { } moments } statistics)
        {
            return;
        }
        lock (readers)
        {
            if (--readers[moments] > 0)
            {
                return;
            }
        }
        statistics.ReleaseFactors();
    }
}
