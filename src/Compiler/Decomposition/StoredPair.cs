using System.Numerics.Tensors;
using Lorq.Numerics;

namespace Lorq.Decomposition;

/// <summary>Rounds the pair of a metric SVD to its storage, and multiplies stored pairs.</summary>
internal static class StoredPair
{
    private static readonly float LargestHalf = (float)Half.MaxValue;

    /// <summary>
    /// The stored pair of a rank. int8: once A is rounded, C is fitted anew to the A that the file holds, so that only C's own rounding is left.
    /// </summary>
    public static FactorPair Of(MetricSvd svd, FactorShape shape, CancellationToken cancellationToken)
    {
        (float[] left, float[] right) = svd.Factors(shape.Rank);
        // Weights so large that their factors leave fp16 lose by it, but stay finite.
        TensorPrimitives.Clamp(left, -LargestHalf, LargestHalf, left);
        TensorPrimitives.Clamp(right, -LargestHalf, LargestHalf, right);
        FactorPair pair = FactorPair.Store(shape, left, right);
        if (shape.Type == FactorType.Float16)
        {
            return pair;
        }
        right = svd.RefitRight(pair.Left.Values, shape.Rank, cancellationToken);
        TensorPrimitives.Clamp(right, -LargestHalf, LargestHalf, right);
        return pair with { Right = Factor.Store(shape.Type, right, shape.Rank, pair.Right.Columns, scalePerRow: false) };
    }

    /// <summary>matrix − A·C with the stored values, row-major K×N.</summary>
    public static float[] Subtract(float[] matrix, FactorPair pair)
    {
        float[] result = [.. matrix];
        Linear.Multiply(
            new MatrixView<float>(pair.Left.Values, pair.Left.Rows, pair.Shape.Rank),
            new MatrixView<float>(pair.Right.Values, pair.Shape.Rank, pair.Right.Columns),
            new MatrixView<float>(result, pair.Left.Rows, pair.Right.Columns),
            alpha: -1,
            beta: 1
        );
        return result;
    }
}
