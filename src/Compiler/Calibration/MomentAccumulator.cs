using System.Numerics.Tensors;
using Lorq.Checks;
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

    /// <summary>Patches held at once: a 3×3 convolution's rows are nine times its feature map.</summary>
    private const int RowsPerBlock = 1024;

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
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>False, with nothing added, when a value that counts is NaN or infinite.</returns>
    public bool Add(ReadOnlySpan<float> values, long[] shape, RowMask? mask, CancellationToken cancellationToken)
    {
        if (Key.Geometry is null && Key.PerExpert == 0 && !Key.Transposed)
        {
            // Padding may hold anything: only what is left after the mask has to be finite.
            float[] selected = Select(values, shape, mask);
            return TensorPrimitives.IsFiniteAll<float>(selected) && Accumulate(selected, 0, cancellationToken);
        }
        if (!TensorPrimitives.IsFiniteAll(values))
        {
            return false;
        }
        return Key.Geometry is { } geometry ? AddPatches(values, shape, geometry, cancellationToken)
            : Key.PerExpert > 0 ? AddExperts(values, shape, cancellationToken)
            : Accumulate(TransposeLast(values, shape), 0, cancellationToken);
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

    private bool AddPatches(ReadOnlySpan<float> values, long[] shape, ConvGeometry geometry, CancellationToken cancellationToken)
    {
        RowPlan plan = geometry.Plan(shape, RowsPerBatch);
        var block = new float[(long)Math.Min(RowsPerBlock, plan.Rows) * Key.K];
        for (int g = 0; g < geometry.Groups; g++)
        {
            for (int first = 0; first < plan.Rows; first += RowsPerBlock)
            {
                int count = Math.Min(RowsPerBlock, plan.Rows - first);
                geometry.Fill(values, plan, g, first, count, block);
                Linear.AccumulateGram(block, count, Key.K, sums[g], cancellationToken);
            }
            rows[g] += plan.Rows;
        }
        return true;
    }

    /// <summary>[…, E, T, K] has a slab per expert; without that axis (or where it is 1, as MatMul broadcasts it) every expert meets all rows.</summary>
    private bool AddExperts(ReadOnlySpan<float> values, long[] shape, CancellationToken cancellationToken)
    {
        bool isSplit = shape.Length >= 3 && shape[^3] == Key.PerExpert;
        int size = isSplit ? (int)(shape[^2] * shape[^1]) : values.Length;
        for (int slab = 0; slab * size < values.Length; slab++)
        {
            float[] x = values.Slice(slab * size, size).ToArray();
            for (int e = isSplit ? slab % Key.PerExpert : 0; e < Key.PerExpert; e++)
            {
                Accumulate(x, e, cancellationToken);
                if (isSplit)
                {
                    break;
                }
            }
        }
        return true;
    }

    private bool Accumulate(float[] x, int group, CancellationToken cancellationToken)
    {
        int count = x.Length / Key.K;
        Linear.AccumulateGram(x, count, Key.K, sums[group], cancellationToken);
        rows[group] += count;
        return true;
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
