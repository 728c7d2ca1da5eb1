using Lorq.Caching;
using Lorq.Diagnostics;
using Lorq.Refinement;
using Lorq.Rewriting;

namespace Lorq.Menu;

/// <summary>
/// Finds the plan: probe every site, solve, measure the whole, and while prediction and measurement disagree probe again around the
/// solution. The best measured plan wins, the best uniform plan of the same bytes included.
/// </summary>
public sealed class DecisionMaker(Planner planner, Materializer materializer, IReadOnlyList<SiteMenu> menus)
{
    /// <summary>Probing again stops when measured and predicted loss agree within this factor.</summary>
    private const double Agreement = 1.3;

    /// <summary>Rounds of probing at most, the first included.</summary>
    private const int MaximumRounds = 3;

    /// <summary>Plans measured at most in search of the smallest that keeps a loss limit.</summary>
    private const int MaximumLossRounds = 6;

    /// <summary>A plan whose loss is above this share of the limit is taken for the smallest.</summary>
    private const double NearLimit = 0.93;

    /// <summary>Bits per weight of the plan that sites are first probed around when only a loss is wanted.</summary>
    private const double FirstBits = 4;

    /// <summary>Decides without data: every site counts by its own relative error, times its share of the weights.</summary>
    public Decision WithoutData(long budget, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, double> omega = ByWeights();
        SolvedPlan solved = planner.Solve(omega, budget, cancellationToken);
        return new Decision(solved, materializer.Materialize(solved.Plan, progress, cancellationToken), omega, null, [], null);
    }

    /// <summary>Decides by measuring on held-out samples.</summary>
    public Decision WithProbes(EndToEnd probe, long budget, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        var sensitivity = new Sensitivity(probe, materializer);
        IReadOnlyDictionary<string, double> omega = Probe(sensitivity, budget, progress, cancellationToken);
        Decision? best = null;
        var rounds = new List<DecisionRound>();
        for (int round = 1; ; round++)
        {
            SolvedPlan solved = planner.Solve(omega, budget, cancellationToken);
            IReadOnlyList<CompressedWeight> weights = materializer.Materialize(solved.Plan, progress, cancellationToken);
            double measured = probe.Loss(solved.Plan.Digest, () => weights, cancellationToken);
            rounds.Add(new DecisionRound(solved.PredictedBytes, solved.PredictedLoss, measured));
            if (best is null || measured < best.MeasuredLoss)
            {
                best = new Decision(solved, weights, omega, measured, [], null);
            }
            double ratio = solved.PredictedLoss > 0 ? measured / solved.PredictedLoss : 1;
            if (round == MaximumRounds || (ratio < Agreement && ratio > 1 / Agreement))
            {
                break;
            }
            omega = sensitivity.ProbeAround(solved.Plan, weights, measured, omega, progress, cancellationToken);
        }
        return AgainstUniform(best with { Rounds = rounds }, probe, budget, progress, cancellationToken);
    }

    /// <summary>The smallest file whose loss on the held-out samples stays within a limit, refined weights included.</summary>
    /// <param name="probe">Measures on all held-out samples.</param>
    /// <param name="refiner">Fits the weights of a plan to each other.</param>
    /// <param name="limit">The loss.</param>
    /// <param name="budget">The file may not be larger than this either.</param>
    /// <param name="progress">Told about each step.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="LorqException">No plan within the budget keeps the limit.</exception>
    public Decision WithinLoss(
        EndToEnd probe,
        Refiner refiner,
        double limit,
        long budget,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var sensitivity = new Sensitivity(probe, materializer);
        long start = Math.Min(budget, planner.BytesAt(FirstBits));
        IReadOnlyDictionary<string, double> omega = Probe(sensitivity, start, progress, cancellationToken);
        var rounds = new List<DecisionRound>();
        Decision? best = null;
        // Target of the prediction; moved by what the measurement says.
        double target = limit;
        for (int round = 1; round <= MaximumLossRounds; round++)
        {
            SolvedPlan? solved = planner.SolveForLoss(omega, target, budget, cancellationToken);
            if (solved is null)
            {
                break;
            }
            IReadOnlyList<CompressedWeight> weights = materializer.Materialize(solved.Plan, progress, cancellationToken);
            Decision decision = Refine(
                new Decision(solved, weights, omega, probe.Loss(solved.Plan.Digest, () => weights, cancellationToken), [], null),
                refiner,
                probe,
                progress,
                cancellationToken
            );
            double measured = decision.MeasuredLoss!.Value;
            rounds.Add(new DecisionRound(solved.PredictedBytes, solved.PredictedLoss, measured));
            if (measured <= limit && (best is null || solved.PredictedBytes < best.Solved.PredictedBytes))
            {
                best = decision;
            }
            if (measured <= limit && (measured >= NearLimit * limit || solved.PredictedBytes == planner.SmallestBytes))
            {
                break;
            }
            // A little below what would be right if loss went with prediction: it does so only nearby.
            target = solved.PredictedLoss * Math.Clamp(0.98 * limit / Math.Max(measured, 1e-300), 0.1, 10);
            if (best is not null && measured > limit)
            {
                // Between the two: the geometric mean of a target that kept the limit and one that did not.
                target = Math.Sqrt(target * best.Solved.PredictedLoss);
            }
        }
        if (best is null)
        {
            (double loss, long bytes) = rounds.Count > 0 ? rounds.Min(r => (r.Measured, r.Bytes)) : (double.PositiveInfinity, budget);
            throw Catalogue.LossLimitNotMet.With(limit, budget, loss, bytes);
        }
        return AgainstUniform(best with { Rounds = rounds }, probe, best.Solved.PredictedBytes, progress, cancellationToken);
    }

    /// <summary>Fits the weights to the compressed prefix and keeps the result where it measures better.</summary>
    public static Decision Refine(
        Decision decision,
        Refiner refiner,
        EndToEnd probe,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        IReadOnlyList<CompressedWeight> refined = refiner.Refine(decision.Solved.Plan, decision.Weights, progress, cancellationToken);
        double loss = probe.Loss(
            new ContentHash().Add(decision.Solved.Plan.Digest).Add("refined").Finish(),
            () => refined,
            cancellationToken
        );
        return loss < decision.MeasuredLoss
            ? decision with
            {
                Weights = refined,
                MeasuredLoss = loss,
                LossBeforeRefinement = decision.MeasuredLoss,
            }
            : decision;
    }

    /// <summary>Makes a plan's weights and measures them.</summary>
    public Decision Measure(SolvedPlan solved, EndToEnd probe, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        IReadOnlyList<CompressedWeight> weights = materializer.Materialize(solved.Plan, progress, cancellationToken);
        return new Decision(solved, weights, ByWeights(), probe.Loss(solved.Plan.Digest, () => weights, cancellationToken), [], null);
    }

    /// <summary>ω per site, probed near the errors that a file of this size will have.</summary>
    public IReadOnlyDictionary<string, double> Probe(
        Sensitivity sensitivity,
        long budget,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    ) => sensitivity.Probe(menus, planner.Solve(ByWeights(), budget, cancellationToken).Plan, progress, cancellationToken);

    /// <summary>ω without a measurement: a site counts by its share of the weights.</summary>
    public IReadOnlyDictionary<string, double> ByWeights()
    {
        double all = menus.Sum(m => (double)m.Columns * m.Site.K);
        return menus.GroupBy(m => m.Site).ToDictionary(g => g.Key.Name, g => g.Key.Count / all, StringComparer.Ordinal);
    }

    /// <summary>Measures the best uniform plan that fits, and takes it should it win.</summary>
    private Decision AgainstUniform(
        Decision best,
        EndToEnd probe,
        long budget,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        (UniformPlan Facts, Plan Plan)? choice = UniformPlans
            .All(planner, menus, best.Omega)
            .Where(u => u.Facts.Bytes <= budget)
            .OrderBy(u => u.Facts.Predicted)
            .Select(u => ((UniformPlan, Plan)?)u)
            .FirstOrDefault();
        if (choice is not { } uniform)
        {
            return best;
        }
        IReadOnlyList<CompressedWeight> weights = materializer.Materialize(uniform.Plan, progress, cancellationToken);
        double loss = probe.Loss(uniform.Plan.Digest, () => weights, cancellationToken);
        Decision winner = best;
        if (loss < best.MeasuredLoss)
        {
            SolvedPlan solved = best.Solved with
            {
                Plan = uniform.Plan,
                PredictedBytes = uniform.Facts.Bytes,
                PredictedLoss = uniform.Facts.Predicted,
            };
            winner = best with { Solved = solved, Weights = weights, MeasuredLoss = loss, LossBeforeRefinement = null };
        }
        return winner with { Uniform = uniform.Facts with { Loss = loss } };
    }
}
