using System.Diagnostics;
using Lorq.Decomposition;
using Lorq.Diagnostics;
using Lorq.Quantization;
using static Lorq.Tests.Quantization.Synthetic;

namespace Lorq.Tests.Decomposition;

public sealed class DecomposerTests
{
    public static TheoryData<string> Names => new(Decomposers.All.Select(d => d.Name));

    [Fact]
    public void Names_are_those_of_the_spec() =>
        Assert.Equal(["svd", "exact", "lq-lora", "alternation"], Decomposers.All.Select(d => d.Name));

    /// <summary>The loss is that of what the file will hold: recomputed here from codes, scales and rounded factors by the definition.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Loss_is_that_of_the_stored_values(string name)
    {
        foreach ((int k, int n) in new[] { (40, 72), (72, 40) })
        {
            foreach (FactorType type in Enum.GetValues<FactorType>())
            {
                foreach (bool calibrated in new[] { true, false })
                {
                    foreach (bool weighted in new[] { true, false })
                    {
                        WeightProblem problem = Problem(k, n, calibrated, weighted);
                        foreach (QuantizationGrid grid in new[] { Grid(3, 16, scale: ScaleType.Float16), NormalFloatGrid(2, 0) })
                        {
                            Decomposed result = Named(name)
                                .Decompose(problem, Quantizer(calibrated ? "gptq" : "rtn"), grid, new FactorShape(6, type), default);
                            double expected = NaiveLoss(problem, result);
                            Assert.True(
                                Math.Abs(result.Loss / expected - 1) < 1e-4,
                                $"{k}×{n} {type} {grid}: {result.Loss}, not {expected}"
                            );
                        }
                    }
                }
            }
        }
    }

    /// <summary>What the menu predicts from one factorization per base is what the exact pair of every rank then measures.</summary>
    [Theory]
    [InlineData(96, 160)]
    [InlineData(160, 96)]
    public void Losses_by_rank_are_those_of_the_exact_decomposer(int k, int n)
    {
        WeightProblem problem = Problem(k, n, true, false);
        var metric = new OutputMetric(problem);
        foreach (int bits in new[] { 2, 3, 4 })
        {
            QuantizedMatrix codes = Quantizer("gptq").Quantize(problem, Grid(bits, 32), default);
            double[] losses = metric.LossByRank(codes, default);
            Assert.Equal(1, losses[0] / metric.Loss(metric.Error(codes)), 1e-5);
            foreach (int rank in new[] { 1, 2, 4, 8, 16, 32, 48 })
            {
                foreach (FactorType type in Enum.GetValues<FactorType>())
                {
                    double loss = Named("exact")
                        .Decompose(problem, Quantizer("gptq"), codes.Grid, new FactorShape(rank, type), default)
                        .Loss;
                    Assert.InRange(loss / losses[rank], 0.9999, type == FactorType.Float16 ? 1.003 : 1.01);
                }
            }
        }
    }

    [Theory]
    [InlineData("svd")]
    [InlineData("exact")]
    public void Without_a_base_the_pair_stands_for_the_weight(string name)
    {
        foreach ((int k, int n) in new[] { (30, 50), (50, 30) })
        {
            WeightProblem problem = Problem(k, n, true, false);
            double before = 1;
            foreach (int rank in new[] { 1, 2, 4, 8, 16, 30, 35 })
            {
                Decomposed result = Named(name)
                    .Decompose(problem, Quantizer("rtn"), null, new FactorShape(rank, FactorType.Float16), default);
                Assert.Null(result.Base);
                Assert.Equal((k, rank), (result.Factors!.Left.Rows, result.Factors.Left.Columns));
                Assert.Equal((rank, n), (result.Factors.Right.Rows, result.Factors.Right.Columns));
                Assert.True(result.Loss < before || rank > 30, $"rank {rank}: {result.Loss} after {before}");
                Assert.Equal(NaiveLoss(problem, result), result.Loss, 1e-6);
                before = result.Loss;
            }
            // Every rank there is: only fp16 rounding is left. int8: two factors of 7 bits.
            Assert.True(before < 1e-6, $"{before}");
            Decomposed small = Named(name).Decompose(problem, Quantizer("rtn"), null, new FactorShape(30, FactorType.Int8), default);
            Assert.True(small.Loss < 1e-3, $"{small.Loss}");
        }
    }

    [Fact]
    public void More_rank_is_never_worse()
    {
        WeightProblem problem = Problem(48, 64, true, true);
        foreach (string name in new[] { "exact", "alternation" })
        {
            double before = double.PositiveInfinity;
            for (int rank = 1; rank <= 48; rank += name == "exact" ? 1 : 15)
            {
                double loss = Named(name)
                    .Decompose(problem, Quantizer("gptq"), Grid(3, 16), new FactorShape(rank, FactorType.Float16), default)
                    .Loss;
                Assert.True(loss <= before * (1 + 1e-6) + 1e-7, $"{name}, rank {rank}: {loss} after {before}");
                before = loss;
            }
        }
    }

    [Theory]
    [InlineData("lq-lora")]
    [InlineData("alternation")]
    public void Best_iterate_is_kept(string name)
    {
        bool rose = false;
        for (int seed = 0; seed < 4; seed++)
        {
            foreach (int bits in new[] { 2, 4 })
            {
                WeightProblem problem = Problem(64, 48, true, false) with { Weight = Weights(64, 48, seed) };
                Decomposed result = Named(name)
                    .Decompose(problem, Quantizer("rtn"), Grid(bits, 32), new FactorShape(4, FactorType.Float16), default);
                Assert.Equal(result.History.Min(), result.Loss);
                Assert.Equal(NaiveLoss(problem, result), result.Loss, 1e-5);
                // Only the last round may be worse than the one before it.
                for (int i = 1; i < result.History.Count - 1; i++)
                {
                    Assert.True(result.History[i] < result.History[i - 1]);
                }
                rose |= result.History.Count > 1 && result.History[^1] >= result.History[^2];
            }
        }
        Assert.True(rose, "No run of this test met a rise.");
    }

    /// <summary>On correlated inputs: data helps, and so does taking out the low-rank part before rounding.</summary>
    [Fact]
    public void Order_of_the_methods()
    {
        const int K = 160;
        const int N = 128;
        WeightProblem problem = Problem(K, N, true, false) with { Moment = Moment(K, 9, 0.5f) };
        var shape = new FactorShape(12, FactorType.Int8);
        double Loss(string name) => Named(name).Decompose(problem, Quantizer("gptq"), Grid(3, 32), shape, default).Loss;
        var metric = new OutputMetric(problem);
        double alone = metric.Loss(metric.Error(Quantizer("gptq").Quantize(problem, Grid(3, 32), default)));
        Assert.True(Loss("svd") < alone);
        Assert.True(Loss("exact") < 0.98 * Loss("svd"));
        Assert.True(Loss("alternation") < 0.98 * Loss("exact"));
        Assert.True(Loss("lq-lora") < Loss("exact"));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Edge_shapes_and_values(string name)
    {
        foreach ((int k, int n, int rank) in new[] { (1, 1, 1), (1, 20, 3), (20, 1, 3), (5, 7, 9), (7, 5, 9), (33, 17, 1) })
        {
            foreach (FactorType type in Enum.GetValues<FactorType>())
            {
                WeightProblem problem = Problem(k, n, true, true);
                Decomposed result = Decompose(problem, new FactorShape(rank, type));
                Assert.Equal(NaiveLoss(problem, result), result.Loss, 1e-5);
                Assert.InRange(result.Loss, 0, 0.5);
                // Zeros are exact with any method.
                Assert.Equal(0, Decompose(problem with { Weight = new float[k * n] }, new FactorShape(rank, type)).Loss);
                // Weights far outside fp16.
                foreach (float unit in new[] { 1e-30f, 1e-12f, 1e10f, 1e30f })
                {
                    float[] weight = [.. problem.Weight.Select(x => x * unit)];
                    Decomposed extreme = Decompose(
                        problem with
                        {
                            Weight = weight,
                            Moment = null,
                            ColumnWeights = null,
                        },
                        new FactorShape(rank, type)
                    );
                    Assert.False(double.IsNaN(extreme.Loss));
                }
            }
        }

        Decomposed Decompose(WeightProblem problem, FactorShape shape) =>
            Named(name).Decompose(problem, Quantizer("gptq"), Grid(4, 8), shape, default);
    }

    [Fact]
    public void A_pair_that_does_not_help_is_left_out()
    {
        WeightProblem problem = Problem(16, 16, true, false);
        // Whole numbers on a whole grid: rounding leaves nothing.
        float[] weight = [.. Enumerable.Range(0, 256).Select(i => (float)(i * 7 % 16 - 8))];
        for (int column = 0; column < 16; column++)
        {
            (weight[column], weight[16 + column]) = (-8, 7);
        }
        foreach (IDecomposer decomposer in Decomposers.All.Where(d => d.Name != "lq-lora"))
        {
            Decomposed result = decomposer.Decompose(
                problem with
                {
                    Weight = weight,
                },
                Quantizer("rtn"),
                Grid(4, 0),
                new FactorShape(2, FactorType.Int8),
                default
            );
            Assert.Null(result.Factors);
            Assert.Equal(0, result.Loss);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Results_do_not_depend_on_threads(string name)
    {
        WeightProblem problem = Problem(96, 130, true, false);
        var shape = new FactorShape(8, FactorType.Int8);
        Decomposed[] results =
        [
            .. Enumerable
                .Range(0, 6)
                .AsParallel()
                .AsOrdered()
                .Select(_ => Named(name).Decompose(Problem(96, 130, true, false), Quantizer("gptq"), Grid(3, 32), shape, default)),
        ];
        Decomposed first = Named(name).Decompose(problem, Quantizer("gptq"), Grid(3, 32), shape, default);
        foreach (Decomposed result in results)
        {
            Assert.Equal(first.Base!.Codes, result.Base!.Codes);
            Assert.Equal(first.Factors!.Left.Codes, result.Factors!.Left.Codes);
            Assert.Equal(first.Factors.Right.Codes, result.Factors.Right.Codes);
            Assert.Equal(first.Factors.Right.Scales, result.Factors.Right.Scales);
            Assert.Equal(first.Loss, result.Loss);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Cancellation_stops_within_a_second(string name)
    {
        WeightProblem problem = Problem(768, 768, false, false) with { Moment = Identity(768) };
        using var source = new CancellationTokenSource();
        var clock = new Stopwatch();
        using CancellationTokenRegistration registration = source.Token.Register(clock.Start);
        source.CancelAfter(100);
        void Repeat()
        {
            while (!source.IsCancellationRequested)
            {
                Named(name).Decompose(problem, Quantizer("gptq"), Grid(3, 32), new FactorShape(16, FactorType.Int8), source.Token);
            }
            source.Token.ThrowIfCancellationRequested();
        }
        Assert.ThrowsAny<OperationCanceledException>(Repeat);
        Assert.True(clock.ElapsedMilliseconds < 1000, $"{clock.ElapsedMilliseconds} ms");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Wrong_arguments_are_refused(string name)
    {
        WeightProblem problem = Problem(8, 8, true, false);
        var shape = new FactorShape(2, FactorType.Float16);
        IDecomposer decomposer = Named(name);
        IQuantizer rtn = Quantizer("rtn");
        if (!decomposer.SupportsNoBase)
        {
            Assert.Throws<ArgumentNullException>(() => decomposer.Decompose(problem, rtn, null, shape, default));
        }
        Assert.Throws<ArgumentException>(() => decomposer.Decompose(problem with { K = 9 }, rtn, Grid(4, 0), shape, default));
        Assert.Throws<ArgumentException>(() => decomposer.Decompose(problem with { ColumnWeights = [1] }, rtn, Grid(4, 0), shape, default));
        float[] broken = [.. problem.Weight];
        broken[11] = float.NaN;
        LorqException error = Assert.Throws<LorqException>(() =>
            decomposer.Decompose(problem with { Weight = broken }, rtn, Grid(4, 0), shape, default)
        );
        Assert.Contains("row 1, column 3", error.Message, StringComparison.Ordinal);
    }

    private static IDecomposer Named(string name) => Decomposers.All.Single(d => d.Name == name);

    private static WeightProblem Problem(int k, int n, bool calibrated, bool weighted) =>
        new(
            Weights(k, n, 31),
            k,
            n,
            calibrated ? Moment(k, 32, unevenness: 0.3f) : null,
            weighted ? [.. Gaussian(n, 33).Select(x => MathF.Exp(x))] : null
        );

    private static double NaiveLoss(WeightProblem problem, Decomposed result)
    {
        (int k, int n) = (problem.K, problem.N);
        double[] error = Array.ConvertAll(problem.Weight, x => (double)x);
        float[]? values = result.Base?.Dequantize();
        for (int i = 0; i < error.Length; i++)
        {
            error[i] -= values?[i] ?? 0;
            for (int j = 0; j < (result.Factors?.Shape.Rank ?? 0); j++)
            {
                error[i] -= Value(result.Factors!.Left, i / n, j, perRow: true) * Value(result.Factors.Right, j, i % n, perRow: false);
            }
        }
        return Energy(error) / Energy(Array.ConvertAll(problem.Weight, x => (double)x));

        static double Value(Factor factor, int row, int column, bool perRow) =>
            factor.Codes is null
                ? (double)(Half)factor.Values[row * factor.Columns + column]
                : factor.Codes[row * factor.Columns + column] * (double)(Half)factor.Scales![perRow ? row : column];

        double Energy(double[] matrix)
        {
            double sum = 0;
            for (int column = 0; column < n; column++)
            {
                double energy = 0;
                for (int i = 0; i < k; i++)
                {
                    if (problem.Moment is null)
                    {
                        energy += matrix[i * n + column] * matrix[i * n + column];
                        continue;
                    }
                    for (int j = 0; j < k; j++)
                    {
                        energy += problem.Moment.Values[i * k + j] * matrix[i * n + column] * matrix[j * n + column];
                    }
                }
                sum += energy * (problem.ColumnWeights?[column] ?? 1);
            }
            return sum;
        }
    }
}
