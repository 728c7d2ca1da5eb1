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
    private readonly RowReader reader = new(key);
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
    /// <returns>False when a value that counts is NaN or infinite; the sums are of no use then.</returns>
    public bool Add(ReadOnlySpan<float> values, long[] shape, RowMask? mask, CancellationToken cancellationToken)
    {
        // Padding may hold anything: only what is left after the mask has to be finite.
        bool isMasked = Key.Geometry is null && Key.PerExpert == 0 && !Key.Transposed;
        bool finite = isMasked || TensorPrimitives.IsFiniteAll(values);
        if (!finite)
        {
            return false;
        }
        reader.Read(
            values,
            [],
            shape,
            mask,
            (group, x, _, count) =>
            {
                finite = finite && TensorPrimitives.IsFiniteAll<float>(x.AsSpan(0, count * Key.K));
                if (finite)
                {
                    Linear.AccumulateUpperGram(x, count, Key.K, sums[group], cancellationToken);
                    rows[group] += count;
                }
            }
        );
        return finite;
    }

    /// <summary>The moments, one per group; the sums are handed over.</summary>
    public IReadOnlyList<SecondMoment> Finish() =>
        [
            .. sums.Select(
                (s, g) =>
                {
                    Linear.MirrorUpper(s, Key.K);
                    TensorPrimitives.Divide(s, (double)Math.Max(1, rows[g]), s);
                    return new SecondMoment(Key.K, s, rows[g]);
                }
            ),
        ];
}
