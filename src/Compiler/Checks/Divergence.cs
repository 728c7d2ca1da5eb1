using Lorq.Calibration;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Checks;

/// <summary>Runs models over a data set and measures how far apart their outputs are.</summary>
public static class Divergence
{
    /// <summary>Runs the original once and holds its outputs, as far as the memory limit allows.</summary>
    /// <param name="original">The original model.</param>
    /// <param name="data">The samples.</param>
    /// <param name="maskInput">The input whose zeros mark padding, or null.</param>
    /// <param name="memoryLimit">Bytes that may be held.</param>
    /// <param name="threads">Threads of the comparison; 0 for one per core.</param>
    /// <param name="cancellationToken">Stops.</param>
    public static ReferenceOutputs Reference(
        ModelRunner original,
        DataSet data,
        string? maskInput,
        long memoryLimit = ReferenceOutputs.DefaultMemoryLimit,
        int threads = 0,
        CancellationToken cancellationToken = default
    )
    {
        var reference = new ReferenceOutputs(original.Outputs, maskInput, memoryLimit, threads);
        foreach (IReadOnlyDictionary<string, DataTensor> batch in data.Batches)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using IDisposableReadOnlyCollection<OrtValue> outputs = original.Run(batch, null, cancellationToken);
            if (!reference.TryAdd(batch, outputs, cancellationToken))
            {
                break;
            }
        }
        return reference;
    }

    /// <summary>Runs a compressed model on the batches whose original outputs are held.</summary>
    /// <param name="reference">The original's outputs on the first batches of <paramref name="data"/>.</param>
    /// <param name="compressed">A model with the same outputs.</param>
    /// <param name="data">The samples.</param>
    /// <param name="threads">Threads of the comparison; 0 for one per core.</param>
    /// <param name="cancellationToken">Stops.</param>
    public static DivergenceResult Measure(
        ReferenceOutputs reference,
        ModelRunner compressed,
        DataSet data,
        int threads = 0,
        CancellationToken cancellationToken = default
    )
    {
        string[] names = [.. reference.Outputs.Select(o => o.Name)];
        var accumulator = new DivergenceAccumulator(reference.Outputs, null, threads);
        for (int b = 0; b < reference.Count; b++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using IDisposableReadOnlyCollection<OrtValue> outputs = compressed.Run(data.Batches[b], names, cancellationToken);
            accumulator.Add(reference, b, outputs, cancellationToken);
        }
        return accumulator.Result();
    }

    /// <summary>Runs both models batch by batch, holding nothing.</summary>
    /// <param name="original">The original model.</param>
    /// <param name="compressed">A model with the same outputs, in any order.</param>
    /// <param name="data">The samples.</param>
    /// <param name="maskInput">The input whose zeros mark padding, or null.</param>
    /// <param name="threads">Threads of the comparison; 0 for one per core.</param>
    /// <param name="progress">Told the number of batches done; null for none.</param>
    /// <param name="cancellationToken">Stops.</param>
    public static DivergenceResult Measure(
        ModelRunner original,
        ModelRunner compressed,
        DataSet data,
        string? maskInput,
        int threads = 0,
        IProgress<StageProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        string[] names = [.. original.Outputs.Select(o => o.Name)];
        var accumulator = new DivergenceAccumulator(original.Outputs, maskInput, threads);
        for (int b = 0; b < data.Batches.Count; b++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress?.Report(new("compare outputs", b, data.Batches.Count, null));
            using IDisposableReadOnlyCollection<OrtValue> before = original.Run(data.Batches[b], names, cancellationToken);
            using IDisposableReadOnlyCollection<OrtValue> after = compressed.Run(data.Batches[b], names, cancellationToken);
            accumulator.Add(data.Batches[b], before, after, cancellationToken);
        }
        progress?.Report(new("compare outputs", data.Batches.Count, data.Batches.Count, null));
        return accumulator.Result();
    }
}
