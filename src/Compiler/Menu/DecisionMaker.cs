using Lorq.Quantization;
using Lorq.Rewriting;

namespace Lorq.Menu;

/// <summary>
/// Finds the plan: probe every site, solve, measure the whole, and while prediction and measurement disagree probe again around the
/// solution. The best measured plan wins, the best uniform plan of the same bytes included.
/// </summary>
public sealed class DecisionMaker(Planner planner, Materializer materializer, IReadOnlyList<SiteMenu> menus, long budget)
{
    /// <summary>Probing again stops when measured and predicted loss agree within this factor.</summary>
    private const double Agreement = 1.3;

    /// <summary>Rounds of probing at most, the first included.</summary>
    private const int MaximumRounds = 2;

    /// <summary>Decides without data: every site counts by its own relative error, times its share of the weights.</summary>
    public Decision WithoutData(IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        Dictionary<string, double> omega = ByWeights();
        SolvedPlan solved = planner.Solve(omega, budget, cancellationToken);
        return new Decision(solved, materializer.Materialize(solved.Plan, progress, cancellationToken), omega, null, 0, null);
    }

    /// <summary>Decides by measuring on held-out samples.</summary>
    public Decision WithProbes(EndToEnd probe, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        var sensitivity = new Sensitivity(probe, materializer);
        Plan expected = planner.Solve(ByWeights(), budget, cancellationToken).Plan;
        IReadOnlyDictionary<string, double> omega = sensitivity.Probe(menus, expected, progress, cancellationToken);
        Decision? best = null;
        for (int round = 1; ; round++)
        {
            SolvedPlan solved = planner.Solve(omega, budget, cancellationToken);
            IReadOnlyList<CompressedWeight> weights = materializer.Materialize(solved.Plan, progress, cancellationToken);
            double measured = probe.Loss(weights, cancellationToken);
            if (best is null || measured < best.MeasuredLoss)
            {
                best = new Decision(solved, weights, omega, measured, round, null);
            }
            double ratio = solved.PredictedLoss > 0 ? measured / solved.PredictedLoss : 1;
            if (round == MaximumRounds || (ratio < Agreement && ratio > 1 / Agreement))
            {
                break;
            }
            omega = sensitivity.ProbeAround(solved.Plan, weights, measured, omega, progress, cancellationToken);
        }
        return AgainstUniform(best, probe, progress, cancellationToken);
    }

    /// <summary>ω without a measurement: a site counts by its share of the weights.</summary>
    private Dictionary<string, double> ByWeights()
    {
        double all = menus.Sum(m => (double)m.Columns * m.Site.K);
        return menus.GroupBy(m => m.Site).ToDictionary(g => g.Key.Name, g => g.Key.Count / all, StringComparer.Ordinal);
    }

    /// <summary>Measures the best uniform plan that fits, and takes it should it win.</summary>
    private Decision AgainstUniform(Decision best, EndToEnd probe, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        (QuantizationGrid Grid, Plan Plan, long Bytes, double Predicted)? choice = null;
        foreach (QuantizationGrid grid in menus.SelectMany(m => m.Candidates).Select(c => c.Grid).OfType<QuantizationGrid>().Distinct())
        {
            int[] chosen = [.. menus.Select(m => Pick(m, grid))];
            var plan = new Plan(menus, chosen);
            long bytes = planner.TrueBytes(plan);
            double predicted = menus.Select((m, i) => plan[i].Loss * best.Omega[m.Site.Name]).Sum();
            if (bytes <= budget && (choice is null || predicted < choice.Value.Predicted))
            {
                choice = (grid, plan, bytes, predicted);
            }
        }
        if (choice is not { } uniform)
        {
            return best;
        }
        IReadOnlyList<CompressedWeight> weights = materializer.Materialize(uniform.Plan, progress, cancellationToken);
        double loss = probe.Loss(weights, cancellationToken);
        Decision winner = best;
        if (loss < best.MeasuredLoss)
        {
            SolvedPlan solved = best.Solved with { Plan = uniform.Plan, PredictedBytes = uniform.Bytes, PredictedLoss = uniform.Predicted };
            winner = best with { Solved = solved, Weights = weights, MeasuredLoss = loss };
        }
        return winner with { Uniform = new UniformPlan(uniform.Grid.ToString(), uniform.Bytes, loss) };
    }

    /// <summary>The candidate on the grid with the least loss; where the site cannot have the grid, the nearest it has in bits.</summary>
    private static int Pick(SiteMenu menu, QuantizationGrid grid)
    {
        int best = 0;
        (double Distance, double Loss) key = (double.PositiveInfinity, double.PositiveInfinity);
        for (int i = 0; i < menu.Candidates.Count; i++)
        {
            Candidate c = menu.Candidates[i];
            double distance =
                c.Grid == grid ? 0
                : c.Grid is null ? 100
                : 1
                    + Math.Abs(c.Grid.Bits - grid.Bits)
                    + (c.Grid.BlockSize == grid.BlockSize ? 0 : 0.5)
                    + (c.Grid.Symmetric == grid.Symmetric ? 0 : 0.25);
            if (distance < key.Distance || (distance == key.Distance && c.Loss < key.Loss))
            {
                (best, key) = (i, (distance, c.Loss));
            }
        }
        return best;
    }
}
