using Lorq.Diagnostics;
using Lorq.Menu;
using Lorq.Specs;

namespace Lorq.Tests.Menu;

public sealed class DecisionMakerTests(DecisionMakerTests.Network network) : IClassFixture<DecisionMakerTests.Network>
{
    /// <summary>Three layers with low-rank parts, shared by the tests: its menus are built once.</summary>
    public sealed class Network : IDisposable
    {
        internal MenuTrial Trial { get; } = new(MenuTrial.Chain([96, 128, 96, 64], rank: 4), 96, new CompressionSpec());

        public void Dispose() => Trial.Dispose();
    }

    private MenuTrial Trial => network.Trial;

    [Theory]
    [InlineData(2.5)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6.5)]
    [InlineData(8)]
    public void Rounds_end_with_agreement_or_the_third_and_the_best_measured_plan_wins(double bits)
    {
        long budget = Trial.Planner.BytesAt(bits);
        EndToEnd probe = Trial.Probe;
        Decision decision = Trial.Maker.WithProbes(probe, budget, null, default);
        Assert.InRange(decision.Rounds.Count, 1, 3);
        bool Agrees(DecisionRound r) => r.Measured < 1.3 * r.Predicted && r.Predicted < 1.3 * r.Measured;
        Assert.All(decision.Rounds.SkipLast(1), r => Assert.False(Agrees(r)));
        Assert.True(decision.Rounds.Count == 3 || Agrees(decision.Rounds[^1]));
        Assert.True(decision.MeasuredLoss <= decision.Rounds.Min(r => r.Measured));
        Assert.InRange(decision.Solved.PredictedBytes, 1, budget);
        // What is said to be measured is what these weights lose.
        Assert.Equal(
            decision.MeasuredLoss!.Value,
            probe.Loss(new Lorq.Caching.ContentHash().Add("again").Add((long)(bits * 10)).Finish(), () => decision.Weights, default),
            1e-9
        );
    }

    [Theory]
    [InlineData(2.5)]
    [InlineData(3.5)]
    [InlineData(4.5)]
    [InlineData(6)]
    public void It_is_never_worse_than_any_uniform_plan_that_fits_and_is_predicted_best(double bits)
    {
        long budget = Trial.Planner.BytesAt(bits);
        Decision decision = Trial.Maker.WithProbes(Trial.Probe, budget, null, default);
        var uniform = UniformPlans
            .All(Trial.Planner, Trial.Menus, decision.Omega)
            .Where(u => u.Facts.Bytes <= budget)
            .MinBy(u => u.Facts.Predicted);
        if (uniform.Plan is null)
        {
            Assert.Null(decision.Uniform);
            return;
        }
        double loss = Trial.Probe.Loss(uniform.Plan.Digest, () => Trial.Make(uniform.Plan), default);
        Assert.Equal(uniform.Facts.Name, decision.Uniform!.Name);
        Assert.Equal(loss, decision.Uniform.Loss!.Value, 1e-9);
        Assert.True(decision.MeasuredLoss <= loss);
    }

    /// <summary>A stricter limit is a larger file; each keeps its limit when it is run from the file.</summary>
    [Fact]
    public void Files_shrink_as_the_loss_limit_rises_and_every_one_keeps_its_limit()
    {
        long before = long.MaxValue;
        foreach (double limit in new[] { 0.0003, 0.002, 0.01, 0.05, 0.2 })
        {
            Decision decision = Within(limit);
            Assert.InRange(Trial.Written().Loss(decision.Weights, default), 0, limit);
            Assert.True(decision.Solved.PredictedBytes <= before, $"{limit}: {decision.Solved.PredictedBytes} after {before}");
            before = decision.Solved.PredictedBytes;
            // Nothing smaller that was tried keeps it.
            Assert.All(
                decision.Rounds.Where(r => r.Bytes < decision.Solved.PredictedBytes),
                r => Assert.True(r.Measured > limit, $"{limit}: {r}")
            );
        }
    }

    /// <summary>The answer uses what is allowed: a file a twentieth smaller, made with all the care there is, misses the limit.</summary>
    [Theory]
    [InlineData(0.004)]
    [InlineData(0.03)]
    public void A_clearly_smaller_file_misses_the_limit(double limit)
    {
        Decision decision = Within(limit);
        long smaller = decision.Solved.PredictedBytes * 92 / 100;
        Decision other = Trial.Maker.WithProbes(Trial.Probe, smaller, null, default);
        other = DecisionMaker.Refine(other, Trial.Refiner(), Trial.Probe, null, default);
        Assert.True(other.MeasuredLoss > limit, $"{smaller} bytes: {other.MeasuredLoss}");
    }

    /// <summary>What counts is the loss of the file: here it is larger than that of the weights which were tried before writing.</summary>
    [Theory]
    [InlineData(0.004)]
    [InlineData(0.02)]
    public void A_file_that_loses_more_than_its_weights_is_not_taken_for_good(double limit)
    {
        WrittenTrial written = Trial.Written(new CoarseEmission(Trial.Profile.Emission, 0.04f));
        Decision decision = Within(limit, null, written);
        Assert.InRange(written.Loss(decision.Weights, default), 0, limit);
        Assert.Equal(written.Loss(decision.Weights, default), decision.MeasuredLoss!.Value, 1e-9);
        Assert.True(decision.Solved.PredictedBytes > Within(limit).Solved.PredictedBytes);
    }

    [Fact]
    public void A_limit_of_0_keeps_everything()
    {
        Decision decision = Within(0);
        Assert.Equal(0, decision.MeasuredLoss);
        Assert.Empty(decision.Weights);
    }

    [Fact]
    public void Budget_and_limit_hold_together_and_what_cannot_be_says_so()
    {
        long tight = Trial.Planner.BytesAt(3);
        var e = Assert.Throws<LorqException>(() => Within(1e-7, new ByteBudget("tight", tight)));
        Assert.Equal("LORQ0652", e.Diagnostic.Id);
        Assert.Contains("1E-07", e.Message, StringComparison.Ordinal);
        Assert.Contains($"of at most {tight} bytes", e.Message, StringComparison.Ordinal);
        Assert.Contains("--max-loss", e.ToCanonical(), StringComparison.Ordinal);
        Assert.Contains("--budget", e.ToCanonical(), StringComparison.Ordinal);
        // The loss it names is one that can be had: with it as the limit there is a file.
        double reached = double.Parse((string)e.Arguments[2]!, System.Globalization.CultureInfo.InvariantCulture);
        Decision decision = Within(1.01 * reached, new ByteBudget("tight", tight));
        Assert.InRange(decision.Solved.PredictedBytes, 1, tight);
        Assert.InRange(decision.MeasuredLoss!.Value, 0, 1.01 * reached);
    }

    /// <summary>Where no plan within the budget is predicted to keep the limit, the whole budget is tried before giving up.</summary>
    [Fact]
    public void A_pessimistic_prediction_does_not_end_the_search()
    {
        long tight = Trial.Planner.BytesAt(3);
        Decision best = Trial.Maker.WithProbes(Trial.Probe, tight, null, default);
        best = DecisionMaker.Refine(best, Trial.Refiner(), Trial.Probe, null, default);
        double limit = 1.15 * best.MeasuredLoss!.Value;
        Decision decision = Within(limit, new ByteBudget("tight", tight));
        Assert.InRange(decision.MeasuredLoss!.Value, 0, limit);
    }

    [Theory]
    [InlineData(2.5)]
    [InlineData(4)]
    public void Refinement_is_kept_only_where_it_measures_better(double bits)
    {
        Decision decision = Trial.Maker.WithProbes(Trial.Probe, Trial.Planner.BytesAt(bits), null, default);
        Decision refined = DecisionMaker.Refine(decision, Trial.Refiner(), Trial.Probe, null, default);
        Assert.True(refined.MeasuredLoss <= decision.MeasuredLoss);
        Assert.Equal(refined.MeasuredLoss < decision.MeasuredLoss ? decision.MeasuredLoss : null, refined.LossBeforeRefinement);
        Assert.Equal(decision.Solved, refined.Solved);
    }

    /// <summary>What a budget alone leads to keeps a limit of that loss, within that budget.</summary>
    [Theory]
    [InlineData(2.5)]
    [InlineData(4)]
    public void A_limit_that_a_budget_alone_keeps_is_never_refused(double bits)
    {
        long bytes = Trial.Planner.BytesAt(bits);
        Decision direct = DecisionMaker.Refine(
            Trial.Maker.WithProbes(Trial.Probe, bytes, null, default),
            Trial.Refiner(),
            Trial.Probe,
            null,
            default
        );
        double written = Trial.Written().Loss(direct.Weights, default);
        Decision within = Within(1.0001 * written, new ByteBudget("", bytes));
        Assert.True(within.MeasuredLoss <= 1.0001 * written);
        Assert.True(within.Solved.PredictedBytes <= bytes);
    }

    [Fact]
    public void Cancelling_stops_the_search()
    {
        using var source = new CancellationTokenSource();
        var progress = new Stop(source);
        Assert.ThrowsAny<OperationCanceledException>(() =>
            Trial.Maker.WithinLoss(
                Trial.Probe,
                Trial.Probe,
                Trial.Refiner(),
                Trial.Written(),
                0.0123,
                new ByteBudget("", Trial.Planner.BytesAt(20)),
                progress,
                source.Token
            )
        );
    }

    private Decision Within(double limit, ByteBudget? budget = null, WrittenTrial? written = null) =>
        Trial.Maker.WithinLoss(
            Trial.Probe,
            Trial.Probe,
            Trial.Refiner(),
            written ?? Trial.Written(),
            limit,
            budget ?? ByteBudget.Of(new CompressionSpec { MaxLoss = limit }, Trial.Subject.Model, Trial.Subject.Table),
            null,
            default
        );

    private sealed class Stop(CancellationTokenSource source) : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
            if (value.Stage == "Refinement")
            {
                source.Cancel();
            }
        }
    }
}
