using Lorq.Quantization;
using static Lorq.Tests.Quantization.Synthetic;

namespace Lorq.Tests.Quantization;

public sealed class SecondMomentTests
{
    [Theory]
    [InlineData(20, 7, 50)]
    [InlineData(33, 70, 20)]
    [InlineData(64, 5, 3)]
    public void Relative_error_is_that_of_the_outputs(int k, int n, int rows)
    {
        float[] inputs = Inputs(rows, k, 1, unevenness: 1);
        SecondMoment moment = Moment(inputs, rows, k);
        float[] weight = Gaussian(k * n, 2);
        float[] replacement = [.. weight.Zip(Gaussian(k * n, 3), (w, e) => w + 0.01f * e)];
        double error = 0;
        double total = 0;
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < n; c++)
            {
                double y = 0;
                double e = 0;
                for (int i = 0; i < k; i++)
                {
                    y += (double)inputs[r * k + i] * weight[i * n + c];
                    e += (double)inputs[r * k + i] * (weight[i * n + c] - replacement[i * n + c]);
                }
                total += y * y;
                error += e * e;
            }
        }
        Assert.Equal(1, moment.RelativeError(weight, replacement, n) / (error / total), 1e-4);
        Assert.Equal(1, moment.Energy(weight, n) / (total / rows), 1e-4);
    }

    /// <summary>Where E avoids the strong directions of H, tr(EᵀHE) is many orders below ‖H‖·‖E‖² and must not drown in rounding.</summary>
    [Fact]
    public void Relative_error_is_accurate_in_weak_directions()
    {
        const int K = 64;
        var values = new double[K * K];
        for (int i = 0; i < K; i++)
        {
            for (int j = 0; j < K; j++)
            {
                values[i * K + j] = 1e4 + (i == j ? 1 : 0);
            }
        }
        var moment = new SecondMoment(K, values, 1);
        float[] weight = Gaussian(K, 4);
        // E is orthogonal to the constant vector, the strong direction: tr(EᵀHE) = ‖E‖² = 2·(1/128)².
        float[] replacement = [.. weight];
        replacement[0] = weight[0] = 0.5f;
        replacement[1] = weight[1] = 0.25f;
        replacement[0] += 1 / 128f;
        replacement[1] -= 1 / 128f;
        double total = 1e4 * Math.Pow(weight.Sum(x => (double)x), 2) + weight.Sum(x => (double)x * x);
        Assert.Equal(1, moment.RelativeError(weight, replacement, 1) / (2.0 / (128 * 128) / total), 1e-3);
    }

    [Fact]
    public void Wide_matrices_are_measured_in_pieces()
    {
        const int K = 6;
        const int N = 10_000;
        SecondMoment moment = Moment(K, 3);
        float[] weight = Gaussian(K * N, 2);
        double sum = 0;
        for (int n = 0; n < N; n++)
        {
            for (int i = 0; i < K; i++)
            {
                for (int j = 0; j < K; j++)
                {
                    sum += moment.Values[i * K + j] * weight[i * N + n] * weight[j * N + n];
                }
            }
        }
        Assert.Equal(1, moment.Energy(weight, N) / sum, 1e-5);
    }

    [Fact]
    public void Column_weights_count_columns()
    {
        float[] weight = [1, 2, 3, 4];
        float[] replacement = [1, 2.5f, 3, 3];
        Assert.Equal((0.25 + 1) / 30, SecondMoment.RelativeErrorWithoutMoment(weight, replacement, 2, 2, null), 1e-6);
        Assert.Equal(3 * 1.25 / (10 + 3 * 20), SecondMoment.RelativeErrorWithoutMoment(weight, replacement, 2, 2, [1, 3]), 1e-6);
        Assert.Equal(0, SecondMoment.RelativeErrorWithoutMoment([0, 0], [0, 0], 1, 2, null));
        Assert.Equal(double.PositiveInfinity, SecondMoment.RelativeErrorWithoutMoment([0, 0], [0, 1], 1, 2, null));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Inverse_factor_is_the_upper_factor_of_the_inverse(bool ordered)
    {
        const int K = 37;
        SecondMoment moment = Moment(K, 5, unevenness: 1);
        InverseFactors factors = moment.InverseFactors(ordered);
        int[] order = factors.Order ?? [.. Enumerable.Range(0, K)];
        float[] u = factors.Upper;
        Assert.Equal(ordered, factors.Order is not null);
        if (ordered)
        {
            Assert.Equal(Enumerable.Range(0, K), order.Order());
            Assert.True(order.Zip(order.Skip(1)).All(p => moment.Diagonal[p.First] >= moment.Diagonal[p.Second]));
        }
        double[] h = moment.Regularised();
        // H·(UᵀU) = I.
        for (int i = 0; i < K; i++)
        {
            for (int j = 0; j < K; j++)
            {
                double sum = 0;
                for (int l = 0; l < K; l++)
                {
                    double inverse = Enumerable.Range(0, K).Sum(r => (double)u[r * K + l] * u[r * K + j]);
                    sum += h[order[i] * K + order[l]] * inverse;
                }
                Assert.Equal(i == j ? 1 : 0, sum, 1e-3);
                Assert.True(i <= j || u[i * K + j] == 0);
                // U·U⁻¹ = I.
                double identity = Enumerable.Range(0, K).Sum(l => (double)u[i * K + l] * factors.Inverse[l * K + j]);
                Assert.Equal(i == j ? 1 : 0, identity, 1e-4);
                Assert.True(i <= j || factors.Inverse[i * K + j] == 0);
            }
        }
    }

    [Fact]
    public void Lambda_is_one_percent_of_the_mean_diagonal()
    {
        SecondMoment moment = Moment(16, 5);
        double mean = Enumerable.Range(0, 16).Average(i => moment.Values[i * 16 + i]);
        Assert.Equal(0.01 * mean, moment.Lambda, 1e-12);
        Assert.Equal(moment.Values[17] + moment.Lambda, moment.Regularised()[17], 1e-15);
        Assert.False(moment.IsDiagonalFallback);
    }

    [Fact]
    public void A_matrix_that_stays_indefinite_falls_back_to_its_diagonal()
    {
        // Eigenvalues 1 ± 1e6: no λ that is tried makes it definite.
        var moment = new SecondMoment(2, [1, 1e6, 1e6, 1], 1);
        Assert.True(moment.IsDiagonalFallback);
        Assert.Equal(0, moment.Regularised()[1]);
        (_, float[] u, float[] inverse) = moment.InverseFactors(byEnergy: false);
        Assert.Equal(0, u[1]);
        Assert.Equal(Math.Sqrt(1.01), inverse[0], 1e-6);
        Assert.Equal(1 / Math.Sqrt(1.01), u[0], 1e-6);
        Assert.Equal(moment.Regularised()[0], Math.Pow(moment.LowerFactor()[0], 2), 1e-12);
    }

    [Fact]
    public void Larger_lambda_is_tried_before_the_fallback()
    {
        // Smallest eigenvalue 1 − 1.5: λ = 0.01 and 0.1 fail, 1 works.
        var moment = new SecondMoment(2, [1, 1.5, 1.5, 1], 1);
        Assert.False(moment.IsDiagonalFallback);
        Assert.Equal(1, moment.Lambda, 1e-12);
    }

    [Fact]
    public void An_input_that_is_always_zero_is_survived()
    {
        var moment = new SecondMoment(3, new double[9], 5);
        float[] weight = [1, 2, 3];
        Assert.True(moment.IsDiagonalFallback);
        Assert.Equal(0, moment.RelativeError(weight, [0, 0, 0], 1));
        QuantizedMatrix result = Quantizer("gptq").Quantize(new WeightProblem(weight, 3, 1, moment, null), Grid(4, 0), default);
        Assert.All(result.Dequantize(), v => Assert.Equal(0, v));
    }

    [Fact]
    public void Moments_merge_by_rows()
    {
        var merged = SecondMoment.Merge([new SecondMoment(1, [2], 10), new SecondMoment(1, [5], 30)]);
        Assert.Equal(4.25, merged.Values[0]);
        Assert.Equal(40, merged.Rows);
        Assert.Throws<ArgumentException>(() => SecondMoment.Merge([new SecondMoment(1, [2], 10), Identity(2)]));
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(-1)]
    public void Impossible_diagonals_are_refused(double value) => Assert.Throws<ArgumentException>(() => new SecondMoment(1, [value], 1));

    [Fact]
    public void Factors_are_the_same_from_every_thread()
    {
        SecondMoment moment = Moment(48, 5);
        float[] alone = Moment(48, 5).InverseFactors(false).Upper;
        var all = new float[16][];
        Parallel.For(0, all.Length, i => all[i] = moment.InverseFactors(false).Upper);
        Assert.All(all, u => Assert.Same(all[0], u));
        Assert.Equal(alone, all[0]);
    }
}
