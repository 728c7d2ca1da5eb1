using Lorq.Checks;
using Lorq.Models;
using Lorq.Specs;

namespace Lorq.Calibration;

/// <summary>The samples of a spec as they are used.</summary>
/// <param name="Data">Those that weights are calibrated with.</param>
/// <param name="HeldOut">Those kept aside; <paramref name="Data"/> itself when there is one sample only.</param>
/// <param name="Mask">The input whose zeros mark padding, or null.</param>
public sealed record CalibrationSamples(DataSet Data, DataSet HeldOut, string? Mask)
{
    /// <summary>What the user should know.</summary>
    public IReadOnlyList<string> Warnings =>
        HeldOut == Data ? ["There is one calibration sample only: probes and checks used the sample that calibrated the model."] : [];

    /// <summary>Loads and splits the data of a spec; null when it names none.</summary>
    /// <param name="model">The original model.</param>
    /// <param name="spec">Which data, and how it is used.</param>
    /// <param name="cancellationToken">Stops.</param>
    public static CalibrationSamples? Load(OnnxModel model, CompressionSpec spec, CancellationToken cancellationToken)
    {
        CalibrationSpec c = spec.Calibration;
        if (c.Data.Count == 0)
        {
            return null;
        }
        IReadOnlyList<TensorSignature> inputs = GraphSignature.Of(model).Inputs;
        SampleSet all = CalibrationData.Load(c.Data, inputs, cancellationToken).Take(c.MaxSamples);
        (DataSet data, DataSet heldOut, _) = all.Split(c.HeldOut, c.BatchSize);
        return new CalibrationSamples(data, heldOut, c.Mask ?? MaskInput.Find(inputs));
    }
}
