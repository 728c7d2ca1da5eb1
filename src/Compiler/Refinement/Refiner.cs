using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Checks;
using Lorq.Menu;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;

namespace Lorq.Refinement;

/// <summary>
/// Makes the weights of a chosen plan again, in graph order, so that every site answers the original's output from the input it really
/// meets: the one that the compressed sites before it produce (quantization.md, "Order and targets"). Costs no bytes.
/// </summary>
/// <param name="model">The original model.</param>
/// <param name="calibration">Data, mask and the original's second moments.</param>
/// <param name="memoryCap">Bytes of activations held at once; more wait in temporary files.</param>
/// <param name="threads">Threads; 0 for one per core.</param>
/// <param name="cache">Where refined weights of earlier runs are.</param>
public sealed class Refiner(OnnxModel model, CalibrationRun calibration, long memoryCap, int threads, CacheProfile cache)
{
    /// <summary>Damping of the least-squares answer; how far a weight is moved towards it is found on samples kept aside.</summary>
    private const double Damping = 0.03;

    /// <summary>A site is compressed in parts of at least so many columns, side by side.</summary>
    private const int PartColumns = 128;

    /// <summary>Parts of a site at most. A number of their own, and not the number of threads, so that the result is the same on every machine.</summary>
    private const int MostParts = 4;

    private readonly IReadOnlyDictionary<string, DataTensor>[] batches =
    [
        .. calibration.Data.Batches,
        .. calibration.HeldOut == calibration.Data ? [] : calibration.HeldOut.Batches,
    ];

    /// <summary>Refines.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="weights">Its weights, each made by itself.</param>
    /// <param name="progress">Told after each step.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>The weights in the same order; those that cannot be refined are as they were.</returns>
    public IReadOnlyList<CompressedWeight> Refine(
        Plan plan,
        IReadOnlyList<CompressedWeight> weights,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var refined = weights.ToDictionary(w => w.Site);
        var candidates = new Dictionary<Site, Candidate>();
        var keys = new List<(Site, MomentKey)>();
        for (int i = 0; i < plan.Menus.Count; i++)
        {
            Site site = plan.Menus[i].Site;
            if (plan.Menus[i].IsWhole && (plan[i].Quantizer ?? (object?)plan[i].Decomposer) is not null && Collector.Key(site) is { } key)
            {
                candidates.Add(site, plan[i]);
                keys.Add((site, key));
            }
        }
        // Every weight depends on those before it, and so on the whole plan.
        CacheKey Entry(Site site) => new("refined", new ContentHash().Add(plan.Digest).Add(site.Name).Finish());
        CompressedWeight?[] known =
        [
            .. weights.Select(w => candidates.ContainsKey(w.Site) ? WeightFormat.Find(cache, Entry(w.Site), w.Site, w.Encoding) : w),
        ];
        if (Array.TrueForAll(known, w => w is not null))
        {
            return [.. known.OfType<CompressedWeight>()];
        }
        // What an earlier run had fitted when it was stopped.
        var early = known.OfType<CompressedWeight>().ToDictionary(w => w.Site);
        List<CompressedWeight>? Known(PrefixStep step) => step.Sites.All(early.ContainsKey) ? [.. step.Sites.Select(s => early[s])] : null;
        IReadOnlyList<PrefixStep> steps = PrefixSchedule.Of(model, keys);
        // Inputs are measured anew, so what the plan needed of the original's can go.
        foreach (SiteStatistics statistics in calibration.Result.Sites.Values)
        {
            statistics.ReleaseFactors();
        }
        using var store = new ActivationStore(memoryCap);
        for (int b = 0; b < batches.Length; b++)
        {
            foreach ((string name, DataTensor value) in batches[b])
            {
                store.Put(name, b, new ActivationPair(value, value));
            }
        }
        for (int s = 0; s < steps.Count; s++)
        {
            PrefixStep step = steps[s];
            if (!Advance(step, store, refined, cancellationToken))
            {
                break;
            }
            if (step.Sites.Count > 0 && !store.Get(step.Key.Tensor, 0).IsShared)
            {
                foreach (CompressedWeight weight in Known(step) ?? Fit(step, candidates, refined, store, cancellationToken))
                {
                    refined[weight.Site] = weight;
                    WeightFormat.Keep(cache, Entry(weight.Site), weight);
                }
            }
            foreach (string passed in step.Passed)
            {
                store.Drop(passed, batches.Length);
            }
            progress?.Report(new StageProgress("Refinement", s + 1, steps.Count, step.Key.Tensor));
        }
        // The rest cannot be fitted, which is known now too.
        foreach (Site site in candidates.Keys.Where(s => !cache.Contains(Entry(s))))
        {
            WeightFormat.Keep(cache, Entry(site), refined[site]);
        }
        return [.. weights.Select(w => refined[w.Site])];
    }

    /// <summary>Runs a step's segment on all batches, in both models: batches side by side, each on one thread.</summary>
    private bool Advance(
        PrefixStep step,
        ActivationStore store,
        Dictionary<Site, CompressedWeight> refined,
        CancellationToken cancellationToken
    )
    {
        GraphSegment part = step.Segment;
        if (part.Nodes.Count == 0)
        {
            return true;
        }
        var types = part.Inputs.ToDictionary(i => i, i => SegmentModel.OfElements(store.Get(i, 0).Original.ElementType));
        using var segment = new SegmentModel(model, part, types, refined.Keys, batches.Length > 1 ? 1 : threads, cancellationToken);
        var replacements = segment
            .Sites.SelectMany(s => segment.Replacement(s, Materializer.Dequantize(refined[s])))
            .ToDictionary(StringComparer.Ordinal);
        bool isKnown = true;
        Workers.Run(
            batches.Length,
            threads,
            b =>
            {
                var inputs = part.Inputs.ToDictionary(i => i, i => store.Get(i, b));
                DataTensor[]? original = segment.RunToTensors(inputs.ToDictionary(p => p.Key, p => p.Value.Original), cancellationToken);
                // Where some weight is compressed the two sides differ even if their inputs agree.
                bool isShared = replacements.Count == 0 && inputs.Values.All(p => p.IsShared);
                DataTensor[]? compressed = isShared
                    ? original
                    : segment.RunToTensors(
                        inputs.Select(p => KeyValuePair.Create(p.Key, p.Value.Compressed)).Concat(replacements).ToDictionary(),
                        cancellationToken
                    );
                if (original is null || compressed is null)
                {
                    Volatile.Write(ref isKnown, false);
                    return;
                }
                for (int o = 0; o < original.Length; o++)
                {
                    store.Put(part.Outputs[o], b, new ActivationPair(original[o], compressed[o]));
                }
            },
            cancellationToken
        );
        return isKnown;
    }

    /// <summary>The input in both models: on the samples that weights are fitted to, and on those kept aside.</summary>
    private (IReadOnlyList<GroupShift> Fit, IReadOnlyList<GroupShift> Judge) Measure(
        MomentKey key,
        float[][][] weights,
        ActivationStore store,
        CancellationToken cancellationToken
    )
    {
        int fitted = calibration.Data.Batches.Count;
        var fit = new InputShift(key, weights, Damping);
        var judge = new InputShift(key, weights, Damping);
        // The sums are independent; what takes longest comes first.
        Action[] parts =
        [
            () => ForBatches(0, fitted, (x, y, shape, mask) => fit.AddShift(x, y, shape, mask, cancellationToken)),
            () => ForBatches(0, fitted, (x, _, shape, mask) => fit.AddMoment(x, shape, mask, cancellationToken)),
            () => ForBatches(fitted, batches.Length, (x, y, shape, mask) => judge.AddShift(x, y, shape, mask, cancellationToken)),
            () => ForBatches(fitted, batches.Length, (x, _, shape, mask) => judge.AddMoment(x, shape, mask, cancellationToken)),
        ];
        Workers.Run(parts.Length, threads, i => parts[i](), cancellationToken);
        IReadOnlyList<GroupShift> result = fit.Finish();
        return (result, batches.Length == fitted ? result : judge.Finish());

        void ForBatches(int first, int end, AddBatch add)
        {
            for (int b = first; b < end; b++)
            {
                ActivationPair pair = store.Get(key.Tensor, b);
                add(
                    TappedValues.Floats(pair.Compressed),
                    TappedValues.Floats(pair.Original),
                    pair.Original.Shape,
                    RowMask.Of(batches[b], calibration.Mask)
                );
            }
        }
    }

    /// <summary>Per site the weight moved as far as helps on the samples kept aside and compressed anew, or as it is where that answers better there.</summary>
    private List<CompressedWeight> Fit(
        PrefixStep step,
        Dictionary<Site, Candidate> candidates,
        Dictionary<Site, CompressedWeight> current,
        ActivationStore store,
        CancellationToken cancellationToken
    )
    {
        float[][] weights = [.. step.Sites.Select(s => s.ReadWeight())];
        float[][][] groups =
        [
            .. step.Sites.Select((s, i) => (float[][])[.. Enumerable.Range(0, s.Groups).Select(g => SiteTarget.Part(s, weights[i], g))]),
        ];
        (IReadOnlyList<GroupShift> fit, IReadOnlyList<GroupShift> judge) = Measure(step.Key, groups, store, cancellationToken);
        var statistics = new SiteStatistics([.. fit.Select(f => f.Moment)], null);
        SiteTarget[] targets = [.. step.Sites.Select((s, i) => new SiteTarget(s, weights[i], i, fit, judge))];
        // A site alone would keep one thread busy: what its columns are rounded with is made beside the correction, then the columns in parts.
        (IQuantizer Quantizer, SecondMoment Moment)[] needed =
        [
            .. step
                .Sites.Select(s => candidates[s].Quantizer?.Thorough)
                .OfType<IQuantizer>()
                .DistinctBy(q => q.Name)
                .SelectMany(q => fit.Select(f => (q, f.Moment))),
        ];
        var moved = new float[targets.Length][];
        Workers.Run(
            targets.Length + needed.Length,
            threads,
            i =>
            {
                if (i < targets.Length)
                {
                    moved[i] = targets[i].Moved()!;
                }
                else
                {
                    (IQuantizer quantizer, SecondMoment moment) = needed[i - targets.Length];
                    quantizer.Prepare(moment);
                }
            },
            cancellationToken
        );
        int[] open = [.. Enumerable.Range(0, targets.Length).Where(i => moved[i] is not null)];
        var quantizers = open.ToDictionary(i => i, i => new WeightQuantizer(targets[i].Site, statistics, moved[i]));
        (int Target, int Start, int Count)[] parts =
        [
            .. open.SelectMany(i => Parts(targets[i].Site, candidates[targets[i].Site]).Select(p => (i, p.Start, p.Count))),
        ];
        var made = new CompressedWeight[parts.Length];
        Workers.Run(
            parts.Length,
            threads,
            p =>
            {
                (int i, int start, int count) = parts[p];
                Site site = targets[i].Site;
                made[p] = Materializer.Materialize(site, candidates[site], quantizers[i], start, count, cancellationToken);
            },
            cancellationToken
        );
        CompressedWeight[] trials =
        [
            .. open.Select(i => current[targets[i].Site]),
            .. open.Select(i => Joined([.. made.Where((_, p) => parts[p].Target == i)])),
        ];
        var excess = new double[trials.Length];
        Workers.Run(
            trials.Length,
            threads,
            t => excess[t] = targets[open[t % open.Length]].Excess(Materializer.Dequantize(trials[t])),
            cancellationToken
        );
        var found = targets.Select(t => current[t.Site]).ToList();
        for (int t = 0; t < open.Length; t++)
        {
            if (excess[t + open.Length] < excess[t])
            {
                found[open[t]] = trials[t + open.Length];
            }
        }
        return found;
    }

    private delegate void AddBatch(ReadOnlySpan<float> compressed, ReadOnlySpan<float> original, long[] shape, RowMask? mask);

    /// <summary>Columns of plain codes do not depend on each other.</summary>
    private static IEnumerable<(int Start, int Count)> Parts(Site site, Candidate candidate)
    {
        int parts = candidate.Factors is null && site.Groups == 1 ? Math.Clamp(site.N / PartColumns, 1, MostParts) : 1;
        for (int p = 0; p < parts; p++)
        {
            int start = site.N * p / parts;
            yield return (start, site.N * (p + 1) / parts - start);
        }
    }

    private static CompressedWeight Joined(IReadOnlyList<CompressedWeight> parts) =>
        parts.Count == 1 ? parts[0] : parts[0] with { Segments = [QuantizedMatrix.Concatenate([.. parts.Select(p => p.Segments[0])])] };
}
