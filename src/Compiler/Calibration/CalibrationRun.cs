using Lorq.Caching;
using Lorq.Models;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq.Calibration;

/// <summary>Calibration as it was carried out: the data, what was kept aside, and what was measured.</summary>
/// <param name="Samples">The samples used.</param>
/// <param name="Result">Second moments and counts.</param>
public sealed record CalibrationRun(CalibrationSamples Samples, CalibrationResult Result)
{
    /// <summary>Samples that probes are measured on, when there are as many.</summary>
    private const int ProbeSamples = 32;

    /// <summary>The samples that weights are calibrated with.</summary>
    public DataSet Data => Samples.Data;

    /// <summary>The samples kept aside.</summary>
    public DataSet HeldOut => Samples.HeldOut;

    /// <summary>The input whose zeros mark padding, or null.</summary>
    public string? Mask => Samples.Mask;

    /// <summary>
    /// The samples for probes: those kept aside, and where these are few, calibration samples too. A weight's own rounding hardly
    /// follows single samples, while the noise of a few is large.
    /// </summary>
    public DataSet Probes => (HeldOut == Data ? Data : new DataSet([.. HeldOut.Batches, .. Data.Batches], Data.Source)).First(ProbeSamples);

    /// <summary>Runs the model on its samples for what is not known yet.</summary>
    /// <param name="model">The original model.</param>
    /// <param name="sites">Its sites.</param>
    /// <param name="samples">The samples.</param>
    /// <param name="spec">How they are used.</param>
    /// <param name="cache">Results of earlier runs with this model and these samples: the model is only run for what is not there.</param>
    /// <param name="progress">Told after each batch.</param>
    /// <param name="cancellationToken">Stops.</param>
    public static CalibrationRun Start(
        OnnxModel model,
        IReadOnlyList<Site> sites,
        CalibrationSamples samples,
        CompressionSpec spec,
        CacheProfile cache,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    ) =>
        new(
            samples,
            Collector.Collect(
                model,
                sites,
                samples.Data,
                samples.Mask,
                spec.Calibration.MemoryCapBytes,
                spec.Threads,
                cache,
                progress,
                cancellationToken
            )
        );
}
