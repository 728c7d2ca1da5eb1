using System.Numerics.Tensors;
using Lorq.Checks;
using Lorq.Diagnostics;
using Lorq.Numerics;
using Lorq.Quantization;

namespace Lorq.Calibration;

/// <summary>Which rows a weight meets: the tensor, and how it is read.</summary>
/// <param name="Tensor">The activation tensor.</param>
/// <param name="K">Width of a row.</param>
/// <param name="Transposed">Rows run along the last axis but one (Gemm transA, MatMul with the weight on the left).</param>
/// <param name="PerExpert">The leading axis separates experts; one moment each.</param>
/// <param name="Geometry">For a convolution.</param>
internal sealed record MomentKey(string Tensor, int K, bool Transposed, int PerExpert, ConvGeometry? Geometry)
{
    /// <summary>Moments behind this key.</summary>
    public int Groups => Geometry?.Groups ?? Math.Max(1, PerExpert);

    /// <summary>Bytes of its sums.</summary>
    public long Bytes => (long)K * K * sizeof(double) * Groups;
}

/// <summary>Sums xᵀx of one tensor over batches, in fp64.</summary>
internal sealed class MomentAccumulator(MomentKey key)
{
    /// <summary>Rows of a feature map used per batch: neighbouring pixels say little that is new.</summary>
    private const int RowsPerBatch = 8192;

    private readonly double[][] sums = [.. Enumerable.Range(0, key.Groups).Select(_ => new double[(long)key.K * key.K])];
    private readonly long[] rows = new long[key.Groups];

    /// <summary>The key.</summary>
    public MomentKey Key { get; } = key;

    /// <summary>Rows seen by the first group.</summary>
    public long Rows => rows[0];

    /// <summary>Adds a batch.</summary>
    /// <param name="values">The tensor.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="mask">Which rows count; null for all.</param>
    /// <param name="firstSample">Index of the batch's first sample, for errors.</param>
    /// <param name="cancellationToken">Stops.</param>
    public void Add(ReadOnlySpan<float> values, long[] shape, RowMask? mask, long firstSample, CancellationToken cancellationToken)
    {
        if (!TensorPrimitives.IsFiniteAll(values))
        {
            int index = 0;
            while (float.IsFinite(values[index]))
            {
                index++;
            }
            long perSample = Math.Max(1, values.Length / Math.Max(1, shape[0]));
            throw Catalogue.ActivationNotFinite.With(Key.Tensor, firstSample + index / perSample);
        }
        if (Key.Geometry is { } geometry)
        {
            int step = Math.Max(1, (int)((shape[0] * geometry.Positions(shape) + RowsPerBatch - 1) / RowsPerBatch));
            for (int g = 0; g < geometry.Groups; g++)
            {
                Accumulate(geometry.Rows(values, shape, g, step), g, cancellationToken);
            }
            return;
        }
        if (Key.PerExpert > 0)
        {
            // [E, T, K]: one slice per expert; a tensor without the expert axis meets all of them.
            bool split = shape.Length >= 3 && shape[^3] == Key.PerExpert;
            int size = values.Length / (split ? Key.PerExpert : 1);
            for (int e = 0; e < Key.PerExpert; e++)
            {
                Accumulate(values.Slice(split ? e * size : 0, size).ToArray(), e, cancellationToken);
            }
            return;
        }
        Accumulate(Key.Transposed ? TransposeLast(values, shape) : Select(values, shape, mask), 0, cancellationToken);
    }

    /// <summary>The moments, one per group; the sums are handed over.</summary>
    public IReadOnlyList<SecondMoment> Finish() =>
        [
            .. sums.Select(
                (s, g) =>
                {
                    TensorPrimitives.Divide(s, (double)Math.Max(1, rows[g]), s);
                    return new SecondMoment(Key.K, s, rows[g]);
                }
            ),
        ];

    private void Accumulate(float[] x, int group, CancellationToken cancellationToken)
    {
        int count = x.Length / Key.K;
        Linear.AccumulateGram(x, count, Key.K, sums[group], cancellationToken);
        rows[group] += count;
    }

    private float[] Select(ReadOnlySpan<float> values, long[] shape, RowMask? mask)
    {
        int[]? kept = mask?.Rows(shape, values.Length / Key.K);
        if (kept is null)
        {
            return values.ToArray();
        }
        var x = new float[kept.Length * Key.K];
        for (int i = 0; i < kept.Length; i++)
        {
            values.Slice(kept[i] * Key.K, Key.K).CopyTo(x.AsSpan(i * Key.K));
        }
        return x;
    }

    private static float[] TransposeLast(ReadOnlySpan<float> values, long[] shape)
    {
        (int rows, int columns) = shape.Length > 1 ? ((int)shape[^2], (int)shape[^1]) : (values.Length, 1);
        var x = new float[values.Length];
        for (int at = 0; at < values.Length; at += rows * columns)
        {
            Transposition.Transpose(values.Slice(at, rows * columns), rows, columns, x.AsSpan(at, rows * columns));
        }
        return x;
    }
}
