using Lorq.Calibration;
using Lorq.Refinement;

namespace Lorq.Tests.Refinement;

public sealed class InputShiftTests
{
    private const int Rows = 200;
    private const int K = 12;

    // Narrow weights are projected batch by batch, wide ones through the K×K sum: both give the same.
    [Theory]
    [InlineData(3, 4)]
    [InlineData(9, 20)]
    public void The_correction_solves_the_least_squares_problem_of_the_shifted_input(int first, int second)
    {
        var random = new Random(first);
        float[] x = Random(random, Rows * K);
        float[] shifted = [.. x.Select(v => v + 0.2f * (float)(random.NextDouble() - 0.5))];
        float[][] weights = [Random(random, K * first), Random(random, K * second)];
        GroupShift shift = Shift(x, shifted, weights)[0];
        for (int site = 0; site < 2; site++)
        {
            int n = weights[site].Length / K;
            float[] step = shift.Correction(site)!;
            float[] answer = [.. weights[site].Zip(step, (w, s) => w + s)];
            // The residual x̃W* − xW is orthogonal to every column of x̃.
            double[] residual = Residual(x, shifted, weights[site], answer, n);
            for (int k = 0; k < K; k++)
            {
                for (int c = 0; c < n; c++)
                {
                    double dot = Enumerable.Range(0, Rows).Sum(r => shifted[r * K + k] * residual[r * n + c]) / Rows;
                    Assert.InRange(dot, -1e-5, 1e-5);
                }
            }
        }
    }

    [Theory]
    [InlineData(5)]
    [InlineData(30)]
    public void The_excess_is_the_output_error_up_to_a_constant(int n)
    {
        var random = new Random(n);
        float[] x = Random(random, Rows * K);
        float[] shifted = [.. x.Select(v => 0.9f * v)];
        float[] weight = Random(random, K * n);
        GroupShift shift = Shift(x, shifted, [weight])[0];
        double Constant(float[] replacement)
        {
            double error = Residual(x, shifted, weight, replacement, n).Sum(e => e * e) / Rows;
            (double square, double product) = shift.Terms(0, [.. replacement.Zip(weight, (a, b) => a - b)]);
            return error - (square - 2 * product);
        }
        double expected = Constant(weight);
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(expected, Constant([.. weight.Select(w => w + (float)random.NextDouble())]), 1e-4 * Math.Abs(expected) + 1e-4);
        }
    }

    [Fact]
    public void Heavy_damping_moves_nothing_and_an_input_without_signal_cannot_be_solved()
    {
        var random = new Random(7);
        float[] x = Random(random, Rows * K);
        float[] shifted = [.. x.Select(v => 0.5f * v)];
        float[] weight = Random(random, K * 4);
        Assert.All(Shift(x, shifted, [weight], damping: 1e9)[0].Correction(0)!, step => Assert.InRange(step, -1e-6, 1e-6));
        Assert.Null(Shift(x, new float[x.Length], [weight])[0].Correction(0));
        // x̃ = x/2 wants W* = 2W.
        Assert.All(Shift(x, shifted, [weight])[0].Correction(0)!.Zip(weight), p => Assert.Equal(p.Second, p.First, 1e-3f));
    }

    private static IReadOnlyList<GroupShift> Shift(float[] x, float[] shifted, float[][] weights, double damping = 0)
    {
        var key = new MomentKey("x", K, false, 0, null);
        var shift = new InputShift(key, [.. weights.Select(w => (float[][])[w])], damping);
        int half = Rows / 2 * K;
        for (int part = 0; part < 2; part++)
        {
            ReadOnlySpan<float> compressed = shifted.AsSpan(part * half, half);
            shift.AddMoment(compressed, [Rows / 2, K], null, default);
            shift.AddShift(compressed, x.AsSpan(part * half, half), [Rows / 2, K], null, default);
        }
        return shift.Finish();
    }

    /// <summary>x̃·Ŵ − x·W in fp64.</summary>
    private static double[] Residual(float[] x, float[] shifted, float[] weight, float[] replacement, int n)
    {
        var residual = new double[Rows * n];
        for (int r = 0; r < Rows; r++)
        {
            for (int k = 0; k < K; k++)
            {
                for (int c = 0; c < n; c++)
                {
                    residual[r * n + c] += (double)shifted[r * K + k] * replacement[k * n + c] - (double)x[r * K + k] * weight[k * n + c];
                }
            }
        }
        return residual;
    }

    private static float[] Random(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() + random.NextDouble() - 1))];
}
