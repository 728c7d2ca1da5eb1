using System.Globalization;
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

    /// <summary>Files measured at most in search of the smallest that keeps a loss limit.</summary>
    private const int MaximumLossRounds = 7;

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
            // What a uniform plan beats was planned with a wrong ω, whatever its prediction.
            if (
                round == MaximumRounds
                || (
                    Agree(solved.PredictedLoss, measured)
                    && !(Uniform(best.Omega, probe, budget, progress, cancellationToken)?.Loss < best.MeasuredLoss)
                )
            )
            {
                break;
            }
            omega = sensitivity.ProbeAround(solved.Plan, weights, omega, progress, cancellationToken);
        }
        best = AgainstNoPairs(best with { Rounds = rounds }, probe, budget, progress, cancellationToken);
        best = AgainstUniform(best, probe, budget, progress, cancellationToken);
        return best with { ProbedLoss = best.MeasuredLoss };
    }

    /// <summary>
    /// The smallest file whose loss on the held-out samples stays within a limit: budgets are tried, and for each one the plan is made as
    /// <see cref="WithProbes"/> makes it, its weights refined, written, and run from the file.
    /// </summary>
    /// <param name="probe">Measures on many samples, for the plans.</param>
    /// <param name="verify">Measures on the held-out samples, which the limit is for.</param>
    /// <param name="refiner">Fits the weights of a plan to each other.</param>
    /// <param name="written">Measures the file of a plan.</param>
    /// <param name="limit">The loss.</param>
    /// <param name="budget">The file may not be larger than this either.</param>
    /// <param name="progress">Told about each step.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="LorqException">No file that was tried within the budget keeps the limit.</exception>
    public Decision WithinLoss(
        EndToEnd probe,
        EndToEnd verify,
        Refiner refiner,
        WrittenTrial written,
        double limit,
        ByteBudget budget,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        long largest = Math.Min(budget.Bytes, planner.LargestBytes);
        long rough = Math.Min(largest, planner.BytesAt(FirstBits));
        IReadOnlyDictionary<string, double> omega = Probe(new Sensitivity(probe, materializer), rough, progress, cancellationToken);
        long first = planner.SolveForLoss(omega, limit, largest, cancellationToken)?.PredictedBytes ?? largest;
        long weights = menus.Select(m => m.Site).Distinct().Sum(s => s.Count);
        var search = new LossSearch(limit, planner.SmallestBytes, largest, weights, first);
        var rounds = new List<DecisionRound>();
        Decision? best = null;
        while (search.Next is { } bytes && rounds.Count < MaximumLossRounds)
        {
            Decision decision = WithProbes(probe, bytes, progress, cancellationToken);
            double plain = verify.Loss(decision.Solved.Plan.Digest, () => decision.Weights, cancellationToken);
            decision = Refine(decision with { MeasuredLoss = plain }, refiner, verify, progress, cancellationToken);
            double loss = written.Loss(decision.Weights, cancellationToken);
            rounds.Add(new DecisionRound(decision.Solved.PredictedBytes, decision.Solved.PredictedLoss, loss));
            // Smaller than the last one that kept it: what is tried lies between that and one that missed it.
            best = loss <= limit ? decision with { MeasuredLoss = loss } : best;
            search.Add(decision.Solved.PredictedBytes, loss);
        }
        return best is not null ? best with { Rounds = rounds } : throw NotMet(limit, budget, rounds.MinBy(r => r.Measured)!);
    }

    private static LorqException NotMet(double limit, ByteBudget budget, DecisionRound nearest) =>
        Catalogue.LossLimitNotMet.With(
            limit,
            budget.IsUnlimited ? "" : string.Create(CultureInfo.InvariantCulture, $" of at most {budget.Bytes} bytes"),
            nearest.Measured.ToString("G3", CultureInfo.InvariantCulture),
            nearest.Bytes
        );

    private static bool Agree(double predicted, double measured) =>
        predicted <= 0 || (measured / predicted is var ratio && ratio < Agreement && ratio > 1 / Agreement);

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
    /// <param name="solved">The plan.</param>
    /// <param name="omega">The ω it was solved with.</param>
    /// <param name="probe">Measures.</param>
    /// <param name="progress">Told about each weight.</param>
    /// <param name="cancellationToken">Stops.</param>
    public Decision Measure(
        SolvedPlan solved,
        IReadOnlyDictionary<string, double> omega,
        EndToEnd probe,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        IReadOnlyList<CompressedWeight> weights = materializer.Materialize(solved.Plan, progress, cancellationToken);
        return new Decision(solved, weights, omega, probe.Loss(solved.Plan.Digest, () => weights, cancellationToken), [], null);
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

    /// <summary>
    /// Measures the best plan without low-rank pairs too, and takes it should it lose less: ω was probed with plain codes, and what a pair
    /// leaves lies in other directions than rounding errors, which a site's relative error does not tell.
    /// </summary>
    private Decision AgainstNoPairs(
        Decision best,
        EndToEnd probe,
        long budget,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        Plan with = best.Solved.Plan;
        if (!with.HasPairs || planner.WithoutPairs() is not { } plain || plain.SmallestBytes > budget)
        {
            return best;
        }
        SolvedPlan solved = plain.Solve(best.Omega, budget, cancellationToken);
        // In terms of the whole menus, as every other plan.
        var plan = new Plan(menus, [.. menus.Select((m, i) => m.Candidates.ToList().IndexOf(solved.Plan[i]))]);
        // Most sites choose the same either way.
        var known = best.Weights.ToDictionary(w => w.Site);
        var changed = menus.Where((_, i) => !plan[i].Equals(with[i])).Select(m => m.Site).ToHashSet();
        int[] open = [.. Enumerable.Range(0, menus.Count).Where(i => changed.Contains(menus[i].Site))];
        var part = new Plan([.. open.Select(i => menus[i])], [.. open.Select(i => plan.Chosen[i])]);
        var made = materializer.Materialize(part, progress, cancellationToken).ToDictionary(w => w.Site);
        CompressedWeight[] weights =
        [
            .. menus
                .Select(m => m.Site)
                .Distinct()
                .Select(s => changed.Contains(s) ? made.GetValueOrDefault(s) : known.GetValueOrDefault(s))
                .OfType<CompressedWeight>(),
        ];
        double loss = probe.Loss(plan.Digest, () => weights, cancellationToken);
        return loss < best.MeasuredLoss
            ? best with
            {
                Solved = best.Solved with { Plan = plan, PredictedBytes = solved.PredictedBytes, PredictedLoss = solved.PredictedLoss },
                Weights = weights,
                MeasuredLoss = loss,
                Instead = "the best plan without low-rank parts",
            }
            : best;
    }

    /// <summary>Takes the best uniform plan should it lose less.</summary>
    private Decision AgainstUniform(
        Decision best,
        EndToEnd probe,
        long budget,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        if (Uniform(best.Omega, probe, budget, progress, cancellationToken) is not { } uniform)
        {
            return best;
        }
        Decision winner = best;
        if (uniform.Loss < best.MeasuredLoss)
        {
            SolvedPlan solved = best.Solved with
            {
                Plan = uniform.Plan,
                PredictedBytes = uniform.Facts.Bytes,
                PredictedLoss = uniform.Facts.Predicted,
            };
            winner = best with
            {
                Solved = solved,
                Weights = uniform.Weights.Value,
                MeasuredLoss = uniform.Loss,
                LossBeforeRefinement = null,
                Instead = $"{uniform.Facts.Name} for all sites that may have it",
            };
        }
        return winner with { Uniform = uniform.Facts with { Loss = uniform.Loss } };
    }

    /// <summary>The uniform plan within the budget that is predicted to lose least, measured; null when none fits.</summary>
    private MeasuredUniform? Uniform(
        IReadOnlyDictionary<string, double> omega,
        EndToEnd probe,
        long budget,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        (UniformPlan Facts, Plan Plan)? choice = UniformPlans
            .All(planner, menus, omega)
            .Where(u => u.Facts.Bytes <= budget)
            .OrderBy(u => u.Facts.Predicted)
            .Select(u => ((UniformPlan, Plan)?)u)
            .FirstOrDefault();
        if (choice is not { } uniform)
        {
            return null;
        }
        var weights = new Lazy<IReadOnlyList<CompressedWeight>>(() => materializer.Materialize(uniform.Plan, progress, cancellationToken));
        double loss = probe.Loss(uniform.Plan.Digest, () => weights.Value, cancellationToken);
        return new MeasuredUniform(uniform.Facts, uniform.Plan, loss, weights);
    }

    private sealed record MeasuredUniform(UniformPlan Facts, Plan Plan, double Loss, Lazy<IReadOnlyList<CompressedWeight>> Weights);
}
