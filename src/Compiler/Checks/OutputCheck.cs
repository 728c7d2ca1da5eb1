using Lorq.Calibration;
using Lorq.Diagnostics;

namespace Lorq.Checks;

/// <summary>The last check of a compression: stock ONNX Runtime, with no custom library, loads the written file and runs it beside the original.</summary>
public static class OutputCheck
{
    /// <summary>Loads both models and measures how far the written one is from the original.</summary>
    /// <param name="original">The original model file.</param>
    /// <param name="compressed">The written model file.</param>
    /// <param name="heldOut">Samples that calibration did not see.</param>
    /// <param name="mask">The input whose zeros mark padding, or null.</param>
    /// <param name="threads">Threads; 0 for one per core.</param>
    /// <param name="progress">Told the number of batches done; null for none.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="LorqException">LORQ0401: ONNX Runtime refuses a file; LORQ0402: a run fails; LORQ0804, LORQ0805: inputs or outputs changed.</exception>
    public static DivergenceResult Run(
        string original,
        string compressed,
        DataSet heldOut,
        string? mask,
        int threads,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        using var before = new ModelRunner(original, threads);
        using var after = new ModelRunner(compressed, threads);
        SignatureCheck.Check(original, before, compressed, after);
        return Divergence.Measure(before, after, heldOut, mask, threads, progress, cancellationToken);
    }

    /// <summary>Without data: the written file loads and has the original's inputs and outputs. Nothing is measured.</summary>
    /// <returns>Null.</returns>
    public static DivergenceResult? LoadOnly(string original, string compressed, int threads)
    {
        using var before = new ModelRunner(original, threads);
        using var after = new ModelRunner(compressed, threads);
        SignatureCheck.Check(original, before, compressed, after);
        return null;
    }
}
