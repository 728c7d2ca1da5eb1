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
    /// <param name="factors">Factors of 8-bit scales, one per column; empty for other types.</param>
    /// <param name="scales">One per column: receives the scale, as stored.</param>
    /// <param name="zeros">One per column: receives the zero point, a whole number (0 for a codebook).</param>
    public abstract void Fit(
        ReadOnlySpan<float> block,
        int stride,
        int rows,
        ReadOnlySpan<float> rowWeights,
        ReadOnlySpan<float> factors,
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
    /// <summary>Rounds of refinement after the search; more change nothing measurable.</summary>
    private const int Refinements = 3;

    private readonly TRounding rounding = rounding;
    private readonly LaneBlock lanes = new();

    /// <inheritdoc />
    public override void Fit(
        ReadOnlySpan<float> block,
        int stride,
        int rows,
        ReadOnlySpan<float> rowWeights,
        ReadOnlySpan<float> factors,
        Span<float> scales,
        Span<float> zeros
    )
    {
        for (int column = 0; column < scales.Length; column += Vector<float>.Count)
        {
            (Vector<float> scale, Vector<float> zero) = FitLanes(
                lanes.Load(block, stride, rows, column, scales.Length),
                rowWeights,
                ScaleRounding.At(grid, factors, column)
            );
            LaneBlock.Store(scale, scales, column);
            LaneBlock.Store(zero, zeros, column);
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
        Span<int> rounded = stackalloc int[width];
        for (int column = 0; column < weights.Length; column += width)
        {
            Vector<float> weight = LaneBlock.Load(weights, column);
            Vector<float> scale = LaneBlock.Load(scales, column);
            Vector<float> zero = LaneBlock.Load(zeros, column);
            // A zero scale (a block of zeros) stands for zeros only; any code does, the one of zero is the least surprising.
            Vector<float> scaled = Vector.ConditionalSelect(Vector.Equals(scale, Vector<float>.Zero), Vector<float>.Zero, weight / scale);
            Vector<float> points = rounding.Nearest(scaled, zero);
            rounding.Codes(points, zero).CopyTo(rounded);
            for (int i = 0; i < Math.Min(width, weights.Length - column); i++)
            {
                codes[column + i] = (byte)rounded[i];
            }
            LaneBlock.Store(points * scale, values, column);
        }
    }

    private (Vector<float> Scale, Vector<float> Zero) FitLanes(
        ReadOnlySpan<Vector<float>> block,
        ReadOnlySpan<float> rowWeights,
        ScaleRounding stored
    )
    {
        // Zero is always inside the range, so that it is exact.
        Vector<float> low = Vector<float>.Zero;
        Vector<float> high = Vector<float>.Zero;
        foreach (Vector<float> row in block)
        {
            low = Vector.Min(low, row);
            high = Vector.Max(high, row);
        }
        ClipCandidates candidates = ClipCandidates.For(grid, stored, low, high);
        (Vector<float> scale, Vector<float> zero) = candidates.Plain();
        if (rowWeights.IsEmpty)
        {
            return (scale, zero);
        }
        Vector<float> error = Error(block, rowWeights, scale, zero);
        Vector<float> factor = Vector<float>.Zero;
        for (int i = 0; i < candidates.Count; i++)
        {
            var other = Vector.Create(candidates.Factor(i));
            (Vector<float> otherScale, Vector<float> otherZero) = candidates.At(other);
            Vector<int> better = Keep(block, rowWeights, otherScale, otherZero, ref scale, ref zero, ref error);
            factor = Vector.ConditionalSelect(better, other, factor);
        }
        foreach (float beside in (ReadOnlySpan<float>)[-ClipCandidates.Beside, ClipCandidates.Beside])
        {
            (Vector<float> otherScale, Vector<float> otherZero) = candidates.At(factor + Vector.Create(beside));
            Keep(block, rowWeights, otherScale, otherZero, ref scale, ref zero, ref error);
        }
        // Between the grid's points: the least-squares scale for the codes as they are, also with the zero point moved by one.
        for (int i = 0; i < Refinements; i++)
        {
            Keep(block, rowWeights, stored.Round(LeastSquares(block, rowWeights, scale, zero)), zero, ref scale, ref zero, ref error);
            if (grid.HasZeroPoint)
            {
                Vector<float> down = Vector.Max(zero - Vector<float>.One, Vector<float>.Zero);
                Keep(block, rowWeights, stored.Round(LeastSquares(block, rowWeights, scale, down)), down, ref scale, ref zero, ref error);
                Vector<float> up = Vector.Min(zero + Vector<float>.One, Vector.Create(grid.Levels - 1f));
                Keep(block, rowWeights, stored.Round(LeastSquares(block, rowWeights, scale, up)), up, ref scale, ref zero, ref error);
            }
        }
        return (scale, zero);
    }

    /// <summary>The best scale for the codes that the given scale rounds to.</summary>
    private Vector<float> LeastSquares(
        ReadOnlySpan<Vector<float>> block,
        ReadOnlySpan<float> rowWeights,
        Vector<float> scale,
        Vector<float> zero
    )
    {
        Vector<float> inverse = Inverse(scale);
        Vector<float> top = Vector<float>.Zero;
        Vector<float> bottom = Vector<float>.Zero;
        for (int k = 0; k < block.Length; k++)
        {
            Vector<float> points = rounding.Nearest(block[k] * inverse, zero);
            Vector<float> weighted = points * Vector.Create(rowWeights[k]);
            top = Vector.FusedMultiplyAdd(weighted, block[k], top);
            bottom = Vector.FusedMultiplyAdd(weighted, points, bottom);
        }
        return Vector.ConditionalSelect(Vector.GreaterThan(bottom, Vector<float>.Zero), top / bottom, scale);
    }

    /// <summary>Takes a candidate over in the lanes where it is better, and says which.</summary>
    private Vector<int> Keep(
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
        return better;
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
