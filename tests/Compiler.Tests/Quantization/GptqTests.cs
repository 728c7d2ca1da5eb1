using Lorq.Numerics;
using Lorq.Quantization;
using static Lorq.Tests.Quantization.Synthetic;

namespace Lorq.Tests.Quantization;

public sealed class GptqTests
{
    /// <summary>
    /// The method as the optimal-brain-surgeon step it comes from, in double precision: round the next row, spread its error by the inverse of H over the
    /// open rows, then remove the row from the inverse by Gaussian elimination. No Cholesky factor, no blocking.
    /// </summary>
    [Theory]
    [InlineData(4, 16, 60, 33)]
    [InlineData(3, 0, 70, 20)]
    [InlineData(2, 48, 150, 9)]
    [InlineData(4, 256, 300, 5)]
    public void Equals_the_naive_method(int bits, int block, int k, int n)
    {
        QuantizationGrid grid = Grid(bits, block);
        float[] weight = Weights(k, n, 4);
        SecondMoment moment = Moment(k, 3, unevenness: 0.5f);
        var options = new GptqOptions(ActOrder: false, ClipSearch: false);

        QuantizedMatrix fast = new Gptq(options).Quantize(new WeightProblem(weight, k, n, moment, null), grid, default);

        double[] naive = Naive(weight, k, n, moment, grid);
        float[] values = fast.Dequantize();
        int different = values.Zip(naive).Count(p => Math.Abs(p.First - p.Second) > 1e-4);
        // A weight on the boundary between two codes may fall either way, and takes the rest of its column with it.
        Assert.True(different <= 0.02 * values.Length, $"{different} of {values.Length} differ");
        double fastError = moment.Energy(Subtract(weight, values), n);
        double naiveError = moment.Energy(Subtract(weight, [.. naive.Select(x => (float)x)]), n);
        Assert.InRange(fastError / naiveError, 0.99, 1.01);
    }

    [Fact]
    public void With_an_identity_moment_it_is_plain_rounding()
    {
        const int K = 130;
        const int N = 21;
        float[] weight = Weights(K, N, 7);
        foreach (QuantizationGrid grid in new[] { Grid(3, 32), Grid(4, 0, true), NormalFloatGrid(4, 16) })
        {
            QuantizedMatrix plain = Quantizer("rtn").Quantize(new WeightProblem(weight, K, N, null, null), grid, default);
            QuantizedMatrix searched = Quantizer("mse").Quantize(new WeightProblem(weight, K, N, null, null), grid, default);
            foreach (bool actOrder in new[] { false, true })
            {
                var problem = new WeightProblem(weight, K, N, Identity(K), null);
                Assert.Equal(plain.Codes, new Gptq(new GptqOptions(actOrder, ClipSearch: false)).Quantize(problem, grid, default).Codes);
                Assert.Equal(searched.Codes, new Gptq(new GptqOptions(actOrder)).Quantize(problem, grid, default).Codes);
            }
        }
    }

    /// <summary>
    /// After row k is fixed, the open rows hold the weights that minimise tr(EᵀHE) given the fixed ones. Seen from outside: the
    /// values that the next row is rounded from are the solution of a least-squares problem over all open rows.
    /// </summary>
    [Fact]
    public void Every_step_is_optimal_for_the_rows_still_open()
    {
        const int K = 24;
        const int N = 6;
        float[] weight = Weights(K, N, 12);
        SecondMoment moment = Moment(K, 13, unevenness: 0.5f);
        QuantizationGrid grid = Grid(3, 0);
        QuantizedMatrix result = new Gptq(new GptqOptions(false, false)).Quantize(
            new WeightProblem(weight, K, N, moment, null),
            grid,
            default
        );
        float[] values = result.Dequantize();
        double[] h = moment.Regularised();
        for (int k = 1; k < K; k++)
        {
            // Minimise over the open rows E_o: tr of [E_f; E_o]ᵀ H [E_f; E_o]  →  H_oo E_o = −H_of E_f.
            int open = K - k;
            var hOpen = new double[open * open];
            var right = new double[open * N];
            for (int i = 0; i < open; i++)
            {
                for (int j = 0; j < open; j++)
                {
                    hOpen[i * open + j] = h[(k + i) * K + k + j];
                }
                for (int f = 0; f < k; f++)
                {
                    for (int n = 0; n < N; n++)
                    {
                        right[i * N + n] -= h[(k + i) * K + f] * (weight[f * N + n] - values[f * N + n]);
                    }
                }
            }
            double[] lower = Linear.Cholesky(hOpen, open)!;
            double[] half = Linear.SolveTriangular(lower, right, open, N, upper: false);
            double[] errors = Linear.SolveTriangular(lower, half, open, N, upper: false, transposed: true);
            for (int n = 0; n < N; n++)
            {
                double target = weight[k * N + n] - errors[n];
                double scale = result.Scales[n];
                int zero = result.ZeroPoints![n];
                double code = Math.Clamp(Math.Round(target / scale) + zero, 0, grid.Levels - 1);
                double distance = Math.Abs((code - zero) * scale - values[k * N + n]);
                bool onBoundary = Math.Abs(target / scale - Math.Floor(target / scale) - 0.5) < 1e-3;
                Assert.True(distance < 1e-5 || onBoundary, $"row {k}, column {n}: {distance}");
            }
        }
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1f)]
    public void Beats_rounding_on_correlated_inputs_at_every_width(float unevenness)
    {
        const int K = 128;
        const int N = 64;
        float[] weight = Weights(K, N, 21);
        SecondMoment moment = Moment(K, 22, unevenness);
        foreach (int bits in new[] { 2, 3, 4, 5, 6, 8 })
        {
            foreach (
                QuantizationGrid grid in new[]
                {
                    Grid(bits, 32),
                    Grid(bits, 64, true, ScaleType.Float16),
                    NormalFloatGrid(Math.Min(bits, 6), 64),
                }
            )
            {
                double rtn = Error(weight, K, N, moment, "rtn", grid);
                double mse = Error(weight, K, N, moment, "mse", grid);
                foreach (string name in new[] { "gptq", "gptq-act", "gptq-cd" })
                {
                    double gptq = Error(weight, K, N, moment, name, grid);
                    Assert.True(gptq < 0.95 * rtn && gptq < 0.95 * mse, $"{name} {grid}: {gptq} against {rtn}, {mse}");
                }
            }
        }
    }

    [Fact]
    public void Act_order_helps_where_inputs_are_uneven()
    {
        const int K = 128;
        const int N = 64;
        float[] weight = Weights(K, N, 31);
        SecondMoment moment = Moment(K, 32, unevenness: 1);
        Assert.True(Error(weight, K, N, moment, "gptq-act", Grid(3, 64)) < Error(weight, K, N, moment, "gptq", Grid(3, 64)));
    }

    /// <summary>The table of the design, measured with other random numbers by another implementation.</summary>
    [Theory]
    [InlineData(2, 0.489, 0.412)]
    [InlineData(3, 0.248, 0.202)]
    [InlineData(4, 0.119, 0.096)]
    public void Agrees_with_the_published_synthetic_table(int bits, double rtn, double gptq)
    {
        const int K = 512;
        float[] weight = Weights(K, K, 1);
        SecondMoment moment = Reference.Value;
        QuantizationGrid grid = Grid(bits, 64);
        double measuredRtn = Error(weight, K, K, moment, "rtn", grid);
        QuantizedMatrix result = new Gptq(new GptqOptions(false, ClipSearch: false)).Quantize(
            new WeightProblem(weight, K, K, moment, null),
            grid,
            default
        );
        double measuredGptq = Math.Sqrt(moment.RelativeError(weight, result.Dequantize(), K));
        Assert.InRange(measuredRtn / rtn, 0.95, 1.05);
        Assert.InRange(measuredGptq / gptq, 0.95, 1.05);
        Assert.True(Error(weight, K, K, moment, "gptq", grid) < measuredGptq);
    }

    private static readonly Lazy<SecondMoment> Reference = new(() => Moment(Inputs(4096, 512, 2), 4096, 512));

    [Fact]
    public void Dead_inputs_become_zero_and_disturb_nothing()
    {
        const int K = 40;
        const int N = 10;
        float[] inputs = Inputs(400, K, 5);
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] *= i % K is 3 or 17 or 39 ? 0 : 1;
        }
        SecondMoment moment = Moment(inputs, 400, K);
        float[] weight = Weights(K, N, 6);
        weight[3 * N] = 1000;
        foreach (string name in new[] { "gptq", "gptq-act", "gptq-cd" })
        {
            foreach (QuantizationGrid grid in new[] { Grid(4, 16), Grid(4, 16, true), NormalFloatGrid(4, 16) })
            {
                float[] values = Quantizer(name).Quantize(new WeightProblem(weight, K, N, moment, null), grid, default).Dequantize();
                Assert.All(new[] { 3, 17, 39 }, row => Assert.All(values.AsSpan(row * N, N).ToArray(), v => Assert.Equal(0, v)));
                Assert.InRange(moment.RelativeError(weight, values, N), 1e-6, 0.05);
            }
        }
    }

    [Fact]
    public void A_singular_moment_is_regularised()
    {
        // One input vector only: H has rank 1.
        const int K = 32;
        float[] weight = Weights(K, 8, 6);
        SecondMoment moment = Moment(Gaussian(K, 1), 1, K);
        Assert.False(moment.IsDiagonalFallback);
        double gptq = Error(weight, K, 8, moment, "gptq", Grid(3, 0));
        Assert.True(gptq < 0.5 * Error(weight, K, 8, moment, "rtn", Grid(3, 0)), $"{gptq}");
    }

    private static float[] Subtract(float[] a, float[] b) => [.. a.Zip(b, (x, y) => x - y)];

    private static double[] Naive(float[] weight, int k, int n, SecondMoment moment, QuantizationGrid grid)
    {
        double[] w = [.. weight.Select(x => (double)x)];
        double[] inverse = Invert(moment.Regularised(), k);
        var result = new double[k * n];
        var scale = new double[n];
        var zero = new double[n];
        int length = grid.BlockLength(k);
        for (int row = 0; row < k; row++)
        {
            for (int c = 0; c < n; c++)
            {
                if (row % length == 0)
                {
                    double low = 0;
                    double high = 0;
                    for (int r = row; r < Math.Min(row + length, k); r++)
                    {
                        low = Math.Min(low, w[r * n + c]);
                        high = Math.Max(high, w[r * n + c]);
                    }
                    scale[c] = (high - low) / (grid.Levels - 1);
                    zero[c] = Math.Round(-low / scale[c]);
                }
                double code = Math.Clamp(Math.Round(w[row * n + c] / scale[c]) + zero[c], 0, grid.Levels - 1);
                result[row * n + c] = (code - zero[c]) * scale[c];
                double error = (w[row * n + c] - result[row * n + c]) / inverse[row * k + row];
                for (int later = row + 1; later < k; later++)
                {
                    w[later * n + c] -= error * inverse[row * k + later];
                }
            }
            double pivot = inverse[row * k + row];
            for (int i = row + 1; i < k; i++)
            {
                double ratio = inverse[i * k + row] / pivot;
                for (int j = row; j < k; j++)
                {
                    inverse[i * k + j] -= ratio * inverse[row * k + j];
                }
            }
        }
        return result;
    }

    /// <summary>Gauss–Jordan with no pivoting, which a positive definite matrix does not need.</summary>
    private static double[] Invert(double[] a, int k)
    {
        var inverse = new double[k * k];
        for (int i = 0; i < k; i++)
        {
            inverse[i * k + i] = 1;
        }
        for (int p = 0; p < k; p++)
        {
            double pivot = a[p * k + p];
            for (int j = 0; j < k; j++)
            {
                a[p * k + j] /= pivot;
                inverse[p * k + j] /= pivot;
            }
            for (int i = 0; i < k; i++)
            {
                double ratio = a[i * k + p];
                if (i != p && ratio != 0)
                {
                    for (int j = 0; j < k; j++)
                    {
                        a[i * k + j] -= ratio * a[p * k + j];
                        inverse[i * k + j] -= ratio * inverse[p * k + j];
                    }
                }
            }
        }
        return inverse;
    }
}
