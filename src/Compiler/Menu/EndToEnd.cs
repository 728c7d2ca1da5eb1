using System.Diagnostics;
using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Checks;
using Lorq.Rewriting;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Menu;

/// <summary>Measures what replaced weights do to the model's outputs on held-out samples, against the original's outputs.</summary>
public sealed class EndToEnd
{
    /// <summary>Bytes of tensors between parts that are held in memory.</summary>
    private const long PrefixMemory = 256L << 20;

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
    public double Loss(Digest key, Func<IReadOnlyList<CompressedWeight>> weights, CancellationToken cancellationToken) =>
        Losses([(key, weights)], [], null, cancellationToken)[0];

    /// <summary>Several losses; batches and replacements run side by side, each on one thread, which takes less time than one after another on all.</summary>
    /// <param name="trials">As for <see cref="Loss"/>.</param>
    /// <param name="around">Weights that most of the trials share: what they share up to the first difference is run once.</param>
    /// <param name="measured">Told how many are known, after each; null for nobody.</param>
    /// <param name="cancellationToken">Stops.</param>
    public IReadOnlyList<double> Losses(
        IReadOnlyList<(Digest Key, Func<IReadOnlyList<CompressedWeight>> Weights)> trials,
        IReadOnlyList<CompressedWeight> around,
        Action<int>? measured,
        CancellationToken cancellationToken
    )
    {
        (string Name, Func<IReadOnlyList<CompressedWeight>> Weights)[] open =
        [
            .. trials.Where(t => !Knows(t.Key)).Select(t => (Name(t.Key), t.Weights)),
        ];
        if (open.Length > 0)
        {
            Measure(open, around, i => measured?.Invoke(trials.Count - open.Length + i + 1), cancellationToken);
        }
        double[][] rows = [.. trials.Select(t => losses.TryGet(Name(t.Key), out double[] row) ? row : throw new UnreachableException())];
        LossMetric = rows.Length > 0 ? metrics[(int)rows[^1][1]] : LossMetric;
        return [.. rows.Select(r => r[0])];
    }

    private string Name(Digest key) => $"{name}|{key}";

    private void Measure(
        (string Name, Func<IReadOnlyList<CompressedWeight>> Weights)[] trials,
        IReadOnlyList<CompressedWeight> around,
        Action<int> measured,
        CancellationToken cancellationToken
    )
    {
        // One trial alone shares nothing.
        using ActivationStore? shared = trials.Length > 1 && session.Parts > 1 ? new ActivationStore(PrefixMemory) : null;
        ProbeWeights common = shared is null ? ProbeWeights.None : session.Prepare(around, null);
        bool isKept = reference is null && around.Count == 0;
        reference ??= Reference(isKept ? shared : null, cancellationToken);
        ReferenceOutputs against = reference;
        int batches = against.Count;
        if (shared is not null && !isKept)
        {
            Workers.RunInOrder(batches, threads, b => Run(b, common, shared, cancellationToken), (_, _) => { }, cancellationToken);
        }
        var prepared = new Lazy<(ProbeWeights Weights, int First)>?[trials.Length];
        for (int t = 0; t < prepared.Length; t++)
        {
            Func<IReadOnlyList<CompressedWeight>> weights = trials[t].Weights;
            prepared[t] = new(() =>
            {
                ProbeWeights made = session.Prepare(weights(), common);
                return (made, shared is null ? 0 : session.FirstDifference(made, common));
            });
        }
        DivergenceAccumulator? accumulator = null;
        Workers.RunInOrder(
            trials.Length * batches,
            threads,
            i =>
            {
                (ProbeWeights weights, int first) = prepared[i / batches]!.Value;
                int batch = i % batches;
                return session.Run(
                    samples.Batches[batch],
                    weights,
                    first,
                    tensor => shared!.Get(tensor, batch).Original,
                    null,
                    cancellationToken
                );
            },
            (i, outputs) =>
            {
                accumulator ??= new DivergenceAccumulator(against.Outputs, null, 1);
                accumulator.Add(against, i % batches, outputs, cancellationToken);
                if (i % batches == batches - 1)
                {
                    DivergenceResult result = accumulator.Result();
                    losses.Add(trials[i / batches].Name, [result.Loss, Array.IndexOf(metrics, result.LossMetric)]);
                    accumulator = null;
                    prepared[i / batches] = null;
                    measured(i / batches);
                }
            },
            cancellationToken
        );
    }

    /// <summary>Runs a batch from the start and keeps what goes from part to part.</summary>
    private IDisposableReadOnlyCollection<OrtValue> Run(
        int batch,
        ProbeWeights weights,
        ActivationStore? kept,
        CancellationToken cancellationToken
    ) =>
        session.Run(
            samples.Batches[batch],
            weights,
            0,
            _ => throw new UnreachableException(),
            kept is null ? null : (name, tensor) => kept.Put(name, batch, new ActivationPair(tensor, tensor)),
            cancellationToken
        );

    /// <summary>Runs the original once and keeps its outputs, as far as memory allows.</summary>
    private ReferenceOutputs Reference(ActivationStore? kept, CancellationToken cancellationToken)
    {
        var outputs = new ReferenceOutputs(session.Outputs, mask, ReferenceOutputs.DefaultMemoryLimit, 1);
        Workers.RunInOrder(
            samples.Batches.Count,
            threads,
            // What would not be held need not be computed.
            b => outputs.IsFull ? null : Run(b, ProbeWeights.None, kept, cancellationToken),
            (b, values) => outputs.TryAdd(samples.Batches[b], values, cancellationToken),
            cancellationToken
        );
        return outputs;
    }
}
