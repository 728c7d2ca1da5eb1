using Lorq.Caching;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Sites;

namespace Lorq.Calibration;

/// <summary>
/// Runs the real model on the calibration data with the sites' inputs exposed as outputs, and accumulates second moments (one per
/// input tensor and way of reading it) and token counts, batch by batch. Tensors are worked on in parallel; each one's sums see the
/// batches in order, so the result does not depend on the number of threads.
/// </summary>
public static class Collector
{
    /// <summary>Collects.</summary>
    /// <param name="model">The original model.</param>
    /// <param name="sites">Its sites.</param>
    /// <param name="data">Calibration batches.</param>
    /// <param name="mask">The input whose zeros mark padding: rows (b, t) under it do not count. Null for none.</param>
    /// <param name="memoryCap">Bytes of second moments held at once; more are collected in several passes over the data.</param>
    /// <param name="threads">Threads; 0 for one per core.</param>
    /// <param name="cache">What was collected before: the model is only run for the rest.</param>
    /// <param name="progress">Told after each batch.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="Diagnostics.LorqException">An activation is not finite, or the model cannot be run.</exception>
    public static CalibrationResult Collect(
        OnnxModel model,
        IReadOnlyList<Site> sites,
        DataSet data,
        string? mask,
        long memoryCap,
        int threads,
        CacheProfile cache,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var store = new MomentStore(cache);
        var pass = new CollectingPass(model, data, mask, threads, cancellationToken);
        var keys = sites.ToDictionary(s => s, Key);
        var found = new Dictionary<MomentKey, StoredMoments>();
        foreach (MomentKey key in keys.Values.OfType<MomentKey>().Distinct())
        {
            if (store.Find(key, () => pass.Run([key], new Dictionary<Site, float[]>(), null)[0].Finish()) is { } known)
            {
                found.Add(key, known);
            }
        }
        var counts = new Dictionary<string, float[]>(StringComparer.Ordinal);
        var uncounted = new List<Site>();
        foreach (Site table in sites.Where(s => s.Uses.Any(CollectingPass.IsVisibleGather)))
        {
            float[]? known = store.FindCounts(table);
            counts.Add(table.Name, known ?? new float[table.N]);
            if (known is null)
            {
                uncounted.Add(table);
            }
        }
        MomentKey[] missing = [.. keys.Values.OfType<MomentKey>().Distinct().Where(k => !found.ContainsKey(k))];
        MomentKey[][] passes = [.. Passes(missing, memoryCap, uncounted.Count > 0)];
        int done = 0;
        for (int p = 0; p < passes.Length; p++)
        {
            Dictionary<Site, float[]> counted = p == 0 ? uncounted.ToDictionary(t => t, t => counts[t.Name]) : [];
            IReadOnlyList<MomentAccumulator> accumulators = pass.Run(
                passes[p],
                counted,
                () => progress?.Report(new StageProgress("Calibration", ++done, passes.Length * data.Batches.Count))
            );
            foreach (MomentAccumulator accumulator in accumulators)
            {
                found[accumulator.Key] = store.Add(accumulator.Key, accumulator.Finish());
            }
            foreach ((Site table, float[] values) in counted)
            {
                store.AddCounts(table, values);
            }
            store.Flush();
        }
        var result = new Dictionary<string, SiteStatistics>(StringComparer.Ordinal);
        foreach (Site site in sites)
        {
            MomentKey? key = keys[site];
            result[site.Name] = new SiteStatistics(key is null ? null : found[key], counts.GetValueOrDefault(site.Name));
        }
        return new CalibrationResult(result, found.Values.Select(m => m.Facts.Rows).DefaultIfEmpty(0).Max());
    }

    /// <summary>Which rows a site's weight meets; null when they cannot be seen. A weight that several inputs meet is judged by the first: one metric per weight.</summary>
    internal static MomentKey? Key(Site site) => site.Uses.Select(u => Key(site, u)).FirstOrDefault(k => k is not null);

    /// <summary>Null for a table, a convolution of more than three axes, and inside subgraphs and functions, whose tensors cannot be outputs.</summary>
    private static MomentKey? Key(Site site, SiteUse use)
    {
        NodeProto node = use.Use.Node;
        if (!CollectingPass.IsVisible(use))
        {
            return null;
        }
        switch (use.Kind)
        {
            case SiteKind.Gather:
                return null;
            case SiteKind.Conv:
                return ConvGeometry.Of(node, site.Weight.Shape) is { } geometry
                    ? new MomentKey(use.InputTensor, geometry.K, false, 0, geometry)
                    : null;
            case SiteKind.Experts:
                return new MomentKey(use.InputTensor, site.K, false, site.Groups, null);
            default:
                bool transposed = use.WeightOnLeft || node.Attribute.FirstOrDefault(a => a.Name == "transA")?.I == 1;
                return new MomentKey(use.InputTensor, site.K, transposed, 0, null);
        }
    }

    private static IEnumerable<MomentKey[]> Passes(MomentKey[] keys, long memoryCap, bool countsTokens)
    {
        var pass = new List<MomentKey>();
        long bytes = 0;
        foreach (MomentKey key in keys)
        {
            if (pass.Count > 0 && bytes + key.Bytes > memoryCap)
            {
                yield return [.. pass];
                pass.Clear();
                bytes = 0;
            }
            pass.Add(key);
            bytes += key.Bytes;
        }
        if (pass.Count > 0 || countsTokens)
        {
            yield return [.. pass];
        }
    }
}
