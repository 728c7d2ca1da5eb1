using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Checks;
using Lorq.Rewriting;

namespace Lorq.Menu;

/// <summary>Measures what replaced weights do to the model's outputs on held-out samples, against the original's outputs.</summary>
public sealed class EndToEnd
{
    private static readonly Dictionary<string, DataTensor> Nothing = [];
    private static readonly string[] metrics = ["none", "bounded-kl", "relative-mse", "mismatch"];

    private readonly ProbeSession session;
    private readonly DataSet samples;
    private readonly string? mask;
    private readonly CacheTable losses;
    private readonly string name;
    private readonly int threads;
    private ReferenceOutputs? reference;

    /// <summary>Prepares to measure; nothing is run yet.</summary>
    /// <param name="session">The model; must not be disposed before the last measurement.</param>
    /// <param name="samples">What the model is run on.</param>
    /// <param name="mask">The input whose zeros mark padding, or null.</param>
    /// <param name="threads">Threads; 0 for one per core.</param>
    /// <param name="cache">What was measured before.</param>
    public EndToEnd(ProbeSession session, DataSet samples, string? mask, int threads, CacheProfile cache)
    {
        this.session = session;
        this.samples = samples;
        this.mask = mask;
        this.threads = threads;
        losses = cache.Table("probe");
        name = new ContentHash()
            .Add(ContentHash.OfData(samples))
            .Add(mask is null ? [] : [mask])
            .Add([.. session.Sites.Select(s => s.Name)])
            .Finish()
            .ToString();
    }

    /// <summary>What losses are, as <see cref="DivergenceResult.LossMetric"/>; known once something was measured.</summary>
    public string LossMetric { get; private set; } = metrics[0];

    /// <summary>True when the loss under a key was measured before.</summary>
    public bool Knows(Digest key) => losses.TryGet(Name(key), out _);

    /// <summary>The loss (see <see cref="DivergenceResult.Loss"/>) with some weights in place of the original's.</summary>
    /// <param name="key">Says which weights, and how they were made.</param>
    /// <param name="weights">Makes them, when this was not measured before.</param>
    /// <param name="cancellationToken">Stops.</param>
    public double Loss(Digest key, Func<IReadOnlyList<CompressedWeight>> weights, CancellationToken cancellationToken)
    {
        double[] row = losses.GetOrAdd(Name(key), () => Measure(weights(), cancellationToken));
        LossMetric = metrics[(int)row[1]];
        return row[0];
    }

    private string Name(Digest key) => $"{name}|{key}";

    private double[] Measure(IReadOnlyList<CompressedWeight> weights, CancellationToken cancellationToken)
    {
        reference ??= Reference(cancellationToken);
        var fed = new Dictionary<string, DataTensor>(StringComparer.Ordinal);
        foreach (CompressedWeight weight in weights)
        {
            foreach ((string input, DataTensor value) in session.Replacement(weight.Site, Materializer.Dequantize(weight)))
            {
                fed[input] = value;
            }
        }
        var accumulator = new DivergenceAccumulator(reference.Outputs, null, threads);
        for (int b = 0; b < reference.Count; b++)
        {
            using var outputs = session.Run(samples.Batches[b], fed, cancellationToken);
            accumulator.Add(reference, b, outputs, cancellationToken);
        }
        DivergenceResult result = accumulator.Result();
        return [result.Loss, Array.IndexOf(metrics, result.LossMetric)];
    }

    /// <summary>Runs the original once and keeps its outputs, as far as memory allows.</summary>
    private ReferenceOutputs Reference(CancellationToken cancellationToken)
    {
        var outputs = new ReferenceOutputs(session.Outputs, mask, ReferenceOutputs.DefaultMemoryLimit, threads);
        foreach (IReadOnlyDictionary<string, DataTensor> batch in samples.Batches)
        {
            using var values = session.Run(batch, Nothing, cancellationToken);
            if (!outputs.TryAdd(batch, values, cancellationToken))
            {
                break;
            }
        }
        return outputs;
    }
}
