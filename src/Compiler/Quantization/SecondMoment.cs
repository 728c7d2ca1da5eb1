using System.Numerics.Tensors;
using Lorq.Numerics;

namespace Lorq.Quantization;

/// <summary>
/// H = E[xᵀx] of one input tensor (K×K, fp64), with its regularised factors computed once and shared by every site that
/// reads the tensor. Thread-safe. H ← H + λI, λ = 0.01·mean(diag H), ×10 on a Cholesky failure, at most 4 times, then diag(H).
/// </summary>
public sealed class SecondMoment
{
    private const double Damping = 0.01;
    private const int DampingRetries = 4;

    /// <summary>Columns per product when errors are measured: bounds the memory for embeddings with a large vocabulary.</summary>
    private const int ErrorColumns = 4096;

    /// <summary>Rows per product when errors are measured: what lies below the factor's diagonal block is zero and left out.</summary>
    private const int ErrorRows = 256;

    private readonly Lazy<Regularisation> regularisation;
    private readonly Recomputable<double[]> lowerFactor;
    private readonly Recomputable<float[]> regularisedSingle;
    private readonly Recomputable<InverseFactors> naturalFactors;
    private readonly Recomputable<InverseFactors> orderedFactors;
    private readonly Recomputable<(float[] Factor, double Jitter)> errorFactor;

    /// <summary>Wraps accumulated sums.</summary>
    /// <param name="k">Width of the input.</param>
    /// <param name="values">Row-major K×K, E[xᵀx], symmetric; owned by the new object.</param>
    /// <param name="rows">How many input rows were averaged.</param>
    /// <exception cref="ArgumentException">The array is not K×K, or its diagonal is negative or not finite.</exception>
    public SecondMoment(int k, double[] values, long rows)
    {
        if (k < 1 || values.Length != (long)k * k)
        {
            throw new ArgumentException($"{values.Length} values do not make a {k}×{k} matrix.", nameof(values));
        }
        K = k;
        Values = values;
        Rows = rows;
        Diagonal = new float[k];
        for (int i = 0; i < k; i++)
        {
            double d = values[i * k + i];
            if (!double.IsFinite(d) || d < 0)
            {
                throw new ArgumentException($"The second moment of input {i} is {d}.", nameof(values));
            }
            Diagonal[i] = (float)d;
        }
        regularisation = new(Regularise);
        lowerFactor = new(LowerFactorOfRegularised);
        regularisedSingle = new(() => Array.ConvertAll(Regularised(), x => (float)x));
        naturalFactors = new(() => FactorsOfInverse(order: null));
        // OrderBy is stable, so equal inputs stay in their natural order.
        orderedFactors = new(() => FactorsOfInverse([.. Enumerable.Range(0, K).OrderByDescending(i => Values[i * K + i])]));
        errorFactor = new(FactorForErrors);
    }

    /// <summary>Width of the input.</summary>
    public int K { get; }

    /// <summary>Row-major K×K.</summary>
    public double[] Values { get; }

    /// <summary>Input rows averaged.</summary>
    public long Rows { get; }

    /// <summary>diag H as fp32: how much each row's squared error counts on its own. Zero marks an input that is always zero.</summary>
    public float[] Diagonal { get; }

    /// <summary>True when every regularisation failed and only diag(H) is used; the report says so.</summary>
    public bool IsDiagonalFallback => !regularisation.Value.Succeeded;

    /// <summary>λ that was added to the diagonal.</summary>
    public double Lambda => regularisation.Value.Lambda;

    /// <summary>H + λI, or diag(H) + λI after the fallback; row-major K×K fp64, a new array each call.</summary>
    public double[] Regularised()
    {
        var result = new double[Values.Length];
        if (!IsDiagonalFallback)
        {
            Values.CopyTo(result, 0);
        }
        for (int i = 0; i < K; i++)
        {
            result[i * K + i] = Values[i * K + i] + Lambda;
        }
        return result;
    }

    /// <summary><see cref="Regularised"/> in fp32; shared, not to be changed.</summary>
    public float[] RegularisedSingle() => regularisedSingle.Value;

    /// <summary>Lower Cholesky factor of <see cref="Regularised"/>, row-major K×K fp64 (diagonal after the fallback); shared, not to be changed.</summary>
    public double[] LowerFactor() => lowerFactor.Value;

    /// <summary>
    /// Lower Cholesky factor of the plain H, row-major K×K fp32: ‖LcᵀM‖² is <see cref="Energy"/> (up to a jitter of at most 1e-10 of
    /// the mean diagonal, where H is singular). Shared, not to be changed.
    /// </summary>
    public float[] PlainLowerFactor() => errorFactor.Value.Factor;

    /// <summary>The factors of the inverse of the regularised H that GPTQ reads; shared, not to be changed.</summary>
    /// <param name="byEnergy">With the inputs by descending H_kk; otherwise in their natural order.</param>
    public InverseFactors InverseFactors(bool byEnergy) => (byEnergy ? orderedFactors : naturalFactors).Value;

    /// <summary>Lets the factors go; they are computed again when they are asked for.</summary>
    public void ReleaseFactors()
    {
        lowerFactor.Release();
        regularisedSingle.Release();
        naturalFactors.Release();
        orderedFactors.Release();
        errorFactor.Release();
    }

    /// <summary>tr(EᵀHE) / tr(WᵀHW) for E = W − Ŵ (both row-major K×N), with the plain H; see <see cref="Energy"/> for the accuracy.</summary>
    /// <returns>0 when E is zero; positive infinity when only W gives no output.</returns>
    public double RelativeError(ReadOnlySpan<float> weight, ReadOnlySpan<float> replacement, int n)
    {
        var difference = new float[weight.Length];
        TensorPrimitives.Subtract(weight, replacement, difference);
        return Ratio(Energy(difference, n), Energy(weight, n));
    }

    /// <summary>
    /// tr(MᵀHM) = E‖xM‖² with the plain H. Computed as the squared norm of LcᵀM with H = Lc·Lcᵀ, so that nothing cancels where M avoids the
    /// strong inputs: products in fp32, sums in fp64, relative accuracy about 1e-6.
    /// </summary>
    /// <param name="matrix">Row-major K×N.</param>
    /// <param name="n">Columns.</param>
    public double Energy(ReadOnlySpan<float> matrix, int n)
    {
        if (matrix.Length != (long)K * n)
        {
            throw new ArgumentException($"{matrix.Length} values do not make a {K}×{n} matrix.", nameof(matrix));
        }
        (float[] factor, double jitter) = errorFactor.Value;
        MatrixView<float> upper = new MatrixView<float>(factor, K, K).Transposed;
        double sum = 0;
        int width = Math.Min(n, ErrorColumns);
        var columns = new float[K * width];
        var product = new float[Math.Min(K, ErrorRows) * width];
        for (int start = 0; start < n; start += width)
        {
            int count = Math.Min(width, n - start);
            for (int k = 0; k < K; k++)
            {
                matrix.Slice(k * n + start, count).CopyTo(columns.AsSpan(k * count));
            }
            for (int from = 0; from < K; from += ErrorRows)
            {
                int rows = Math.Min(ErrorRows, K - from);
                Linear.Multiply(
                    upper.Part(from, from, rows, K - from),
                    new MatrixView<float>(columns, K, count).Part(from, 0, K - from, count),
                    new MatrixView<float>(product, rows, count)
                );
                for (int k = 0; k < rows; k++)
                {
                    sum += TensorPrimitives.SumOfSquares<float>(product.AsSpan(k * count, count));
                    sum -= jitter * TensorPrimitives.SumOfSquares<float>(columns.AsSpan((from + k) * count, count));
                }
            }
        }
        return Math.Max(0, sum);
    }

    /// <summary>The same with H = diag(weights per column) over columns: Σ c_n‖E_n‖² / Σ c_n‖W_n‖²; null weights count equally.</summary>
    public static double RelativeErrorWithoutMoment(
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> replacement,
        int k,
        int n,
        float[]? columnWeights
    )
    {
        if (weight.Length != (long)k * n || replacement.Length != weight.Length || (columnWeights is not null && columnWeights.Length != n))
        {
            throw new ArgumentException($"The arrays do not belong to a {k}×{n} matrix.", nameof(replacement));
        }
        var row = new float[n];
        double error = 0;
        double total = 0;
        for (int i = 0; i < k; i++)
        {
            ReadOnlySpan<float> from = weight.Slice(i * n, n);
            total += WeightedSquares(from, columnWeights, row);
            TensorPrimitives.Subtract(from, replacement.Slice(i * n, n), row);
            error += WeightedSquares(row, columnWeights, row);
        }
        return Ratio(error, total);
    }

    /// <summary>The moment of all rows of several: their average weighted by rows.</summary>
    /// <exception cref="ArgumentException">None, or of different widths.</exception>
    public static SecondMoment Merge(IReadOnlyList<SecondMoment> parts)
    {
        if (parts.Count == 0 || parts.Any(p => p.K != parts[0].K))
        {
            throw new ArgumentException("The moments need the same width.", nameof(parts));
        }
        long rows = parts.Sum(p => p.Rows);
        var values = new double[parts[0].Values.Length];
        foreach (SecondMoment part in parts)
        {
            TensorPrimitives.MultiplyAdd<double>(part.Values, rows == 0 ? 0 : (double)part.Rows / rows, values, values);
        }
        return new SecondMoment(parts[0].K, values, rows);
    }

    private static double WeightedSquares(ReadOnlySpan<float> values, float[]? weights, Span<float> scratch)
    {
        if (weights is null)
        {
            return TensorPrimitives.SumOfSquares(values);
        }
        TensorPrimitives.Multiply(values, values, scratch);
        return TensorPrimitives.Dot(scratch, weights);
    }

    private static double Ratio(double error, double total) =>
        error == 0 ? 0
        : total > 0 ? error / total
        : double.PositiveInfinity;

    private double MeanDiagonal()
    {
        double sum = 0;
        for (int i = 0; i < K; i++)
        {
            sum += Values[i * K + i];
        }
        return sum / K;
    }

    private Regularisation Regularise()
    {
        double mean = MeanDiagonal();
        if (mean == 0)
        {
            // An input that was always zero: nothing is known, every direction counts the same.
            return new Regularisation(1, false);
        }
        double lambda = Damping * mean;
        for (int attempt = 0; attempt <= DampingRetries; attempt++, lambda *= 10)
        {
            if (Linear.Cholesky(WithDiagonal(lambda), K) is not null)
            {
                return new Regularisation(lambda, true);
            }
        }
        return new Regularisation(Damping * mean, false);
    }

    private double[] LowerFactorOfRegularised()
    {
        double[] matrix = Regularised();
        if (!IsDiagonalFallback)
        {
            return Linear.Cholesky(matrix, K) ?? throw new ArithmeticException("A factorisation that succeeded before does not.");
        }
        for (int i = 0; i < K; i++)
        {
            matrix[i * K + i] = Math.Sqrt(matrix[i * K + i]);
        }
        return matrix;
    }

    private double[] WithDiagonal(double added)
    {
        double[] result = [.. Values];
        for (int i = 0; i < K; i++)
        {
            result[i * K + i] += added;
        }
        return result;
    }

    /// <summary>
    /// With rows and columns reversed, the lower Cholesky factor becomes an upper factor A of H = A·Aᵀ, and H⁻¹ = A⁻ᵀA⁻¹: U = A⁻¹. One
    /// factorisation and one triangular inverse, without ever forming H⁻¹.
    /// </summary>
    private InverseFactors FactorsOfInverse(int[]? order)
    {
        var factor = new float[K * K];
        var inverse = new float[K * K];
        if (IsDiagonalFallback)
        {
            for (int i = 0; i < K; i++)
            {
                int input = order is null ? i : order[i];
                double root = Math.Sqrt(Values[input * K + input] + Lambda);
                factor[i * K + i] = (float)(1 / root);
                inverse[i * K + i] = (float)root;
            }
            return new InverseFactors(order, factor, inverse);
        }
        double[] regularised = Regularised();
        var reversed = new double[K * K];
        for (int i = 0; i < K; i++)
        {
            int row = K - 1 - i;
            int from = (order is null ? row : order[row]) * K;
            for (int j = 0; j < K; j++)
            {
                int column = K - 1 - j;
                reversed[i * K + j] = regularised[from + (order is null ? column : order[column])];
            }
        }
        double[] lower =
            Linear.Cholesky(reversed, K)
            ?? throw new ArithmeticException("A matrix that was positive definite is not after a permutation of its rows and columns.");
        double[] lowerInverse = Linear.InvertTriangular(lower, K, upper: false);
        for (int i = 0; i < K; i++)
        {
            for (int j = i; j < K; j++)
            {
                int mirrored = (K - 1 - i) * K + (K - 1 - j);
                factor[i * K + j] = (float)lowerInverse[mirrored];
                inverse[i * K + j] = (float)lower[mirrored];
            }
        }
        return new InverseFactors(order, factor, inverse);
    }

    /// <summary>
    /// Lc of H itself, which may be singular: the least of the tried jitters that makes the factorisation succeed; its share is subtracted
    /// from every energy again.
    /// </summary>
    private (float[] Factor, double Jitter) FactorForErrors()
    {
        double mean = MeanDiagonal();
        if (mean == 0)
        {
            return (new float[K * K], 0);
        }
        // Ends: the mean of a diagonal bounds the largest eigenvalue up to a factor K.
        for (double jitter = 1e-10 * mean; ; jitter *= 10)
        {
            if (Linear.Cholesky(WithDiagonal(jitter), K) is { } lower)
            {
                return (Array.ConvertAll(lower, x => (float)x), jitter);
            }
        }
    }

    private sealed record Regularisation(double Lambda, bool Succeeded);
}

/// <summary>Upper Cholesky factor U of the inverse of a second moment, H⁻¹ = UᵀU, and what undoes it.</summary>
/// <param name="Order">Row i of the factors belongs to input Order[i]; null for the natural order.</param>
/// <param name="Upper">U, row-major K×K fp32.</param>
/// <param name="Inverse">U⁻¹, upper too, row-major K×K fp32: H = U⁻¹·U⁻ᵀ.</param>
public sealed record InverseFactors(int[]? Order, float[] Upper, float[] Inverse);
