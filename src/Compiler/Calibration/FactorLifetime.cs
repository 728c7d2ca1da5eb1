using Lorq.Quantization;
using Lorq.Sites;

namespace Lorq.Calibration;

/// <summary>
/// Lets the factors of a second moment go when the last of the sites that read it is done: they take up to four times the memory of the
/// moment, which is all that has to last. Thread-safe.
/// </summary>
internal sealed class FactorLifetime
{
    private readonly CalibrationResult? calibration;
    private readonly Dictionary<IReadOnlyList<SecondMoment>, int> readers = new(ReferenceEqualityComparer.Instance);

    /// <summary>Counts the readers.</summary>
    /// <param name="calibration">The moments; null without data. Sites that read the same tensor have the same list of them.</param>
    /// <param name="sites">The sites that are going to be worked on.</param>
    public FactorLifetime(CalibrationResult? calibration, IEnumerable<Site> sites)
    {
        this.calibration = calibration;
        foreach (
            IReadOnlyList<SecondMoment> moments in sites.Select(s => calibration?.For(s)?.Moments).OfType<IReadOnlyList<SecondMoment>>()
        )
        {
            readers[moments] = readers.GetValueOrDefault(moments) + 1;
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
