using Lorq.Menu;
using Lorq.Specs;

namespace Lorq.Tests.Menu;

public sealed class UniformPlanTests
{
    [Fact]
    public void Every_site_is_on_the_plan_s_grid_without_a_pair()
    {
        using var trial = new MenuTrial(MenuTrial.Chain([128, 128, 96], rank: 3), 128, new CompressionSpec());
        var plans = UniformPlans.All(trial.Planner, trial.Menus, trial.Maker.ByWeights()).ToList();
        Assert.Equal(plans.Count, plans.Select(p => p.Facts.Name).Distinct().Count());
        foreach ((UniformPlan facts, Plan plan) in plans)
        {
            for (int i = 0; i < plan.Menus.Count; i++)
            {
                Assert.Equal(facts.Name, plan[i].Grid!.ToString());
                Assert.Null(plan[i].Factors);
                // Of several methods the best.
                Assert.Equal(
                    plan.Menus[i].Candidates.Where(c => c.Grid == plan[i].Grid && c.Factors is null).Min(c => c.Loss),
                    plan[i].Loss
                );
            }
            Assert.Equal(trial.Planner.TrueBytes(plan), facts.Bytes);
        }
    }

    /// <summary>Ranks without 0: uniform means one grid, one rank and one storage, and there are plans of different sizes.</summary>
    [Fact]
    public void Where_every_candidate_has_a_pair_so_have_the_plans()
    {
        using var trial = new MenuTrial(
            MenuTrial.Chain([96, 96, 96], rank: 3),
            96,
            new CompressionSpec
            {
                Menu = new MenuSpec { Ranks = [4, 16], Bits = [2, 4, 8] },
            }
        );
        var plans = UniformPlans.All(trial.Planner, trial.Menus, trial.Maker.ByWeights()).ToList();
        Assert.Equal(plans.Count, plans.Select(p => p.Facts.Name).Distinct().Count());
        Assert.True(plans.Select(p => p.Facts.Bytes).Distinct().Count() > 5, string.Join("\n", plans.Select(p => p.Facts)));
        foreach ((UniformPlan facts, Plan plan) in plans)
        {
            Assert.Contains(" + r", facts.Name, StringComparison.Ordinal);
            Assert.Contains(Enumerable.Range(0, 2), i => $"{plan[i].Grid} + {plan[i].Factors}" == facts.Name);
        }
    }

    /// <summary>One site needs a pair, the others are plain: it gets the grid of the plan with the thinnest pair, not the most accurate candidate.</summary>
    [Fact]
    public void A_site_that_needs_a_pair_gets_a_thin_one_on_the_plan_s_grid()
    {
        using var trial = new MenuTrial(
            MenuTrial.Chain([96, 96, 96], rank: 3),
            96,
            new CompressionSpec
            {
                Menu = new MenuSpec { Bits = [2, 4, 8], Blocks = [32] },
                Overrides = [new SiteOverride { Match = "w1", Ranks = [4, 8, 16] }],
            }
        );
        foreach ((UniformPlan facts, Plan plan) in UniformPlans.All(trial.Planner, trial.Menus, trial.Maker.ByWeights()))
        {
            Assert.Null(plan[0].Factors);
            Assert.Equal(facts.Name, plan[0].Grid!.ToString());
            Candidate[] there = [.. trial.Menus[1].Candidates.Where(c => c.Grid == plan[0].Grid)];
            if (there.Length > 0)
            {
                Assert.Equal(plan[0].Grid, plan[1].Grid);
                Assert.Equal(there.Min(c => c.Factors!.Rank), plan[1].Factors!.Rank);
            }
        }
    }

    [Fact]
    public void A_whole_compression_with_pairs_everywhere_compares_itself_with_a_plan_that_fits()
    {
        using var trial = new MenuTrial(
            MenuTrial.Chain([128, 256, 128], rank: 4),
            128,
            new CompressionSpec
            {
                Menu = new MenuSpec { Ranks = [4, 8], Bits = [2, 3, 4] },
            }
        );
        long budget = trial.Planner.BytesAt(4.5);
        Decision decision = trial.Maker.WithProbes(trial.Probe, budget, null, default);
        Assert.NotNull(decision.Uniform);
        Assert.InRange(decision.Uniform.Bytes, 1, budget);
        Assert.True(decision.MeasuredLoss <= decision.Uniform.Loss);
    }
}
