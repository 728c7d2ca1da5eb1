using Lorq.Caching;
using Lorq.Checks;
using Lorq.Models;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq.Calibration;

/// <summary>Calibration as it was carried out: the data, what was kept aside, and what was measured.</summary>
/// <param name="Data">The samples used.</param>
/// <param name="HeldOut">The samples kept aside.</param>
/// <param name="Mask">The input whose zeros mark padding, or null.</param>
/// <param name="Result">Second moments and counts.</param>
/// <param name="Warnings">What the user should know.</param>
/// <param name="Cache">Results of earlier runs with this model and these samples.</param>
public sealed record CalibrationRun(
    DataSet Data,
    DataSet HeldOut,
    string? Mask,
    CalibrationResult Result,
    IReadOnlyList<string> Warnings,
    CacheProfile Cache
)
{
    /// <summary>Samples that probes are measured on, when there are as many.</summary>
    private const int ProbeSamples = 32;

    /// <summary>
    /// The samples for probes: those kept aside, and where these are few, calibration samples too. A weight's own rounding hardly
    /// follows single samples, while the noise of a few is large.
    /// </summary>
    public DataSet Probes
    {
        get
        {
            var batches = new List<IReadOnlyDictionary<string, DataTensor>>();
            long samples = 0;
            foreach (IReadOnlyDictionary<string, DataTensor> batch in HeldOut == Data ? Data.Batches : HeldOut.Batches.Concat(Data.Batches))
            {
                if (samples >= ProbeSamples)
                {
                    break;
                }
                batches.Add(batch);
                samples += batch.Values.First().Shape.FirstOrDefault(1);
            }
            return new DataSet(batches, Data.Source);
        }
    }

    /// <summary>Loads the data of a spec, splits it and runs the model on it; null when the spec names no data.</summary>
    /// <param name="model">The original model.</param>
    /// <param name="sites">Its sites.</param>
    /// <param name="spec">Which data, and how it is used.</param>
    /// <param name="folder">Where results are kept: the model is only run for what is not there. Null for nowhere.</param>
    /// <param name="progress">Told after each batch.</param>
    /// <param name="cancellationToken">Stops.</param>
    public static CalibrationRun? Start(
        OnnxModel model,
        IReadOnlyList<Site> sites,
        CompressionSpec spec,
        CacheFolder? folder,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        CalibrationSpec c = spec.Calibration;
        if (c.Data.Count == 0)
        {
            return null;
        }
        IReadOnlyList<TensorSignature> inputs;
        using (var runner = new ModelRunner(model.Path, spec.Threads))
        {
            inputs = runner.Inputs;
        }
        SampleSet all = CalibrationData.Load(c.Data, inputs, cancellationToken).Take(c.MaxSamples);
        string? mask = c.Mask ?? MaskInput.Find(inputs);
        (DataSet data, DataSet heldOut, bool isSame) = all.Split(c.HeldOut, c.BatchSize);
        List<string> warnings = [];
        if (isSame)
        {
            warnings.Add("There is one calibration sample only: probes and checks used the sample that calibrated the model.");
        }
        CacheProfile cache = ProfileKey.Open(folder, model, data, heldOut, mask, cancellationToken);
        try
        {
            CalibrationResult result = Collector.Collect(
                model,
                sites,
                data,
                mask,
                c.MemoryCapBytes,
                spec.Threads,
                cache,
                progress,
                cancellationToken
            );
            return new CalibrationRun(data, heldOut, mask, result, warnings, cache);
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }
}
