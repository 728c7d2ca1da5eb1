using Lorq.Menu;

namespace Lorq.Reports;

/// <summary>The best plan with low-rank parts against the best one without, at the same bytes and both as predicted.</summary>
/// <param name="With">Predicted loss of the best plan from the whole menu, in the metric of <see cref="LossFacts"/>.</param>
/// <param name="Without">The same without any low-rank part; null when no such plan is so small.</param>
public sealed record LowRankFacts(double With, double? Without)
{
    /// <summary>The share of the loss that low rank saves, 0 to 1; null without a plan to compare with.</summary>
    public double? Gain => Without is > 0 ? Math.Max(0, 1 - With / Without.Value) : null;

    /// <summary>Solves once more with and without pairs, at the size of the plan that was taken; null when no menu has pairs, or a uniform plan was taken. The plan itself where it has none.</summary>
    internal static LowRankFacts? Of(Planner planner, Decision decision, CancellationToken cancellationToken)
    {
        // Beside a uniform plan, which measured better than either, it is no question.
        bool isUniform = decision.Instead is not null && decision.Uniform?.Bytes == decision.Solved.PredictedBytes;
        if (isUniform || planner.WithoutPairs() is not { } plain)
        {
            return null;
        }
        if (!decision.Solved.Plan.HasPairs)
        {
            // Pairs were not chosen, or did not measure better.
            return new LowRankFacts(decision.Solved.PredictedLoss, decision.Solved.PredictedLoss);
        }
        long bytes = decision.Solved.PredictedBytes;
        return new LowRankFacts(
            planner.Solve(decision.Omega, bytes, cancellationToken).PredictedLoss,
            plain.SmallestBytes > bytes ? null : plain.Solve(decision.Omega, bytes, cancellationToken).PredictedLoss
        );
    }
}
