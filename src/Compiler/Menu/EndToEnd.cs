using Lorq.Calibration;
using Lorq.Checks;
using Lorq.Rewriting;

namespace Lorq.Menu;

/// <summary>Measures what replaced weights do to the model's outputs on held-out samples, against the original's outputs.</summary>
public sealed class EndToEnd
{
    private static readonly Dictionary<string, DataTensor> Nothing = [];

    private readonly ProbeSession session;
    private readonly DataSet samples;
    private readonly ReferenceOutputs reference;
    private readonly int threads;

    /// <summary>Runs the original once and keeps its outputs, as far as memory allows.</summary>
    /// <param name="session">The open model; must stay open.</param>
    /// <param name="samples">What the model is run on.</param>
    /// <param name="mask">The input whose zeros mark padding, or null.</param>
    /// <param name="threads">Threads; 0 for one per core.</param>
    /// <param name="cancellationToken">Stops.</param>
    public EndToEnd(ProbeSession session, DataSet samples, string? mask, int threads, CancellationToken cancellationToken)
    {
        this.session = session;
        this.samples = samples;
        this.threads = threads;
        reference = new ReferenceOutputs(session.Outputs, mask, ReferenceOutputs.DefaultMemoryLimit, threads);
        foreach (IReadOnlyDictionary<string, DataTensor> batch in samples.Batches)
        {
            using var outputs = session.Run(batch, Nothing, cancellationToken);
            if (!reference.TryAdd(batch, outputs, cancellationToken))
            {
                break;
            }
        }
    }

    /// <summary>What losses are, as <see cref="DivergenceResult.LossMetric"/>; known once something was measured.</summary>
    public string LossMetric { get; private set; } = "none";

    /// <summary>The loss (see <see cref="DivergenceResult.Loss"/>) with the given weights in place of the original's.</summary>
    public double Loss(IReadOnlyList<CompressedWeight> weights, CancellationToken cancellationToken)
    {
        var fed = new Dictionary<string, DataTensor>(StringComparer.Ordinal);
        foreach (CompressedWeight weight in weights)
        {
            foreach ((string name, DataTensor value) in session.Replacement(weight.Site, Materializer.Dequantize(weight)))
            {
                fed[name] = value;
            }
        }
        var accumulator = new DivergenceAccumulator(reference.Outputs, null, threads);
        for (int b = 0; b < reference.Count; b++)
        {
            using var outputs = session.Run(samples.Batches[b], fed, cancellationToken);
            accumulator.Add(reference, b, outputs, cancellationToken);
        }
        DivergenceResult result = accumulator.Result();
        LossMetric = result.LossMetric;
        return result.Loss;
    }
}
