using System.Collections.Concurrent;
using Lorq.Checks;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Quantization;
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
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var keys = sites.ToDictionary(s => s, Key);
        MomentKey[] moments = [.. keys.Values.OfType<MomentKey>().Distinct()];
        Site[] tables = [.. sites.Where(s => s.Uses.Any(IsVisibleGather))];
        var counts = tables.ToDictionary(s => s.Name, s => new float[s.N], StringComparer.Ordinal);
        var finished = new Dictionary<MomentKey, IReadOnlyList<SecondMoment>>();
        long rows = 0;
        MomentKey[][] passes = [.. Passes(moments, memoryCap)];
        int done = 0;
        for (int pass = 0; pass < passes.Length; pass++)
        {
            MomentAccumulator[] accumulators = [.. passes[pass].Select(k => new MomentAccumulator(k))];
            Site[] counted = pass == 0 ? tables : [];
            string[] tensors =
            [
                .. accumulators
                    .Select(a => a.Key.Tensor)
                    .Concat(counted.SelectMany(s => s.Uses).Where(IsVisibleGather).Select(u => u.InputTensor))
                    .Distinct(StringComparer.Ordinal),
            ];
            using var taps = new TappedModel(model, tensors, threads, cancellationToken);
            for (int b = 0; b < data.Batches.Count; b++)
            {
                IReadOnlyDictionary<string, DataTensor> batch = data.Batches[b];
                RowMask? rowMask = RowMask.Of(batch, mask);
                using TappedValues values = taps.Run(batch, cancellationToken);
                if (Add(accumulators, values, rowMask, threads, cancellationToken) is { } broken)
                {
                    throw new FaultySample(data, b, taps, mask).Report(broken, cancellationToken);
                }
                foreach (Site table in counted)
                {
                    foreach (SiteUse use in table.Uses.Where(IsVisibleGather))
                    {
                        Count(values.Integers(use.InputTensor, out long[] shape), shape, rowMask, counts[table.Name]);
                    }
                }
                progress?.Report(new StageProgress("Calibration", ++done, passes.Length * data.Batches.Count));
            }
            rows = Math.Max(rows, accumulators.Select(a => a.Rows).DefaultIfEmpty(0).Max());
            foreach (MomentAccumulator a in accumulators)
            {
                finished[a.Key] = a.Finish();
            }
        }
        var result = new Dictionary<string, SiteStatistics>(StringComparer.Ordinal);
        foreach (Site site in sites)
        {
            MomentKey? key = keys[site];
            result[site.Name] = new SiteStatistics(key is null ? null : finished[key], counts.GetValueOrDefault(site.Name));
        }
        return new CalibrationResult(result, rows);
    }

    /// <summary>Adds a batch to every accumulator; the first one (in graph order) that met NaN or an infinity, or null.</summary>
    private static MomentKey? Add(
        MomentAccumulator[] accumulators,
        TappedValues values,
        RowMask? mask,
        int threads,
        CancellationToken cancellationToken
    )
    {
        var finite = new bool[accumulators.Length];
        Parallel.ForEach(
            // One at a time, the widest first: the work of a tensor grows with the square of its width.
            Partitioner.Create(
                Enumerable.Range(0, accumulators.Length).OrderByDescending(i => accumulators[i].Key.Bytes),
                EnumerablePartitionerOptions.NoBuffering
            ),
            new ParallelOptions
            {
                MaxDegreeOfParallelism = threads > 0 ? threads : Environment.ProcessorCount,
                CancellationToken = cancellationToken,
            },
            i =>
            {
                ReadOnlySpan<float> tensor = values.Floats(accumulators[i].Key.Tensor, out long[] shape);
                finite[i] = accumulators[i].Add(tensor, shape, mask, cancellationToken);
            }
        );
        int broken = Array.IndexOf(finite, false);
        return broken < 0 ? null : accumulators[broken].Key;
    }

    private static bool IsVisible(SiteUse use) => use.Use.Scope.Parent is null && use.Use.Scope.Function is null;

    private static bool IsVisibleGather(SiteUse use) => use.Kind == SiteKind.Gather && IsVisible(use);

    /// <summary>Which rows a site's weight meets; null when they cannot be seen. A weight that several inputs meet is judged by the first: one metric per weight.</summary>
    internal static MomentKey? Key(Site site) => site.Uses.Select(u => Key(site, u)).FirstOrDefault(k => k is not null);

    /// <summary>Null for a table, a convolution of more than three axes, and inside subgraphs and functions, whose tensors cannot be outputs.</summary>
    private static MomentKey? Key(Site site, SiteUse use)
    {
        NodeProto node = use.Use.Node;
        if (!IsVisible(use))
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

    private static IEnumerable<MomentKey[]> Passes(MomentKey[] keys, long memoryCap)
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
        yield return [.. pass];
    }

    private static void Count(long[] indices, long[] shape, RowMask? mask, float[] counts)
    {
        int[]? kept = mask?.Rows([.. shape, 1], indices.Length);
        for (int i = 0; i < (kept?.Length ?? indices.Length); i++)
        {
            long index = indices[kept?[i] ?? i];
            index = index < 0 ? index + counts.Length : index;
            if (index >= 0 && index < counts.Length)
            {
                counts[index]++;
            }
        }
    }
}
