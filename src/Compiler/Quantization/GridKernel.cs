using System.Numerics;

namespace Lorq.Quantization;

/// <summary>
/// The vector loops of one grid: fitting scales and zero points to blocks, and rounding rows with them. Lanes are columns, since
/// neighbouring columns are neighbours in memory and every column has a scale of its own.
/// </summary>
internal abstract class GridKernel
{
    /// <summary>The kernel of a grid.</summary>
    public static GridKernel For(QuantizationGrid grid) =>
        grid.Kind == GridKind.NormalFloat
            ? new GridKernel<CodebookRounding>(grid, new CodebookRounding(NormalFloat.Codebook(grid.Bits)))
            : new GridKernel<IntegerRounding>(grid, new IntegerRounding(grid.Levels));

    /// <summary>Fits one block of every column.</summary>
    /// <param name="block">The block's rows, the first column of the first row first.</param>
    /// <param name="stride">Elements between rows.</param>
    /// <param name="rows">Rows in the block.</param>
    /// <param name="rowWeights">Weight of each row's squared error; empty for the plain range rule without a search.</param>
    /// <param name="scales">One per column: receives the scale, as stored.</param>
    /// <param name="zeros">One per column: receives the zero point, a whole number (0 for a codebook).</param>
    public abstract void Fit(
        ReadOnlySpan<float> block,
        int stride,
        int rows,
        ReadOnlySpan<float> rowWeights,
        Span<float> scales,
        Span<float> zeros
    );

    /// <summary>Rounds one row: codes, and the values they stand for.</summary>
    public abstract void Round(
        ReadOnlySpan<float> weights,
        ReadOnlySpan<float> scales,
        ReadOnlySpan<float> zeros,
        Span<byte> codes,
        Span<float> values
    );
}

/// <inheritdoc cref="GridKernel" />
internal sealed class GridKernel<TRounding>(QuantizationGrid grid, TRounding rounding) : GridKernel
    where TRounding : struct, ICodeRounding
{
    private readonly TRounding rounding = rounding;
    private Vector<float>[] tile = [];

    /// <inheritdoc />
    public override void Fit(
        ReadOnlySpan<float> block,
        int stride,
        int rows,
        ReadOnlySpan<float> rowWeights,
        Span<float> scales,
        Span<float> zeros
    )
    {
        if (tile.Length < rows)
        {
            tile = new Vector<float>[rows];
        }
        Span<float> lanes = stackalloc float[Vector<float>.Count];
        Span<Vector<float>> column = tile.AsSpan(0, rows);
        for (int c = 0; c < scales.Length; c += lanes.Length)
        {
            int used = Math.Min(lanes.Length, scales.Length - c);
            for (int k = 0; k < rows; k++)
            {
                scoped ReadOnlySpan<float> row = block.Slice(k * stride + c, used);
                if (used < lanes.Length)
                {
                    lanes.Clear();
                    row.CopyTo(lanes);
                    row = lanes;
                }
                column[k] = new Vector<float>(row);
            }
            (Vector<float> scale, Vector<float> zero) = FitLanes(column, rowWeights);
            scale.CopyTo(lanes);
            lanes[..used].CopyTo(scales[c..]);
            zero.CopyTo(lanes);
            lanes[..used].CopyTo(zeros[c..]);
        }
    }

    /// <inheritdoc />
    public override void Round(
        ReadOnlySpan<float> weights,
        ReadOnlySpan<float> scales,
        ReadOnlySpan<float> zeros,
        Span<byte> codes,
        Span<float> values
    )
    {
        int width = Vector<float>.Count;
        Span<float> lanes = stackalloc float[3 * width];
        Span<int> rounded = stackalloc int[width];
        for (int c = 0; c < weights.Length; c += width)
        {
            int used = Math.Min(width, weights.Length - c);
            Vector<float> weight;
            Vector<float> scale;
            Vector<float> zero;
            if (used == width)
            {
                weight = new Vector<float>(weights[c..]);
                scale = new Vector<float>(scales[c..]);
                zero = new Vector<float>(zeros[c..]);
            }
            else
            {
                lanes.Clear();
                weights[c..].CopyTo(lanes);
                scales.Slice(c, used).CopyTo(lanes[width..]);
                zeros.Slice(c, used).CopyTo(lanes[(2 * width)..]);
                weight = new Vector<float>(lanes);
                scale = new Vector<float>(lanes[width..]);
                zero = new Vector<float>(lanes[(2 * width)..]);
            }
            // A zero scale (a block of zeros) stands for zeros only; any code does, the one of zero is the least surprising.
            Vector<float> scaled = Vector.ConditionalSelect(Vector.Equals(scale, Vector<float>.Zero), Vector<float>.Zero, weight / scale);
            Vector<float> points = rounding.Nearest(scaled, zero);
            rounding.Codes(points, zero).CopyTo(rounded);
            for (int i = 0; i < used; i++)
            {
                codes[c + i] = (byte)rounded[i];
            }
            Vector<float> value = points * scale;
            if (used == width)
            {
                value.CopyTo(values[c..]);
            }
            else
            {
                value.CopyTo(lanes);
                lanes[..used].CopyTo(values[c..]);
            }
        }
    }

    private (Vector<float> Scale, Vector<float> Zero) FitLanes(ReadOnlySpan<Vector<float>> block, ReadOnlySpan<float> rowWeights)
    {
        // Zero is always inside the range, so that it is exact.
        Vector<float> low = Vector<float>.Zero;
        Vector<float> high = Vector<float>.Zero;
        foreach (Vector<float> row in block)
        {
            low = Vector.Min(low, row);
            high = Vector.Max(high, row);
        }
        ClipCandidates candidates = ClipCandidates.For(grid, low, high);
        (Vector<float> scale, Vector<float> zero) = candidates.Plain();
        if (rowWeights.IsEmpty)
        {
            return (scale, zero);
        }
        Vector<float> error = Error(block, rowWeights, scale, zero);
        for (int i = 0; i < candidates.Count; i++)
        {
            (Vector<float> otherScale, Vector<float> otherZero) = candidates[i];
            Keep(block, rowWeights, otherScale, otherZero, ref scale, ref zero, ref error);
        }
        return (scale, zero);
    }

    private void Keep(
        ReadOnlySpan<Vector<float>> block,
        ReadOnlySpan<float> rowWeights,
        Vector<float> otherScale,
        Vector<float> otherZero,
        ref Vector<float> scale,
        ref Vector<float> zero,
        ref Vector<float> error
    )
    {
        Vector<float> other = Error(block, rowWeights, otherScale, otherZero);
        Vector<int> better = Vector.LessThan(other, error);
        scale = Vector.ConditionalSelect(better, otherScale, scale);
        zero = Vector.ConditionalSelect(better, otherZero, zero);
        error = Vector.ConditionalSelect(better, other, error);
    }

    /// <summary>Weighted squared error of each lane.</summary>
    private Vector<float> Error(ReadOnlySpan<Vector<float>> block, ReadOnlySpan<float> rowWeights, Vector<float> scale, Vector<float> zero)
    {
        Vector<float> inverse = Inverse(scale);
        Vector<float> sum = Vector<float>.Zero;
        for (int k = 0; k < block.Length; k++)
        {
            Vector<float> points = rounding.Nearest(block[k] * inverse, zero);
            Vector<float> difference = Vector.FusedMultiplyAdd(-scale, points, block[k]);
            sum = Vector.FusedMultiplyAdd(difference * Vector.Create(rowWeights[k]), difference, sum);
        }
        return sum;
    }

    private static Vector<float> Inverse(Vector<float> scale) =>
        Vector.ConditionalSelect(Vector.Equals(scale, Vector<float>.Zero), Vector<float>.Zero, Vector<float>.One / scale);
}
