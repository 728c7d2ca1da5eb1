using Lorq.Diagnostics;
using Lorq.Quantization;
using static Lorq.Tests.Quantization.Synthetic;

namespace Lorq.Tests.Quantization;

public sealed class QuantizerTests
{
    public static TheoryData<string, int, int, bool, bool> Cases()
    {
        var cases = new TheoryData<string, int, int, bool, bool>();
        foreach (IQuantizer quantizer in Quantizers.All)
        {
            foreach (int bits in new[] { 2, 3, 4, 5, 6, 8 })
            {
                foreach ((int block, bool symmetric) in new[] { (16, true), (32, false), (256, true), (0, false) })
                {
                    if (quantizer.Supports(Grid(bits, block, symmetric)))
                    {
                        cases.Add(quantizer.Name, bits, block, symmetric, true);
                    }
                }
                if (quantizer.Supports(NormalFloatGrid(bits, 64)))
                {
                    cases.Add(quantizer.Name, bits, 64, true, false);
                }
            }
        }
        return cases;
    }

    /// <summary>K is no multiple of any block and N none of any vector width.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Result_is_well_formed_on_odd_shapes(string name, int bits, int block, bool symmetric, bool integer)
    {
        const int K = 75;
        const int N = 29;
        QuantizationGrid grid = integer ? Grid(bits, block, symmetric, ScaleType.Float16) : NormalFloatGrid(bits, block, ScaleType.Float16);
        float[] weight = Weights(K, N, bits + block);
        SecondMoment moment = Moment(K, bits);
        var problem = new WeightProblem(weight, K, N, moment, null);

        QuantizedMatrix result = Quantizer(name).Quantize(problem, grid, default);

        Assert.Equal((K, N, grid), (result.K, result.N, result.Grid));
        Assert.Equal(K * N, result.Codes.Length);
        Assert.All(result.Codes, c => Assert.InRange(c, 0, grid.Levels - 1));
        Assert.Equal(grid.BlockCount(K) * N, result.Scales.Length);
        Assert.All(result.Scales, s => Assert.Equal(s, (float)(Half)s));
        Assert.Equal(integer && !symmetric, result.ZeroPoints is not null);
        Assert.All(result.ZeroPoints ?? [], z => Assert.InRange(z, 0, grid.Levels - 1));
        Assert.InRange(moment.RelativeError(weight, result.Dequantize(), N), 0, bits == 2 ? 0.9 : 0.25);

        QuantizedMatrix again = Quantizer(name).Quantize(problem, grid, default);
        Assert.Equal(result.Codes, again.Codes);
        Assert.Equal(result.Scales, again.Scales);
    }

    /// <summary>8-bit scales are multiples of the column's factor, and the codes make up for what that takes of their precision.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Scales_of_8_bits_lose_little(string name, int bits, int block, bool symmetric, bool integer)
    {
        const int K = 75;
        const int N = 29;
        QuantizationGrid grid = integer ? Grid(bits, block, symmetric) : NormalFloatGrid(bits, block);
        float[] weight = Weights(K, N, bits + block);
        // A column of zeros, one of tiny weights, and one whose blocks are of very different size.
        for (int k = 0; k < K; k++)
        {
            weight[k * N] = 0;
            weight[k * N + 1] *= 1e-6f;
            weight[k * N + 2] *= k < 30 ? 0.01f : 1;
        }
        SecondMoment moment = Moment(K, bits);
        var problem = new WeightProblem(weight, K, N, moment, null);

        QuantizedMatrix result = Quantizer(name).Quantize(problem, grid with { Scale = ScaleType.Int8 }, default);

        Assert.Equal(N, result.ScaleFactors!.Length);
        Assert.All(result.ScaleFactors, f => Assert.Equal(f, (float)(Half)f));
        for (int i = 0; i < result.Scales.Length; i++)
        {
            float factor = result.ScaleFactors[i % N];
            double multiple = factor == 0 ? 0 : Math.Round(result.Scales[i] / factor);
            Assert.InRange(multiple, -127, 127);
            Assert.Equal((float)multiple * factor, result.Scales[i]);
        }
        float[] exact = Quantizer(name).Quantize(problem, grid, default).Dequantize();
        double least = moment.RelativeError(weight, exact, N);
        // A scale is off by half a per cent, which is half a step at the ends of 8-bit codes.
        Assert.InRange(moment.RelativeError(weight, result.Dequantize(), N), 0, (bits == 8 ? 1.5 : 1.1) * least);
    }

    [Theory]
    [InlineData("rtn", false)]
    [InlineData("rtn", true)]
    [InlineData("mse", false)]
    [InlineData("mse", true)]
    [InlineData("hqq", false)]
    [InlineData("gptq", false)]
    [InlineData("gptq", true)]
    [InlineData("gptq-act", true)]
    [InlineData("gptq-cd", true)]
    public void Error_falls_with_every_bit(string name, bool symmetric)
    {
        const int K = 96;
        const int N = 40;
        float[] weight = Weights(K, N, 5);
        SecondMoment moment = Moment(K, 6);
        double[] errors = [.. new[] { 2, 3, 4, 5, 6, 8 }.Select(bits => Error(weight, K, N, moment, name, Grid(bits, 32, symmetric)))];
        for (int i = 1; i < errors.Length; i++)
        {
            // One more bit halves the step; clipping and outliers leave some slack.
            Assert.True(errors[i] < 0.75 * errors[i - 1], $"{name}: {string.Join(" ", errors)}");
        }
    }

    /// <summary>Exact where the blocks reach the ends of their range, which is what defines the scale of plain rounding.</summary>
    [Theory]
    [InlineData(2, true)]
    [InlineData(3, false)]
    [InlineData(4, true)]
    [InlineData(4, false)]
    [InlineData(8, true)]
    [InlineData(8, false)]
    public void Representable_matrix_comes_back_exactly(int bits, bool symmetric)
    {
        const int K = 70;
        const int N = 13;
        QuantizationGrid grid = Grid(bits, 16, symmetric, ScaleType.Float16);
        QuantizedMatrix original = RandomCodes(grid, K, N);
        float[] weight = original.Dequantize();
        foreach (IQuantizer quantizer in Quantizers.All.Where(q => q.Supports(grid)))
        {
            QuantizedMatrix result = quantizer.Quantize(new WeightProblem(weight, K, N, Moment(K, 1), null), grid, default);
            Assert.Equal(weight, result.Dequantize());
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(6)]
    public void Representable_normal_float_matrix_comes_back_exactly(int bits)
    {
        QuantizationGrid grid = NormalFloatGrid(bits, 16, ScaleType.Float16);
        QuantizedMatrix original = RandomCodes(grid, 40, 21);
        float[] weight = original.Dequantize();
        foreach (string name in new[] { "rtn", "mse", "gptq" })
        {
            QuantizedMatrix result = Quantizer(name).Quantize(new WeightProblem(weight, 40, 21, null, null), grid, default);
            Assert.Equal(weight, result.Dequantize());
        }
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(3, false)]
    [InlineData(4, true)]
    [InlineData(5, false)]
    public void Plain_rounding_takes_the_nearest_point_of_its_own_scale(int bits, bool symmetric)
    {
        const int K = 50;
        const int N = 17;
        QuantizationGrid grid = Grid(bits, 16, symmetric, ScaleType.Float16);
        float[] weight = Weights(K, N, 3);
        QuantizedMatrix result = Quantizer("rtn").Quantize(new WeightProblem(weight, K, N, null, null), grid, default);
        float[] values = result.Dequantize();
        for (int i = 0; i < weight.Length; i++)
        {
            int cell = i / N / 16 * N + i % N;
            int zero = result.ZeroPoints?[cell] ?? grid.Levels / 2;
            double nearest = Enumerable.Range(0, grid.Levels).Min(c => Math.Abs(weight[i] - (c - zero) * (double)result.Scales[cell]));
            Assert.True(Math.Abs(weight[i] - (double)values[i]) <= nearest * (1 + 1e-5) + 1e-9);
        }
    }

    [Fact]
    public void Plain_rounding_follows_the_documented_rules()
    {
        float[] column = [-0.7f, 0.2f, 0.35f, 0.1f];
        var problem = new WeightProblem(column, 4, 1, null, null);

        // Symmetric: the largest magnitude, −0.7, gets code 0; scale = −0.7 / −8.
        QuantizedMatrix symmetric = Quantizer("rtn").Quantize(problem, Grid(4, 0, symmetric: true), default);
        Assert.Equal(0.7f / 8, symmetric.Scales[0], 1e-7f);
        Assert.Equal([0, 10, 12, 9], symmetric.Codes);

        // Asymmetric: (0.35 + 0.7) / 15 = 0.07, zero point 0.7 / 0.07 = 10.
        QuantizedMatrix asymmetric = Quantizer("rtn").Quantize(problem, Grid(4, 0), default);
        Assert.Equal(0.07f, asymmetric.Scales[0], 1e-7f);
        Assert.Equal([10], asymmetric.ZeroPoints!);
        Assert.Equal([0, 13, 15, 11], asymmetric.Codes);

        // A positive largest magnitude turns the scale negative; an all-positive block still has an exact zero.
        QuantizedMatrix negative = Quantizer("rtn").Quantize(problem with { Weight = [0.8f, 0, 0.1f, -0.4f] }, Grid(4, 0, true), default);
        Assert.Equal(-0.1f, negative.Scales[0], 1e-7f);
        Assert.Equal([0, 8, 7, 12], negative.Codes);
        QuantizedMatrix positive = Quantizer("rtn").Quantize(problem with { Weight = [0.5f, 0.6f, 0.7f, 1.5f] }, Grid(4, 0), default);
        Assert.Equal(0.1f, positive.Scales[0], 1e-7f);
        Assert.Equal([5, 6, 7, 15], positive.Codes);
    }

    /// <summary>The best scale found by trying ten thousand is at most a little better than the search's.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Clip_search_is_near_the_brute_force_optimum(int bits)
    {
        const int K = 32;
        const int N = 24;
        float[] weight = Weights(K, N, 8);
        SecondMoment moment = Moment(K, 9, unevenness: 1);
        QuantizationGrid grid = Grid(bits, 0, symmetric: true);
        float[] values = Quantizer("mse").Quantize(new WeightProblem(weight, K, N, moment, null), grid, default).Dequantize();
        double found = 0;
        double best = 0;
        for (int n = 0; n < N; n++)
        {
            double[] column = [.. Enumerable.Range(0, K).Select(k => (double)weight[k * N + n])];
            double largest = column.Max(Math.Abs);
            double least = double.PositiveInfinity;
            for (int step = -5000; step <= 5000; step++)
            {
                double scale = 2 * largest / grid.Levels * 2 * step / 5000;
                double error = 0;
                for (int k = 0; k < K && scale != 0; k++)
                {
                    double code = Math.Clamp(Math.Round(column[k] / scale), -grid.Levels / 2, grid.Levels / 2 - 1);
                    error += moment.Diagonal[k] * Math.Pow(column[k] - code * scale, 2);
                }
                least = scale == 0 ? least : Math.Min(least, error);
            }
            best += least;
            found += Enumerable.Range(0, K).Sum(k => moment.Diagonal[k] * Math.Pow(column[k] - values[k * N + n], 2));
        }
        Assert.InRange(found, best * 0.999, best * 1.03);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    public void Searches_without_data_are_never_worse_than_plain_rounding(int bits)
    {
        const int K = 100;
        const int N = 30;
        float[] weight = Weights(K, N, 2);
        foreach (QuantizationGrid grid in new[] { Grid(bits, 32), Grid(bits, 32, true), Grid(bits, 0), NormalFloatGrid(bits, 32) })
        {
            double plain = Loss("rtn", grid);
            Assert.True(Loss("mse", grid) <= plain * (1 + 1e-6));
            if (grid.HasZeroPoint)
            {
                Assert.True(Loss("hqq", grid) <= plain * (1 + 1e-6));
                Assert.True(bits > 2 || Loss("hqq", grid) < 0.9 * plain);
            }
        }

        double Loss(string name, QuantizationGrid grid)
        {
            float[] values = Quantizer(name).Quantize(new WeightProblem(weight, K, N, null, null), grid, default).Dequantize();
            return SecondMoment.RelativeErrorWithoutMoment(weight, values, K, N, null);
        }
    }

    [Fact]
    public void Zero_blocks_and_tiny_weights_survive_fp16_scales()
    {
        float[] weight = [0, 1e-7f, 3e-5f, 0, -2e-7f, 1e-5f, 0, 1.5e-7f, -2e-5f];
        foreach (IQuantizer quantizer in Quantizers.All)
        {
            foreach (QuantizationGrid grid in new[] { Grid(4, 0, true, ScaleType.Float16), Grid(4, 0, false, ScaleType.Float16) })
            {
                if (quantizer.Supports(grid))
                {
                    float[] values = quantizer.Quantize(new WeightProblem(weight, 3, 3, null, null), grid, default).Dequantize();
                    Assert.Equal(0, values[0]);
                    Assert.Equal(0, values[3]);
                    Assert.Equal(0, values[6]);
                    Assert.All(values, v => Assert.True(float.IsFinite(v)));
                    Assert.InRange(Math.Abs(values[1] - weight[1]), 0, 6e-8f);
                    Assert.InRange(values[2], 2.5e-5f, 3.5e-5f);
                }
            }
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Weights_that_are_not_finite_are_refused(float bad)
    {
        float[] weight = [1, 2, bad, 4, 5, 6];
        foreach (IQuantizer quantizer in Quantizers.All)
        {
            LorqException e = Assert.Throws<LorqException>(() =>
                quantizer.Quantize(new WeightProblem(weight, 3, 2, null, null), Grid(4, 0), default)
            );
            Assert.Equal("LORQ0502", e.Diagnostic.Id);
            Assert.Contains("row 1, column 0", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Cancellation_stops_every_quantizer()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        float[] weight = Weights(64, 8, 1);
        foreach (IQuantizer quantizer in Quantizers.All)
        {
            Assert.ThrowsAny<OperationCanceledException>(() =>
                quantizer.Quantize(new WeightProblem(weight, 64, 8, null, null), Grid(4, 32), source.Token)
            );
        }
    }

    [Fact]
    public void Matrices_can_be_cut_and_joined()
    {
        foreach (QuantizationGrid grid in new[] { Grid(4, 16), Grid(3, 16, true), NormalFloatGrid(4, 32) })
        {
            QuantizedMatrix whole = RandomCodes(grid, 40, 11);
            QuantizedMatrix joined = QuantizedMatrix.Concatenate([whole.Columns(0, 4), whole.Columns(4, 0), whole.Columns(4, 7)]);
            Assert.Equal(whole.Codes, joined.Codes);
            Assert.Equal(whole.Scales, joined.Scales);
            Assert.Equal(whole.ZeroPoints, joined.ZeroPoints);
            Assert.Equal(whole.Dequantize(), joined.Dequantize());
        }
        Assert.Throws<ArgumentException>(() =>
            QuantizedMatrix.Concatenate([RandomCodes(Grid(4, 16), 8, 2), RandomCodes(Grid(4, 32), 8, 2)])
        );
        Assert.Throws<ArgumentOutOfRangeException>(() => RandomCodes(Grid(4, 16), 8, 2).Columns(1, 2));
    }

    /// <summary>Random codes; every block holds the outermost ones, so that its range determines its scale.</summary>
    private static QuantizedMatrix RandomCodes(QuantizationGrid grid, int k, int n)
    {
        var random = new Random(grid.Bits);
        var codes = new byte[k * n];
        random.NextBytes(codes);
        for (int i = 0; i < codes.Length; i++)
        {
            int inBlock = i / n % grid.BlockLength(k);
            codes[i] = (byte)(
                inBlock == 0 ? 0
                : inBlock == 1 ? grid.Levels - 1
                : codes[i] % grid.Levels
            );
        }
        int cells = grid.BlockCount(k) * n;
        float[] scales = [.. Enumerable.Range(0, cells).Select(i => (float)(Half)(0.01f * (1 + i % 7)))];
        byte[]? zeros = grid.HasZeroPoint ? [.. Enumerable.Range(0, cells).Select(i => (byte)(1 + i % (grid.Levels - 1)))] : null;
        return new QuantizedMatrix(grid, k, n, codes, scales, zeros);
    }
}
