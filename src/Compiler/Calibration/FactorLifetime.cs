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
    private readonly Dictionary<SecondMoment, int> readers = new(ReferenceEqualityComparer.Instance);

    /// <summary>Counts the readers.</summary>
    /// <param name="calibration">The moments; null without data.</param>
    /// <param name="sites">The sites that are going to be worked on.</param>
    public FactorLifetime(CalibrationResult? calibration, IEnumerable<Site> sites)
    {
        this.calibration = calibration;
        foreach (SecondMoment moment in sites.SelectMany(Moments))
        {
            readers[moment] = readers.GetValueOrDefault(moment) + 1;
        }
    }

    /// <summary>A site is done.</summary>
    public void Done(Site site)
    {
        foreach (SecondMoment moment in Moments(site))
        {
            lock (readers)
            {
                if (--readers[moment] > 0)
                {
                    continue;
                }
            }
            moment.ReleaseFactors();
        }
    }

    private IReadOnlyList<SecondMoment> Moments(Site site) => calibration?.For(site)?.Moments ?? [];
}
