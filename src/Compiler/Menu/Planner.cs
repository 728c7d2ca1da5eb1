using Lorq.Budget;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Rewriting;

namespace Lorq.Menu;

/// <summary>A plan inside the budget, with the solver's certificate.</summary>
/// <param name="Plan">The choices.</param>
/// <param name="Solution">Value, bound and gap.</param>
/// <param name="PredictedBytes">Bytes of the written file as predicted.</param>
/// <param name="PredictedLoss">Σ ω·ℓ.</param>
public sealed record SolvedPlan(Plan Plan, Solution Solution, long PredictedBytes, double PredictedLoss);

/// <summary>Joins menus, weights and a byte budget into the exact problem, and checks the bytes of the answer against the real emission.</summary>
public sealed class Planner(OnnxModel model, IEmission emission, IReadOnlyList<SiteMenu> menus)
{
    /// <summary>Solves at most; each takes milliseconds.</summary>
    private const int MaximumRounds = 8;

    /// <summary>Unspent bytes not worth another round.</summary>
    private const int SmallestSlack = 64;

    private readonly long original = model.MeasureBytes();

    /// <summary>Bytes of the smallest file the menus allow.</summary>
    public long SmallestBytes => original + emission.FixedBytes(model) + menus.Sum(m => m.Candidates.Min(c => c.Bytes));

    /// <summary>Solves for a file of at most <paramref name="budget"/> bytes.</summary>
    /// <param name="weights">ω per site name; 1 for sites that are not in it.</param>
    /// <param name="budget">Bytes of the whole file.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="LorqException">Even the smallest choices do not fit.</exception>
    public SolvedPlan Solve(IReadOnlyDictionary<string, double> weights, long budget, CancellationToken cancellationToken)
    {
        long available = budget - original - emission.FixedBytes(model);
        IReadOnlyList<Option>[] options =
        [
            .. menus.Select(m =>
                (IReadOnlyList<Option>)
                    [.. m.Candidates.Select(c => new Option(c.Bytes, c.Loss * weights.GetValueOrDefault(m.Site.Name, 1)))]
            ),
        ];
        // The sum over sites is an upper bound a few KB high: neighbouring parts of a table share nodes, and sites share functions. What
        // the true size of an answer leaves unspent is given back to the solver until the rest is smaller than any step.
        SolvedPlan? best = null;
        for (int round = 0; round < MaximumRounds; round++)
        {
            Solution? solution = BudgetSolver.Solve(options, available, gap: 1e-6, cancellationToken: cancellationToken);
            if (solution is null)
            {
                break;
            }
            var plan = new Plan(menus, solution.Chosen);
            long bytes = TrueBytes(plan);
            if (bytes <= budget && (best is null || solution.Loss < best.PredictedLoss))
            {
                best = new SolvedPlan(plan, solution, bytes, solution.Loss);
            }
            long slack = budget - bytes;
            if (slack is >= 0 and < SmallestSlack)
            {
                break;
            }
            available += slack;
        }
        return best ?? throw Catalogue.BudgetTooSmall.With(budget, SmallestBytes);
    }

    /// <summary>Bytes of the written file for a plan.</summary>
    public long TrueBytes(Plan plan) => original + emission.PlanBytesDelta(model, [.. Materializer.Shapes(plan)]);

    private static int Smallest(SiteMenu menu) =>
        Enumerable.Range(0, menu.Candidates.Count).MinBy(i => (menu.Candidates[i].Bytes, menu.Candidates[i].Loss));
}
