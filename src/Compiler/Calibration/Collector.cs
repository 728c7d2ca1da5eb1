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
        var uses = sites.SelectMany(s => s.Uses.Select(u => (Site: s, Use: u))).ToArray();
        var keys = uses.ToDictionary(u => u.Use, u => Key(u.Site, u.Use));
        MomentKey[] moments = [.. keys.Values.OfType<MomentKey>().Distinct()];
        Site[] tables = [.. sites.Where(s => s.Uses.Any(u => u.Kind == SiteKind.Gather))];
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
                    .Concat(counted.SelectMany(s => s.Uses).Where(u => u.Kind == SiteKind.Gather).Select(u => u.InputTensor))
                    .Distinct(StringComparer.Ordinal),
            ];
            using var taps = new TappedModel(model, tensors, threads, cancellationToken);
            long sample = 0;
            foreach (IReadOnlyDictionary<string, DataTensor> batch in data.Batches)
            {
                RowMask? rowMask = RowMask.Of(batch, mask);
                using TappedValues values = taps.Run(batch, cancellationToken);
                Parallel.ForEach(
                    accumulators,
                    new ParallelOptions
                    {
                        MaxDegreeOfParallelism = threads > 0 ? threads : Environment.ProcessorCount,
                        CancellationToken = cancellationToken,
                    },
                    a => a.Add(values.Floats(a.Key.Tensor, out long[] shape), shape, rowMask, sample, cancellationToken)
                );
                foreach (Site table in counted)
                {
                    foreach (SiteUse use in table.Uses.Where(u => u.Kind == SiteKind.Gather))
                    {
                        Count(values.Integers(use.InputTensor, out long[] shape), shape, rowMask, counts[table.Name]);
                    }
                }
                sample += batch.Values.First().Shape.FirstOrDefault(1);
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
            // A weight that several inputs meet is judged by the first: one metric per weight.
            MomentKey? key = site.Uses.Select(u => keys[u]).FirstOrDefault(k => k is not null);
            result[site.Name] = new SiteStatistics(key is null ? null : finished[key], counts.GetValueOrDefault(site.Name));
        }
        return new CalibrationResult(result, rows);
    }

    private static MomentKey? Key(Site site, SiteUse use)
    {
        NodeProto node = use.Use.Node;
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
