using Lorq.Calibration;
using Lorq.Diagnostics;

namespace Lorq.Checks;

/// <summary>What the last check saw of the written model.</summary>
/// <param name="Divergence">How far it is from the original; null without data.</param>
/// <param name="Inputs">The inputs a caller must give.</param>
/// <param name="OptionalInputs">The inputs a caller may leave out.</param>
/// <param name="Outputs">The outputs.</param>
public sealed record CheckedModel(
    DivergenceResult? Divergence,
    IReadOnlyList<TensorSignature> Inputs,
    IReadOnlyList<TensorSignature> OptionalInputs,
    IReadOnlyList<TensorSignature> Outputs
);

/// <summary>The last check of a compression: stock ONNX Runtime, with no custom library, loads the written file and runs it beside the original.</summary>
public static class OutputCheck
{
    /// <summary>Loads both models, compares their inputs and outputs, and measures how far the written one is from the original.</summary>
    /// <param name="original">The original model file.</param>
    /// <param name="compressed">The written model file.</param>
    /// <param name="heldOut">Samples that calibration did not see; null to measure nothing.</param>
    /// <param name="mask">The input whose zeros mark padding, or null.</param>
    /// <param name="threads">Threads; 0 for one per core.</param>
    /// <param name="progress">Told the number of batches done; null for none.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="LorqException">LORQ0401: ONNX Runtime refuses a file; LORQ0402: a run fails; LORQ0804, LORQ0805: inputs or outputs changed.</exception>
    public static CheckedModel Run(
        string original,
        string compressed,
        DataSet? heldOut,
        string? mask,
        int threads,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        using var before = new ModelRunner(original, threads);
        using var after = new ModelRunner(compressed, threads);
        SignatureCheck.Check(original, before, compressed, after);
        return new CheckedModel(
            heldOut is null ? null : Divergence.Measure(before, after, heldOut, mask, threads, progress, cancellationToken),
            after.Inputs,
            after.OptionalInputs,
            after.Outputs
        );
    }
}
