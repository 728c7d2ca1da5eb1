using Lorq.Menu;
using Lorq.Specs;

namespace Lorq.Tests.Menu;

public sealed class FrontTests : IDisposable
{
    private readonly MenuTrial trial = new(MenuTrial.Chain([96, 128, 96, 64], rank: 4), 96, new CompressionSpec());

    public void Dispose() => trial.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(60)]
    public void It_rises_in_bytes_and_falls_in_loss_and_every_point_is_the_solver_s(int points)
    {
        var omega = trial.Maker.ByWeights();
        var all = new Front(trial.Planner, trial.Menus, omega);
        IReadOnlyList<FrontPlan> front = all.Solve(points, 0, default);
        Assert.InRange(front.Count, 1, points + all.Uniform().Count);
        for (int i = 1; i < front.Count; i++)
        {
            Assert.True(front[i].Solved.PredictedBytes > front[i - 1].Solved.PredictedBytes);
            Assert.True(front[i].Solved.PredictedLoss < front[i - 1].Solved.PredictedLoss);
        }
        foreach (FrontPlan point in front)
        {
            // Asked for this size alone, the solver finds nothing better, up to a step of so small a model: its sum over sites is a few hundred
            // bytes too high, and by how much depends on the plan.
            SolvedPlan alone = trial.Planner.Solve(omega, point.Solved.PredictedBytes, default);
            Assert.True(
                alone.PredictedBytes > point.Solved.PredictedBytes || alone.PredictedLoss >= point.Solved.PredictedLoss * 0.95,
                $"{point.Solved.PredictedBytes}: {point.Solved.PredictedLoss}; alone {alone.PredictedBytes}: {alone.PredictedLoss}"
            );
            Assert.InRange(point.Solved.Solution.Gap, 0, 1e-4);
            Assert.Equal(trial.Planner.TrueBytes(point.Solved.Plan), point.Solved.PredictedBytes);
        }
    }

    [Fact]
    public void It_reaches_from_the_smallest_file_to_no_loss_at_all()
    {
        IReadOnlyList<FrontPlan> front = new Front(trial.Planner, trial.Menus, trial.Maker.ByWeights()).Solve(20, 0, default);
        Assert.Equal(trial.Planner.SmallestBytes, front[0].Solved.PredictedBytes);
        Assert.Equal(0, front[^1].Solved.PredictedLoss);
    }

    [Fact]
    public void No_uniform_plan_lies_below_it()
    {
        var omega = trial.Maker.ByWeights();
        var front = new Front(trial.Planner, trial.Menus, omega);
        IReadOnlyList<UniformPlan> uniform = front.Uniform();
        Assert.Equal(uniform.OrderBy(u => u.Bytes).Select(u => u.Bytes), uniform.Select(u => u.Bytes));
        foreach (UniformPlan plan in uniform)
        {
            // The sum over sites counts decoding constants once per site: a plan that shares them may use those bytes.
            Assert.True(trial.Planner.Solve(omega, plan.Bytes + 3000, default).PredictedLoss <= plan.Predicted * (1 + 1e-6), plan.Name);
        }
    }

    [Theory]
    [InlineData(1e-4)]
    [InlineData(1e-2)]
    [InlineData(0.1)]
    public void The_smallest_file_for_a_predicted_loss_is_on_the_front(double loss)
    {
        var omega = trial.Maker.ByWeights();
        SolvedPlan solved = trial.Planner.SolveForLoss(omega, loss, long.MaxValue / 4, default)!;
        Assert.InRange(solved.PredictedLoss, 0, loss);
        // A few bytes less and the loss is missed.
        long less = solved.PredictedBytes - 600;
        Assert.True(less < trial.Planner.SmallestBytes || trial.Planner.Solve(omega, less, default).PredictedLoss > loss);
    }

    [Fact]
    public void Probed_at_several_sizes_it_still_falls()
    {
        var front = Front.Probe(trial.Planner, trial.Menus, trial.Maker, new Sensitivity(trial.Probe, trial.Materializer), null, default);
        IReadOnlyList<FrontPlan> points = front.Solve(40, 0, default);
        Assert.True(points.Count > 10);
        Assert.Equal(points.OrderBy(p => p.Solved.PredictedBytes), points);
        Assert.Equal(points.OrderByDescending(p => p.Solved.PredictedLoss), points);
    }

    [Fact]
    public void Cancelling_stops_it() =>
        Assert.ThrowsAny<OperationCanceledException>(() =>
            new Front(trial.Planner, trial.Menus, trial.Maker.ByWeights()).Solve(50, 0, new CancellationToken(true))
        );
}
