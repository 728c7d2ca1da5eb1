using Lorq.Calibration;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Checks;

/// <summary>
/// Accumulates how far a compressed model's outputs are from the original's, batch by batch. Every row is compared in fp64;
/// results do not depend on the number of threads. Not for use from several threads at once.
/// </summary>
public sealed class DivergenceAccumulator
{
    private readonly IReadOnlyList<TensorSignature> outputs;
    private readonly string? maskInput;
    private readonly int threads;
    private readonly ClassAxis?[] axes;
    private readonly OutputTotals[] totals;
    private readonly WorstSamples worst = new();
    private long samples;

    /// <summary>Starts empty.</summary>
    /// <param name="outputs">The outputs that will be given, in order.</param>
    /// <param name="maskInput">The input whose zeros mark padding, of shape [B, T]: rows (b, t, …) under a 0 do not count. Null when there is none.</param>
    /// <param name="threads">Threads; 0 for one per core.</param>
    public DivergenceAccumulator(IReadOnlyList<TensorSignature> outputs, string? maskInput, int threads = 0)
    {
        this.outputs = outputs;
        this.maskInput = maskInput;
        this.threads = threads;
        axes = new ClassAxis?[outputs.Count];
        totals = [.. outputs.Select(o => new OutputTotals(o))];
    }

    /// <summary>Adds a batch that both models were run on.</summary>
    /// <param name="batchInputs">The inputs (read for the mask and the number of samples).</param>
    /// <param name="original">The original's outputs.</param>
    /// <param name="compressed">The compressed model's outputs.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="Diagnostics.LorqException">LORQ0803: the batch lacks the mask input.</exception>
    public void Add(
        IReadOnlyDictionary<string, DataTensor> batchInputs,
        IReadOnlyList<OrtValue> original,
        IReadOnlyList<OrtValue> compressed,
        CancellationToken cancellationToken = default
    ) => Add(ReferenceBatch.Of(outputs, axes, maskInput, batchInputs, original, threads, cancellationToken), compressed, cancellationToken);

    /// <summary>Adds a batch whose original outputs are held.</summary>
    /// <param name="reference">The original's outputs.</param>
    /// <param name="batch">Which batch, below <see cref="ReferenceOutputs.Count"/>.</param>
    /// <param name="compressed">The compressed model's outputs.</param>
    /// <param name="cancellationToken">Stops.</param>
    public void Add(
        ReferenceOutputs reference,
        int batch,
        IReadOnlyList<OrtValue> compressed,
        CancellationToken cancellationToken = default
    ) => Add(reference[batch], compressed, cancellationToken);

    /// <summary>The divergence over all batches so far.</summary>
    public DivergenceResult Result() => new([.. totals.Select(t => t.Result())], samples, worst.List());

    private void Add(ReferenceBatch reference, IReadOnlyList<OrtValue> compressed, CancellationToken cancellationToken)
    {
        if (compressed.Count != totals.Length)
        {
            throw new ArgumentException($"{compressed.Count} values for {totals.Length} outputs.", nameof(compressed));
        }
        var perSample = new SampleTotals[reference.Samples];
        for (int o = 0; o < totals.Length; o++)
        {
            switch (reference.Tensors[o])
            {
                case FloatReference floats:
                    RowOutcome[] outcomes = TensorComparison.Rows(floats, compressed[o], threads, out bool sameShape, cancellationToken);
                    totals[o].Add(floats, outcomes, sameShape);
                    for (int i = 0; i < outcomes.Length && SampleTotals.Owner(floats, i, reference.Samples) is int sample and >= 0; i++)
                    {
                        perSample[sample].Add(outcomes[i], floats.Axis);
                    }
                    break;
                case ExactReference exact:
                    bool[] same = TensorComparison.Elements(exact, compressed[o], out bool sameSize);
                    totals[o].Add(exact, same, sameSize);
                    for (int i = 0; i < same.Length && SampleTotals.Owner(exact, i, reference.Samples) is int sample and >= 0; i++)
                    {
                        perSample[sample].Add(same[i]);
                    }
                    break;
            }
        }
        for (int s = 0; s < perSample.Length; s++)
        {
            worst.Offer(perSample[s].Result(samples + s));
        }
        samples += reference.Samples;
    }
}
