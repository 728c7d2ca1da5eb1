using System.Numerics.Tensors;
using Lorq.Numerics;

namespace Lorq.Decomposition;

/// <summary>
/// s·LcᵀE and its smaller Gram matrix, the common start of every metric SVD. The factor s, a power of two, keeps fp32 products in range
/// whatever the units of weights and inputs are.
/// </summary>
/// <param name="K">Rows of E.</param>
/// <param name="N">Columns of E.</param>
/// <param name="Scale">s.</param>
/// <param name="Values">Row-major; K×N, or its transpose where that has more rows.</param>
internal sealed record MetricProduct(int K, int N, double Scale, float[] Values)
{
    /// <summary>Rows of Lc per product; what lies above its diagonal blocks is not touched.</summary>
    private const int BlockRows = 256;

    /// <summary>Fewer rows than columns: the Gram matrix is that of the rows, K×K, otherwise that of the columns, N×N.</summary>
    public bool IsWide => K < N;

    /// <summary>Order of the Gram matrix, and the number of singular values.</summary>
    public int Order => Math.Min(K, N);

    /// <summary>s·LcᵀE, seen as K×N.</summary>
    public MatrixView<float> Matrix => IsWide ? new MatrixView<float>(Values, N, K).Transposed : new MatrixView<float>(Values, K, N);

    /// <summary>Multiplies: about K²N operations (half of a full product), in fp32.</summary>
    /// <param name="error">E, row-major K×N.</param>
    /// <param name="k">Rows.</param>
    /// <param name="n">Columns.</param>
    /// <param name="lower">Lc, row-major K×K, zero above the diagonal; null for the identity.</param>
    /// <param name="cancellationToken">Looked at once per 256 rows of Lc.</param>
    public static MetricProduct Of(float[] error, int k, int n, float[]? lower, CancellationToken cancellationToken)
    {
        double largest = (double)LargestMagnitude(error) * (lower is null ? 1 : LargestMagnitude(lower));
        double scale = largest > 0 ? Math.ScaleB(1, -Math.ILogB(largest)) : 1;
        var product = new MetricProduct(k, n, scale, new float[error.Length]);
        if (lower is null)
        {
            if (product.IsWide)
            {
                Transposition.Transpose<float>(error, k, n, product.Values);
            }
            TensorPrimitives.Multiply(product.IsWide ? product.Values : error, (float)scale, product.Values);
            return product;
        }
        var errorView = new MatrixView<float>(error, k, n);
        var lowerView = new MatrixView<float>(lower, k, k);
        for (int row = 0; row < k; row += BlockRows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(BlockRows, k - row);
            MatrixView<float> from = errorView.Part(row, 0, k - row, n);
            MatrixView<float> factor = lowerView.Part(row, row, k - row, count);
            MatrixView<float> to = product.Matrix.Part(row, 0, count, n);
            if (product.IsWide)
            {
                Linear.Multiply(from.Transposed, factor, to.Transposed, (float)scale, 0);
            }
            else
            {
                Linear.Multiply(factor.Transposed, from, to, (float)scale, 0);
            }
        }
        return product;
    }

    /// <summary>
    /// (s·LcᵀE·diag(√c)) times its own transpose, on the smaller side: fp32 products of at most 1024 terms, summed in fp64. Its eigenvalues
    /// are the squared singular values times s².
    /// </summary>
    /// <param name="columnWeights">c; null counts every column equally.</param>
    /// <param name="cancellationToken">Looked at once per 1024 terms.</param>
    public double[] Gram(float[]? columnWeights, CancellationToken cancellationToken)
    {
        var gram = new double[Order * Order];
        float[] rows = Values;
        if (columnWeights is not null && IsWide)
        {
            rows = new float[Values.Length];
            for (int n = 0; n < N; n++)
            {
                TensorPrimitives.Multiply(Values.AsSpan(n * K, K), MathF.Sqrt(columnWeights[n]), rows.AsSpan(n * K, K));
            }
        }
        Linear.AccumulateGram(rows, Math.Max(K, N), Order, gram, cancellationToken);
        if (columnWeights is not null && !IsWide)
        {
            for (int i = 0; i < N; i++)
            {
                for (int j = 0; j < N; j++)
                {
                    gram[i * N + j] *= Math.Sqrt((double)columnWeights[i] * columnWeights[j]);
                }
            }
        }
        return gram;
    }

    private static float LargestMagnitude(float[] values) =>
        values.Length == 0 ? 0 : Math.Abs(TensorPrimitives.MaxMagnitude<float>(values));
}
