using Lorq.Quantization;
using static Lorq.Tests.Quantization.Synthetic;

namespace Lorq.Tests.Quantization;

public sealed class CoordinateDescentTests
{
    public static TheoryData<QuantizationGrid> Grids() =>
        [Grid(2, 16, true), Grid(3, 32), Grid(4, 0), Grid(4, 48, true, ScaleType.Float16), Grid(4, 256), NormalFloatGrid(3, 64)];

    [Theory]
    [MemberData(nameof(Grids))]
    public void Every_round_lowers_the_error(QuantizationGrid grid)
    {
        const int K = 200;
        const int N = 37;
        float[] weight = Weights(K, N, 41);
        SecondMoment moment = Moment(K, 42, unevenness: 0.5f);
        // The metric it descends in is the regularised one.
        var metric = new SecondMoment(K, moment.Regularised(), 1);
        var problem = new WeightProblem(weight, K, N, moment, null);
        var gptq = new Gptq(new GptqOptions(ActOrder: false));
        double[] errors =
        [
            metric.RelativeError(weight, gptq.Quantize(problem, grid, default).Dequantize(), N),
            .. new[] { 1, 2, 4, 8 }.Select(rounds =>
                metric.RelativeError(weight, new CoordinateDescent(gptq, rounds, rounds).Quantize(problem, grid, default).Dequantize(), N)
            ),
        ];
        for (int i = 1; i < errors.Length; i++)
        {
            Assert.True(errors[i] <= errors[i - 1] * (1 + 1e-5), string.Join(" ", errors));
        }
        Assert.True(errors[3] < 0.95 * errors[0], string.Join(" ", errors));
    }

    /// <summary>The errors of GPTQ are what its codes lack, seen through the factor: W − Ŵ = Uᵀe. The descent starts from them.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Errors_of_the_start_make_up_the_difference(bool byEnergy)
    {
        const int K = 50;
        const int N = 7;
        float[] weight = Weights(K, N, 61);
        var problem = new WeightProblem(weight, K, N, Moment(K, 62, unevenness: 0.5f), null);
        GptqResult result = new Gptq(new GptqOptions(byEnergy)).QuantizeWithErrors(problem, Grid(3, 16), default);
        float[] values = result.Matrix.Dequantize();
        for (int i = 0; i < K; i++)
        {
            int input = result.Factors.Order?[i] ?? i;
            for (int n = 0; n < N; n++)
            {
                double sum = Enumerable.Range(0, i + 1).Sum(r => (double)result.Factors.Upper[r * K + i] * result.Errors[r * N + n]);
                Assert.Equal(weight[input * N + n] - values[input * N + n], sum, 1e-4);
            }
        }
    }

    /// <summary>At the end no other code in any single place, with the scales as they are, gives less error.</summary>
    [Fact]
    public void No_single_code_can_be_improved_at_the_end()
    {
        const int K = 20;
        const int N = 5;
        float[] weight = Weights(K, N, 51);
        SecondMoment moment = Moment(K, 52);
        QuantizationGrid grid = Grid(3, 16);
        QuantizedMatrix result = new CoordinateDescent(new Gptq(new GptqOptions(false)), 40, 40).Quantize(
            new WeightProblem(weight, K, N, moment, null),
            grid,
            default
        );
        double[] h = moment.Regularised();
        float[] values = result.Dequantize();
        for (int n = 0; n < N; n++)
        {
            double[] error = [.. Enumerable.Range(0, K).Select(k => (double)weight[k * N + n] - values[k * N + n])];
            double least = Energy(h, error);
            for (int k = 0; k < K; k++)
            {
                int cell = k / 16 * N + n;
                double kept = error[k];
                for (int code = 0; code < grid.Levels; code++)
                {
                    error[k] = weight[k * N + n] - (code - result.ZeroPoints![cell]) * (double)result.Scales[cell];
                    Assert.True(Energy(h, error) >= least * (1 - 1e-5), $"row {k}, column {n}, code {code}");
                }
                error[k] = kept;
            }
        }
    }

    [Fact]
    public void Dead_inputs_stay_zero()
    {
        const int K = 12;
        float[] inputs = Inputs(60, K, 5);
        for (int i = 7; i < inputs.Length; i += K)
        {
            inputs[i] = 0;
        }
        float[] weight = Weights(K, 4, 6);
        weight[7 * 4] = 50;
        var problem = new WeightProblem(weight, K, 4, Moment(inputs, 60, K), null);
        float[] values = Quantizer("gptq-cd").Quantize(problem, Grid(4, 0, true), default).Dequantize();
        Assert.All(values.AsSpan(7 * 4, 4).ToArray(), v => Assert.Equal(0, v));
    }

    private static double Energy(double[] h, double[] error)
    {
        double sum = 0;
        for (int i = 0; i < error.Length; i++)
        {
            for (int j = 0; j < error.Length; j++)
            {
                sum += error[i] * h[i * error.Length + j] * error[j];
            }
        }
        return sum;
    }
}
