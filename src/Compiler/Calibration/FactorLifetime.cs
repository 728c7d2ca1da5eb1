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
    private readonly Dictionary<object, int> readers = new(ReferenceEqualityComparer.Instance);

    /// <summary>Counts the readers.</summary>
    /// <param name="calibration">The moments; null without data.</param>
    /// <param name="sites">The sites that are going to be worked on.</param>
    public FactorLifetime(CalibrationResult? calibration, IEnumerable<Site> sites)
    {
        this.calibration = calibration;
        foreach (object moment in sites.SelectMany(Moments))
        {
            readers[moment] = readers.GetValueOrDefault(moment) + 1;
        }
    }

    /// <summary>A site is done.</summary>
    public void Done(Site site)
    {
        foreach (object moment in Moments(site))
        {
            lock (readers)
            {
                if (--readers[moment] > 0)
                {
                    continue;
                }
            }
            switch (moment)
            {
                case StoredMoments stored:
                    stored.ReleaseFactors();
                    break;
                case SecondMoment one:
                    one.ReleaseFactors();
                    break;
            }
        }
    }

    /// <summary>Those of a cache are taken together: to go through them would read them.</summary>
    private IReadOnlyList<object> Moments(Site site) =>
        calibration?.For(site)?.Moments is { } moments
            ? moments is StoredMoments
                ? [moments]
                : moments
            : [];
}
