using Lorq.Numerics;
using Lorq.Quantization;

namespace Lorq.Decomposition;

/// <summary>The right factor that is best for a given left one, C = (AᵀHA)⁻¹AᵀH·E with the regularised H: a fixed r×K matrix times E.</summary>
internal static class RightFit
{
    /// <summary>Eigenvalues of a Gram matrix below this part of the largest are rounding.</summary>
    public const double Negligible = 1e-14;

    /// <summary>(AᵀHA)⁺AᵀLc; the pseudo-inverse where A has not full rank.</summary>
    /// <param name="left">A, row-major K×r.</param>
    /// <param name="k">Rows of A.</param>
    /// <param name="rank">r.</param>
    /// <param name="lower">Lc of the regularised H, row-major K×K; null for the identity.</param>
    /// <param name="cancellationToken">Looked at between products.</param>
    /// <returns>Row-major r×K, to be multiplied by the scale.</returns>
    public static (double[] Solver, double Scale) InMetric(
        float[] left,
        int k,
        int rank,
        float[]? lower,
        CancellationToken cancellationToken
    )
    {
        MetricProduct seen = MetricProduct.Of(left, k, rank, lower, cancellationToken);
        var basis = new double[k * rank];
        for (int row = 0; row < k; row++)
        {
            for (int i = 0; i < rank; i++)
            {
                basis[row * rank + i] = seen.Matrix.Values[row * seen.Matrix.RowStride + i * seen.Matrix.ColumnStride];
            }
        }
        var basisView = new MatrixView<double>(basis, k, rank);
        var gram = new double[rank * rank];
        Linear.Multiply(basisView.Transposed, basisView, new MatrixView<double>(gram, rank, rank));
        (double[] values, double[] directions) = Linear.SymmetricEigenvectors(gram, rank);
        var scaled = new double[rank * rank];
        for (int j = 0; j < rank; j++)
        {
            if (values[j] <= Negligible * values[^1])
            {
                continue;
            }
            for (int i = 0; i < rank; i++)
            {
                scaled[i * rank + j] = directions[i * rank + j] / values[j];
            }
        }
        var inverse = new double[rank * rank];
        Linear.Multiply(
            new MatrixView<double>(scaled, rank, rank),
            new MatrixView<double>(directions, rank, rank).Transposed,
            new MatrixView<double>(inverse, rank, rank)
        );
        var solver = new double[rank * k];
        Linear.Multiply(new MatrixView<double>(inverse, rank, rank), basisView.Transposed, new MatrixView<double>(solver, rank, k));
        return (solver, seen.Scale);
    }

    /// <summary>The whole r×K matrix in front of E.</summary>
    /// <param name="left">A, row-major K×r.</param>
    /// <param name="k">Rows of A.</param>
    /// <param name="rank">r.</param>
    /// <param name="moment">H; null for the identity.</param>
    /// <param name="cancellationToken">Looked at between products.</param>
    public static float[] Of(float[] left, int k, int rank, SecondMoment? moment, CancellationToken cancellationToken)
    {
        float[]? lower = moment is null ? null : Array.ConvertAll(moment.LowerFactor(), x => (float)x);
        (double[] solver, double scale) = InMetric(left, k, rank, lower, cancellationToken);
        float[] fit = Array.ConvertAll(solver, x => (float)(x * scale));
        if (lower is null)
        {
            return fit;
        }
        var result = new float[rank * k];
        Linear.Multiply(
            new MatrixView<float>(fit, rank, k),
            new MatrixView<float>(lower, k, k).Transposed,
            new MatrixView<float>(result, rank, k)
        );
        return result;
    }
}
