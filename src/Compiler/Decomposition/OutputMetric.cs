using System.Numerics.Tensors;
using Lorq.Diagnostics;
using Lorq.Quantization;

namespace Lorq.Decomposition;

/// <summary>The loss of replacements of one weight: tr(D·EᵀHE·D) relative to the same of W, with the plain H and D = diag(√c).</summary>
public sealed class OutputMetric
{
    private readonly WeightProblem problem;
    private readonly Lazy<double> total;

    /// <summary>The metric of a weight: its second moment (none: the identity) and its column weights (none: equal).</summary>
    /// <exception cref="ArgumentException">The arrays do not belong together.</exception>
    /// <exception cref="LorqException">A weight is not finite.</exception>
    public OutputMetric(WeightProblem problem)
    {
        if (
            problem.Weight.Length != (long)problem.K * problem.N
            || (problem.Moment is { } moment && moment.K != problem.K)
            || (problem.ColumnWeights is { } weights && weights.Length != problem.N)
        )
        {
            throw new ArgumentException($"The arrays do not belong to a {problem.K}×{problem.N} matrix.", nameof(problem));
        }
        int bad = Array.FindIndex(problem.Weight, w => !float.IsFinite(w));
        if (bad >= 0)
        {
            throw Catalogue.WeightNotFinite.With(problem.K, problem.N, problem.Weight[bad], bad / problem.N, bad % problem.N);
        }
        this.problem = problem;
        total = new(() => Energy(problem.Weight));
    }

    /// <summary>Relative loss of an error matrix.</summary>
    /// <param name="error">E = W − Ŵ, row-major K×N.</param>
    /// <returns>0 where E gives no output; positive infinity where only W gives none, or E is not finite.</returns>
    public double Loss(float[] error) => Relative(Energy(error));

    /// <summary>Relative loss of the best low-rank correction of an error for every rank from 0 to min(K, N): the whole rank axis of one base.</summary>
    /// <param name="error">E = W − Q, row-major K×N.</param>
    /// <param name="cancellationToken">See <see cref="MetricSvd.Spectrum"/>.</param>
    public double[] LossByRank(float[] error, CancellationToken cancellationToken) =>
        Array.ConvertAll(
            MetricSvd.Spectrum(error, problem.K, problem.N, problem.Moment, problem.ColumnWeights, cancellationToken),
            Relative
        );

    /// <summary>The same for codes.</summary>
    /// <param name="codes">Q.</param>
    /// <param name="cancellationToken">See <see cref="MetricSvd.Spectrum"/>.</param>
    public double[] LossByRank(QuantizedMatrix codes, CancellationToken cancellationToken) => LossByRank(Error(codes), cancellationToken);

    /// <summary>W − Q, row-major K×N; W itself without codes.</summary>
    public float[] Error(QuantizedMatrix? codes)
    {
        if (codes is null)
        {
            return [.. problem.Weight];
        }
        float[] error = codes.Dequantize();
        TensorPrimitives.Subtract(problem.Weight, error, error);
        return error;
    }

    private double Relative(double energy) =>
        energy == 0 ? 0
        : total.Value > 0 && double.IsFinite(energy) ? energy / total.Value
        : double.PositiveInfinity;

    private double Energy(float[] matrix)
    {
        if (problem.Moment is null)
        {
            return WeightedSquares(matrix);
        }
        if (problem.ColumnWeights is null)
        {
            return problem.Moment.Energy(matrix, problem.N);
        }
        float[] roots = Array.ConvertAll(problem.ColumnWeights, MathF.Sqrt);
        var scaled = new float[matrix.Length];
        for (int row = 0; row < problem.K; row++)
        {
            int start = row * problem.N;
            TensorPrimitives.Multiply(matrix.AsSpan(start, problem.N), roots, scaled.AsSpan(start, problem.N));
        }
        return problem.Moment.Energy(scaled, problem.N);
    }

    private double WeightedSquares(float[] matrix)
    {
        var squares = new float[problem.N];
        double sum = 0;
        for (int row = 0; row < problem.K; row++)
        {
            ReadOnlySpan<float> values = matrix.AsSpan(row * problem.N, problem.N);
            if (problem.ColumnWeights is null)
            {
                sum += TensorPrimitives.SumOfSquares(values);
                continue;
            }
            TensorPrimitives.Multiply(values, values, squares);
            sum += TensorPrimitives.Dot<float>(squares, problem.ColumnWeights);
        }
        return sum;
    }
}
