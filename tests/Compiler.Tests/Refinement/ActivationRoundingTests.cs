using Lorq.Models;
using Lorq.Quantization;
using Lorq.Refinement;
using Lorq.Reports;
using Lorq.Specs;
using Lorq.Tests.Compilations;

namespace Lorq.Tests.Refinement;

public sealed class ActivationRoundingTests : IDisposable
{
    private readonly Trial trial = new();

    public void Dispose() => trial.Dispose();

    [Fact]
    public void Predicted_errors_are_those_of_rounded_rows_up_to_a_factor_that_is_the_same_for_all()
    {
        var factors = new List<double>();
        foreach (double outlier in new[] { 1.0, 5, 40 })
        {
            foreach (int k in new[] { 32, 72, 256 })
            {
                var random = new Random(k);
                const int Rows = 400;
                const int N = 24;
                double[] scales = [.. Enumerable.Range(0, k).Select(i => i % 50 == 3 ? outlier : 0.2 + random.NextDouble())];
                float[] weight = [.. Enumerable.Range(0, k * N).Select(_ => (float)Normal(random))];
                double error = 0;
                double energy = 0;
                var moment = new double[k * k];
                for (int r = 0; r < Rows; r++)
                {
                    double[] x = [.. scales.Select(s => s * Normal(random))];
                    double[] rounded = Rounded(x);
                    error += Enumerable.Range(0, N).Sum(n => Math.Pow(Product(weight, rounded, n) - Product(weight, x, n), 2));
                    energy += Enumerable.Range(0, N).Sum(n => Math.Pow(Product(weight, x, n), 2));
                    for (int i = 0; i < k * k; i++)
                    {
                        moment[i] += x[i / k] * x[i % k] / Rows;
                    }
                }
                double predicted = ActivationRounding.RelativeError(new SecondMoment(k, moment, Rows), weight, N);
                factors.Add(error / energy / predicted);
            }
        }
        Assert.True(factors.Max() < 2.5 * factors.Min(), string.Join(", ", factors.Select(f => f.ToString("F2"))));
    }

    [Fact]
    public void Rounding_adds_at_most_two_per_cent_to_the_loss_and_what_is_exact_is_written_and_reported()
    {
        CompressionSpec spec = trial.Spec(30) with { Target = "fused" };
        CompressionReport auto = Run(spec, "auto", out long[] written);
        RoundingFacts facts = auto.Rounding!;
        Assert.Equal(2, facts.Products);
        Assert.True(facts.LossOfRounded > 1.02 * facts.LossOfExact, "this model was to need exact products");
        Assert.True(facts.Loss <= 1.02 * facts.LossOfExact);
        Assert.InRange(facts.Exact, 1, 2);
        Assert.Equal(facts.Exact, written.Count(bits => bits == 32));
        Assert.Equal(facts.Exact, auto.Sites.Count(s => s.Notes.Contains("Its products take activations exactly.")));

        CompressionReport int8 = Run(spec with { Activations = ActivationChoice.Int8 }, "int8", out written);
        Assert.Equal([0L, 0], written);
        CompressionReport exact = Run(spec with { Activations = ActivationChoice.Exact }, "exact", out written);
        Assert.Equal([32L, 32], written);
        Assert.Equal(new RoundingFacts(2, 2, null, null, null), exact.Rounding);
        // The choice takes no bytes.
        Assert.Equal(auto.Model.WrittenBytes, int8.Model.WrittenBytes);
        Assert.Equal(auto.Model.WrittenBytes, exact.Model.WrittenBytes);
    }

    [Fact]
    public void A_loss_limit_holds_with_rounded_activations()
    {
        CompressionReport report = Run(trial.Spec(30) with { Target = "fused", Budget = null, MaxLoss = 0.002 }, "limit", out _);
        Assert.True(report.Rounding!.Loss <= 0.002 * 1.0001, $"{report.Rounding.Loss}");
    }

    [Fact]
    public void Targets_whose_products_say_nothing_of_activations_have_nothing_to_choose()
    {
        Assert.Null(trial.Run(trial.Spec(30)).Report.Rounding);
    }

    private CompressionReport Run(CompressionSpec spec, string folder, out long[] activationBits)
    {
        Lorq.CompilationResult result = trial.Run(spec, trial.Folder.File(folder));
        using var model = OnnxModel.Load(result.ModelPath);
        activationBits =
        [
            .. model
                .Proto.Graph.Node.Where(n => n.OpType == "LowRankQMatMul")
                .Select(n => n.Attribute.Single(a => a.Name == "activation_bits").I),
        ];
        return result.Report;
    }

    /// <summary>As docs/operators/low-rank-q-matmul.md says: per run of 32, s = max|x|/127.</summary>
    private static double[] Rounded(double[] x) =>
        [
            .. x.Chunk(32)
                .SelectMany(run =>
                {
                    double s = run.Max(Math.Abs) / 127;
                    return run.Select(v => s * Math.Round(v / s));
                }),
        ];

    private static double Product(float[] weight, double[] x, int n) =>
        x.Select((v, k) => v * weight[k * (weight.Length / x.Length) + n]).Sum();

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
