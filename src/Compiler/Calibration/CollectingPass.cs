using Lorq.Checks;
using Lorq.Models;
using Lorq.Sites;

namespace Lorq.Calibration;

/// <summary>One run of the model over the calibration data, for some of the inputs.</summary>
/// <param name="model">The original model.</param>
/// <param name="data">Calibration batches.</param>
/// <param name="mask">The input whose zeros mark padding, or null.</param>
/// <param name="threads">Threads; 0 for one per core.</param>
/// <param name="cancellationToken">Stops.</param>
internal sealed class CollectingPass(OnnxModel model, DataSet data, string? mask, int threads, CancellationToken cancellationToken)
{
    /// <summary>Runs.</summary>
    /// <param name="keys">The inputs whose moments are summed.</param>
    /// <param name="counted">Tables whose tokens are counted, and where.</param>
    /// <param name="batchDone">Called after each batch; null for nobody.</param>
    /// <exception cref="Diagnostics.LorqException">An activation is not finite, or the model cannot be run.</exception>
    public IReadOnlyList<MomentAccumulator> Run(
        IReadOnlyList<MomentKey> keys,
        IReadOnlyDictionary<Site, float[]> counted,
        Action? batchDone
    )
    {
        MomentAccumulator[] accumulators = [.. keys.Select(k => new MomentAccumulator(k))];
        string[] tensors =
        [
            .. accumulators
                .Select(a => a.Key.Tensor)
                .Concat(counted.Keys.SelectMany(s => s.Uses).Where(IsVisibleGather).Select(u => u.InputTensor))
                .Distinct(StringComparer.Ordinal),
        ];
        using var taps = new TappedModel(model, tensors, threads, cancellationToken);
        for (int b = 0; b < data.Batches.Count; b++)
        {
            IReadOnlyDictionary<string, DataTensor> batch = data.Batches[b];
            RowMask? rowMask = RowMask.Of(batch, mask);
            using TappedValues values = taps.Run(batch, cancellationToken);
            if (Add(accumulators, values, rowMask) is { } broken)
            {
                throw new FaultySample(data, b, taps, mask).Report(broken, cancellationToken);
            }
            foreach ((Site table, float[] counts) in counted)
            {
                foreach (SiteUse use in table.Uses.Where(IsVisibleGather))
                {
                    Count(values.Integers(use.InputTensor, out long[] shape), shape, rowMask, counts);
                }
            }
            batchDone?.Invoke();
        }
        return accumulators;
    }

    /// <summary>True when what the node reads can be made an output of the model.</summary>
    public static bool IsVisible(SiteUse use) => use.Use.Scope.Parent is null && use.Use.Scope.Function is null;

    /// <summary>True for a Gather whose indices can be seen.</summary>
    public static bool IsVisibleGather(SiteUse use) => use.Kind == SiteKind.Gather && IsVisible(use);

    /// <summary>Adds a batch to every accumulator; the first one (in graph order) that met NaN or an infinity, or null.</summary>
    private MomentKey? Add(MomentAccumulator[] accumulators, TappedValues values, RowMask? rowMask)
    {
        var finite = new bool[accumulators.Length];
        Workers.Run(
            accumulators.Length,
            i => accumulators[i].Key.Bytes, // The work of a tensor grows with the square of its width.
            threads,
            i =>
            {
                MomentAccumulator accumulator = accumulators[i];
                ReadOnlySpan<float> tensor = values.Floats(accumulator.Key.Tensor, out long[] shape);
                finite[i] = accumulator.Add(tensor, shape, rowMask, cancellationToken);
            },
            cancellationToken
        );
        int broken = Array.IndexOf(finite, false);
        return broken < 0 ? null : accumulators[broken].Key;
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
