using Lorq.Decomposition;
using Lorq.Quantization;
using static Lorq.Tests.Quantization.Synthetic;

namespace Lorq.Tests.Decomposition;

/// <summary>One left factor for several matrices of one input.</summary>
public sealed class SharedLeftTests
{
    private const int K = 40;
    private const int Rank = 5;
    private static readonly int[] columns = [24, 32, 16];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Without_codes_the_group_loses_what_the_spectrum_of_the_stack_says(bool calibrated)
    {
        (WeightProblem[] problems, MetricSvd stack, SecondMoment? moment) = Group(calibrated);
        var shape = new FactorShape(Rank, FactorType.Float16, "group");
        var shared = new SharedLeft([shape], () => stack);
        Decomposed[] results = [.. problems.Select(p => shared.Decompose(p, Quantizer("rtn"), null, shape, CancellationToken.None))];
        double lost = problems.Select((p, i) => results[i].Loss * Energy(p.Weight, p.N, moment)).Sum();
        double least = stack.PlainLosses()[Rank];
        // fp16 factors, and the difference between the plain and the regularised metric.
        Assert.InRange(lost, 0.999 * least, 1.01 * least);
        Assert.All(results, r => Assert.Equal(results[0].Factors!.Left.Values, r.Factors!.Left.Values));
        Assert.All(results, r => Assert.Equal(shape, r.Factors!.Shape));
    }

    /// <summary>Normal equations, in double precision: at the best C the error has no output in the directions of A.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_right_factor_is_the_best_for_the_left_one(bool calibrated)
    {
        (WeightProblem[] problems, MetricSvd stack, SecondMoment? moment) = Group(calibrated);
        float[] left = stack.Factors(Rank).Left;
        float[] fit = RightFit.Of(left, K, Rank, moment, CancellationToken.None);
        double[] metric = moment?.Regularised() ?? Identity(K).Values;
        foreach (WeightProblem problem in problems)
        {
            var error = new double[K * problem.N];
            for (int n = 0; n < problem.N; n++)
            {
                double[] right = new double[Rank];
                for (int r = 0; r < Rank; r++)
                {
                    right[r] = Enumerable.Range(0, K).Sum(i => (double)fit[r * K + i] * problem.Weight[i * problem.N + n]);
                }
                for (int i = 0; i < K; i++)
                {
                    error[i * problem.N + n] =
                        problem.Weight[i * problem.N + n] - Enumerable.Range(0, Rank).Sum(r => left[i * Rank + r] * right[r]);
                }
            }
            (double largest, double before) = (Gradient(error, problem.N), Gradient([.. problem.Weight.Select(w => (double)w)], problem.N));
            Assert.True(largest <= 1e-4 * before, $"{largest} of {before}");
        }

        // max |AᵀHE|
        double Gradient(double[] error, int n)
        {
            double largest = 0;
            for (int r = 0; r < Rank; r++)
            {
                for (int c = 0; c < n; c++)
                {
                    double sum = 0;
                    for (int i = 0; i < K; i++)
                    {
                        for (int j = 0; j < K; j++)
                        {
                            sum += left[i * Rank + r] * metric[i * K + j] * error[j * n + c];
                        }
                    }
                    largest = Math.Max(largest, Math.Abs(sum));
                }
            }
            return largest;
        }
    }

    [Theory]
    [InlineData(FactorType.Float16)]
    [InlineData(FactorType.Int8)]
    public void Codes_are_made_of_what_the_strong_part_leaves(FactorType type)
    {
        float[] common = Gaussian(K * Rank, 9, 10);
        WeightProblem[] problems =
        [
            .. columns.Select(
                (n, s) =>
                {
                    float[] weight = Gaussian(K * n, s);
                    float[] right = Gaussian(Rank * n, 50 + s);
                    for (int i = 0; i < weight.Length; i++)
                    {
                        weight[i] += Enumerable.Range(0, Rank).Sum(r => common[i / n * Rank + r] * right[r * n + i % n]);
                    }
                    return new WeightProblem(weight, K, n, null, null);
                }
            ),
        ];
        var shape = new FactorShape(Rank, type, "group");
        var shared = new SharedLeft([shape], () => Stack(problems, null));
        QuantizationGrid grid = Grid(4, 8);
        foreach (WeightProblem problem in problems)
        {
            Decomposed result = shared.Decompose(problem, Quantizer("rtn"), grid, shape, CancellationToken.None);
            QuantizedMatrix plain = Quantizer("rtn").Quantize(problem, grid, CancellationToken.None);
            var metric = new OutputMetric(problem);
            Assert.Equal(metric.Loss(StoredPair.Subtract(metric.Error(result.Base), result.Factors!)), result.Loss, 1e-12);
            // The strong part is 500 times the rest in energy; even int8 factors round it finer than the codes would.
            Assert.True(result.Loss < metric.Loss(metric.Error(plain)) / 20, $"{result.Loss} {metric.Loss(metric.Error(plain))}");
        }
    }

    private static (WeightProblem[] Problems, MetricSvd Stack, SecondMoment? Moment) Group(bool calibrated)
    {
        SecondMoment? moment = calibrated ? Moment(K, 3) : null;
        WeightProblem[] problems = [.. columns.Select((n, i) => new WeightProblem(Weights(K, n, i), K, n, moment, null))];
        return (problems, Stack(problems, moment), moment);
    }

    private static MetricSvd Stack(WeightProblem[] problems, SecondMoment? moment)
    {
        int all = problems.Sum(p => p.N);
        float[] values = [.. Enumerable.Range(0, K).SelectMany(row => problems.SelectMany(p => p.Weight.AsSpan(row * p.N, p.N).ToArray()))];
        return new MetricSvd(values, K, all, moment);
    }

    private static double Energy(float[] weight, int n, SecondMoment? moment) =>
        moment?.Energy(weight, n) ?? weight.Sum(w => (double)w * w);
}
