using Lorq.Decomposition;
using Lorq.Numerics;
using Lorq.Quantization;
using static Lorq.Tests.Quantization.Synthetic;

namespace Lorq.Tests.Decomposition;

public sealed class MetricSvdTests
{
    public static TheoryData<int, int, bool, bool> Shapes =>
        new()
        {
            { 48, 48, true, false },
            { 33, 70, true, false },
            { 70, 33, true, false },
            { 33, 70, true, true },
            { 70, 33, true, true },
            { 40, 60, false, true },
            { 60, 40, false, true },
            { 60, 40, false, false },
            { 300, 20, true, false },
            { 1, 9, true, false },
            { 9, 1, true, true },
        };

    /// <summary>The identity of the method: what is left of the error in the metric is the sum of the squared singular values beyond the rank.</summary>
    [Theory]
    [MemberData(nameof(Shapes))]
    public void Residual_equals_the_tail_of_the_spectrum(int k, int n, bool calibrated, bool weighted)
    {
        (float[] error, SecondMoment? moment, float[]? columns) = Problem(k, n, calibrated, weighted);
        var svd = new MetricSvd(error, k, n, moment, columns);
        double[] metric = moment?.Regularised() ?? Identity(k).Values;
        double total = NaiveEnergy(error, k, n, metric, columns);
        Assert.Equal(Math.Min(k, n), svd.SquaredSingularValues.Count);
        foreach (int rank in new[] { 0, 1, 2, 5, Math.Min(k, n) - 1, Math.Min(k, n), Math.Min(k, n) + 3 })
        {
            double tail = svd.SquaredSingularValues.Skip(rank).Sum();
            double left = NaiveEnergy(rank == 0 ? error : Residual(error, k, n, svd.Factors(rank), rank), k, n, metric, columns);
            Assert.True(Math.Abs(tail - left) <= 1e-6 * total, $"rank {rank}: {tail} against {left} of {total}");
        }
    }

    /// <summary>Any other root of H gives the same product: here the symmetric one of the eigendecomposition (EoRA), in double precision.</summary>
    [Theory]
    [InlineData(30, 50)]
    [InlineData(50, 30)]
    public void Cholesky_and_eigen_versions_agree(int k, int n)
    {
        const int Rank = 4;
        (float[] error, SecondMoment? moment, _) = Problem(k, n, true, false);
        (double[] values, double[] vectors) = Linear.SymmetricEigenvectors(moment!.Regularised(), k);
        // S = QΛ^½ (K×K), SᵀE, and the top eigenvectors V of EᵀSSᵀE; A·C = S⁻ᵀU_rΣ_rV_rᵀ = E·V_rV_rᵀ.
        var projected = new double[k * n];
        for (int i = 0; i < k; i++)
        {
            for (int c = 0; c < n; c++)
            {
                for (int row = 0; row < k; row++)
                {
                    projected[i * n + c] += Math.Sqrt(values[i]) * vectors[row * k + i] * error[row * n + c];
                }
            }
        }
        var gram = new double[k * k];
        var view = new MatrixView<double>(projected, k, n);
        Linear.Multiply(view, view.Transposed, new MatrixView<double>(gram, k, k));
        (_, double[] left) = Linear.SymmetricEigenvectors(gram, k);
        var expected = new double[k * n];
        for (int i = 0; i < Rank; i++)
        {
            int u = k - 1 - i;
            for (int c = 0; c < n; c++)
            {
                double coefficient = 0;
                for (int row = 0; row < k; row++)
                {
                    coefficient += left[row * k + u] * projected[row * n + c];
                }
                for (int row = 0; row < k; row++)
                {
                    double inverse = 0;
                    for (int j = 0; j < k; j++)
                    {
                        inverse += vectors[row * k + j] / Math.Sqrt(values[j]) * left[j * k + u];
                    }
                    expected[row * n + c] += inverse * coefficient;
                }
            }
        }
        float[] rest = Residual(error, k, n, new MetricSvd(error, k, n, moment).Factors(Rank), Rank);
        double difference = 0;
        double size = 0;
        for (int i = 0; i < rest.Length; i++)
        {
            difference += Math.Pow(error[i] - rest[i] - expected[i], 2);
            size += expected[i] * expected[i];
        }
        Assert.True(Math.Sqrt(difference / size) < 1e-5, $"{Math.Sqrt(difference / size)}");
    }

    /// <summary>
    /// The three figures of a rank: the least possible loss in the plain H, that of the regularised solution in the plain H, and the latter's
    /// in the regularised H. The second is what <see cref="SecondMoment.Energy"/> measures.
    /// </summary>
    [Theory]
    [MemberData(nameof(Shapes))]
    public void Plain_losses_lie_between_the_spectra_and_are_what_is_measured(int k, int n, bool calibrated, bool weighted)
    {
        (float[] error, SecondMoment? moment, float[]? columns) = Problem(k, n, calibrated, weighted);
        var svd = new MetricSvd(error, k, n, moment, columns);
        double[] least = MetricSvd.Spectrum(error, k, n, moment, columns);
        double[] plain = svd.PlainLosses();
        double[] metric = moment?.Values ?? Identity(k).Values;
        double total = NaiveEnergy(error, k, n, metric, columns);
        Assert.Equal(Math.Min(k, n) + 1, least.Length);
        Assert.Equal(1, least[0] / total, 1e-5);
        for (int rank = 0; rank <= Math.Min(k, n); rank++)
        {
            Assert.InRange(plain[rank], least[rank] - 1e-6 * total, svd.SquaredSingularValues.Skip(rank).Sum() + 1e-6 * total);
            // λ is 1 %; its effect on the value is of second order, until only the weakest directions are left.
            double allowed = 2 * rank <= Math.Min(k, n) ? 1.002 : 1.05;
            Assert.True(plain[rank] <= allowed * least[rank] + 1e-6 * total, $"rank {rank}: {plain[rank] / least[rank]}");
            Assert.True(rank == 0 || least[rank] <= least[rank - 1], "rank r+1 is worse than r");
            double measured = NaiveEnergy(rank == 0 ? error : Residual(error, k, n, svd.Factors(rank), rank), k, n, metric, columns);
            Assert.True(Math.Abs(measured - plain[rank]) <= 1e-6 * total, $"rank {rank}: {measured} against {plain[rank]} of {total}");
        }
    }

    [Fact]
    public void No_other_pair_of_the_rank_is_better()
    {
        const int K = 30;
        const int N = 40;
        const int Rank = 3;
        (float[] error, SecondMoment? moment, float[]? columns) = Problem(K, N, true, true);
        double[] metric = moment!.Regularised();
        (float[] left, float[] right) = new MetricSvd(error, K, N, moment, columns).Factors(Rank);
        double best = NaiveEnergy(Residual(error, K, N, (left, right), Rank), K, N, metric, columns);
        for (int seed = 0; seed < 20; seed++)
        {
            float size = MathF.Pow(10, -1 - seed % 4);
            float[] otherLeft = [.. left.Zip(Gaussian(left.Length, 100 + seed, size), (a, b) => a + b * MathF.Abs(a))];
            float[] otherRight = [.. right.Zip(Gaussian(right.Length, 200 + seed, size), (a, b) => a + b * MathF.Abs(a))];
            double other = NaiveEnergy(Residual(error, K, N, (otherLeft, otherRight), Rank), K, N, metric, columns);
            Assert.True(other > best * (1 - 1e-9), $"{other} is better than {best}");
        }
    }

    [Fact]
    public void Refitted_right_factor_solves_the_normal_equations()
    {
        foreach ((int k, int n) in new[] { (30, 40), (40, 30) })
        {
            const int Rank = 6;
            (float[] error, SecondMoment? moment, float[]? columns) = Problem(k, n, true, true);
            double[] metric = moment!.Regularised();
            // The last column repeats the first: not of full rank.
            float[] left = Gaussian(k * Rank, 3);
            for (int row = 0; row < k; row++)
            {
                left[row * Rank + Rank - 1] = left[row * Rank];
            }
            float[] right = new MetricSvd(error, k, n, moment, columns).RefitRight(left, Rank);
            float[] rest = Residual(error, k, n, (left, right), Rank);
            // AᵀH(E − AC) = 0.
            for (int i = 0; i < Rank; i++)
            {
                for (int c = 0; c < n; c++)
                {
                    double gradient = 0;
                    double size = 0;
                    for (int row = 0; row < k; row++)
                    {
                        for (int j = 0; j < k; j++)
                        {
                            double term = left[row * Rank + i] * metric[row * k + j];
                            gradient += term * rest[j * n + c];
                            size += Math.Abs(term * error[j * n + c]);
                        }
                    }
                    Assert.True(Math.Abs(gradient) < 1e-5 * size, $"{gradient} of {size}");
                }
            }
        }
    }

    /// <summary>A moment of fewer samples than inputs, an input that is always zero, columns of zeros and of no weight, and an error of low rank.</summary>
    [Theory]
    [InlineData(40, 24)]
    [InlineData(24, 40)]
    public void Singular_problems_give_finite_factors(int k, int n)
    {
        const int Samples = 10;
        float[] inputs = Gaussian(Samples * k, 5);
        for (int row = 0; row < Samples; row++)
        {
            inputs[row * k + 3] = 0;
        }
        SecondMoment moment = Moment(inputs, Samples, k);
        float[] thin = Gaussian(k * 2, 6);
        float[] flat = Gaussian(2 * n, 7);
        var error = new float[k * n];
        Linear.Multiply(new MatrixView<float>(thin, k, 2), new MatrixView<float>(flat, 2, n), new MatrixView<float>(error, k, n));
        for (int row = 0; row < k; row++)
        {
            error[row * n + 1] = 0;
            error[row * n + 2] = 0;
        }
        float[] columns = [.. Enumerable.Range(0, n).Select(c => c == 4 ? 0f : 1 + c)];
        double total = NaiveEnergy(error, k, n, moment.Values, columns);

        var svd = new MetricSvd(error, k, n, moment, columns);
        (float[] left, float[] right) = svd.Factors(5);

        Assert.All(left, x => Assert.True(float.IsFinite(x)));
        Assert.All(right, x => Assert.True(float.IsFinite(x)));
        // A dead input takes no part, a column of zeros stays one.
        Assert.All(Enumerable.Range(0, 5), i => Assert.Equal(0, left[3 * 5 + i]));
        Assert.All(Enumerable.Range(0, 5), i => Assert.Equal(0, right[i * n + 1], 1e-5));
        Assert.True(NaiveEnergy(Residual(error, k, n, (left, right), 5), k, n, moment.Values, columns) < 1e-6 * total);
        Assert.True(MetricSvd.Spectrum(error, k, n, moment, columns)[2] < 1e-6 * total);
    }

    [Fact]
    public void All_zero_errors_and_all_dead_inputs_give_zero_factors()
    {
        const int K = 6;
        const int N = 4;
        var dead = new SecondMoment(K, new double[K * K], 10);
        foreach (
            (float[] error, SecondMoment? moment) in new (float[], SecondMoment?)[]
            {
                (new float[K * N], null),
                (new float[K * N], Moment(K, 1)),
                (Gaussian(K * N, 2), dead),
            }
        )
        {
            (float[] left, float[] right) = new MetricSvd(error, K, N, moment).Factors(2);
            Assert.All(left.Concat(right), x => Assert.Equal(0, x));
            Assert.All(MetricSvd.Spectrum(error, K, N, moment), x => Assert.Equal(0, x));
        }
    }

    /// <summary>A matrix that is no covariance falls back to its diagonal; the spectrum then tells what the diagonal solution reaches in the full metric.</summary>
    [Fact]
    public void Diagonal_fallback_reports_what_its_solution_reaches()
    {
        const int K = 12;
        const int N = 20;
        SecondMoment good = Moment(K, 1, 0.5f);
        double[] values = [.. good.Values];
        for (int i = 0; i < K; i++)
        {
            for (int j = 0; j < K; j++)
            {
                // Correlations beyond 1 that no multiple of the diagonal within the allowed ones repairs.
                values[i * K + j] *= i == j ? 1e-3 : 1e3;
            }
        }
        var moment = new SecondMoment(K, values, 100);
        Assert.True(moment.IsDiagonalFallback);
        float[] error = Gaussian(K * N, 3);
        double[] spectrum = MetricSvd.Spectrum(error, K, N, moment);
        var svd = new MetricSvd(error, K, N, moment);
        foreach (int rank in new[] { 1, 4 })
        {
            float[] rest = Residual(error, K, N, svd.Factors(rank), rank);
            double diagonal = 0;
            for (int i = 0; i < rest.Length; i++)
            {
                diagonal += (values[i / N * K + i / N] + moment.Lambda) * rest[i] * rest[i];
            }
            Assert.Equal(1, svd.SquaredSingularValues.Skip(rank).Sum() / diagonal, 1e-5);
            Assert.Equal(1, svd.PlainLosses()[rank] / spectrum[rank], 1e-9);
        }
    }

    [Theory]
    [InlineData(1e-12f, 1e6f)]
    [InlineData(1e12f, 1e-6f)]
    [InlineData(1e-15f, 1e-8f)]
    [InlineData(1e15f, 1e8f)]
    public void Units_do_not_matter(float weightUnit, float inputUnit)
    {
        const int K = 20;
        const int N = 30;
        float[] inputs = Inputs(80, K, 1);
        float[] error = Gaussian(K * N, 2);
        double[] plain = MetricSvd.Spectrum(error, K, N, Moment(inputs, 80, K));
        double[] scaled = MetricSvd.Spectrum(
            [.. error.Select(x => x * weightUnit)],
            K,
            N,
            Moment([.. inputs.Select(x => x * inputUnit)], 80, K)
        );
        double unit = Math.Pow((double)weightUnit * inputUnit, 2);
        Assert.All(plain.Zip(scaled), p => Assert.True(Math.Abs(p.Second / unit - p.First) <= 1e-5 * plain[0]));
    }

    [Fact]
    public void Factors_are_of_one_size_whatever_the_inputs()
    {
        const int K = 20;
        const int N = 30;
        float[] error = Gaussian(K * N, 2, 0.01f);
        foreach (float unit in new[] { 1e-4f, 1, 1e4f })
        {
            SecondMoment moment = Moment([.. Inputs(80, K, 1).Select(x => x * unit)], 80, K);
            (float[] left, float[] right) = new MetricSvd(error, K, N, moment).Factors(4);
            double ratio = Math.Sqrt(left.Sum(x => (double)x * x) / right.Sum(x => (double)x * x));
            Assert.InRange(ratio, 0.49, 2.01);
        }
    }

    [Fact]
    public void Mismatched_arrays_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new MetricSvd(new float[5], 2, 3));
        Assert.Throws<ArgumentException>(() => new MetricSvd(new float[6], 2, 3, Identity(3)));
        Assert.Throws<ArgumentException>(() => MetricSvd.Spectrum(new float[6], 2, 3, null, new float[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new MetricSvd(new float[6], 2, 3).Factors(0));
    }

    private static (float[] Error, SecondMoment? Moment, float[]? Columns) Problem(int k, int n, bool calibrated, bool weighted) =>
        (
            Gaussian(k * n, 1, 0.1f),
            calibrated ? Moment(k, 2, unevenness: 0.5f) : null,
            weighted ? [.. Gaussian(n, 3).Select(x => MathF.Exp(x))] : null
        );

    private static float[] Residual(float[] error, int k, int n, (float[] Left, float[] Right) factors, int rank)
    {
        float[] rest = [.. error];
        for (int row = 0; row < k; row++)
        {
            for (int c = 0; c < n; c++)
            {
                double sum = 0;
                for (int i = 0; i < rank; i++)
                {
                    sum += (double)factors.Left[row * rank + i] * factors.Right[i * n + c];
                }
                rest[row * n + c] = (float)(rest[row * n + c] - sum);
            }
        }
        return rest;
    }

    /// <summary>tr(D·EᵀHE·D) by its definition, in double precision.</summary>
    private static double NaiveEnergy(float[] error, int k, int n, double[] metric, float[]? columns)
    {
        double energy = 0;
        for (int i = 0; i < k; i++)
        {
            for (int j = 0; j < k; j++)
            {
                double dot = 0;
                for (int c = 0; c < n; c++)
                {
                    dot += (double)error[i * n + c] * error[j * n + c] * (columns is null ? 1 : columns[c]);
                }
                energy += metric[i * k + j] * dot;
            }
        }
        return energy;
    }
}
