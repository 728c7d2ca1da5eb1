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
        // A table's parts are priced one by one; joined neighbours share nodes, and a mixed table may need a wider container. The
        // few bytes between the sum and the truth are taken from the budget until the answer's true size fits.
        for (int round = 0; round < 8; round++)
        {
            Solution solution =
                BudgetSolver.Solve(options, available, cancellationToken: cancellationToken)
                ?? throw Catalogue.BudgetTooSmall.With(budget, SmallestBytes);
            var plan = new Plan(menus, solution.Chosen);
            long bytes = TrueBytes(plan);
            if (bytes <= budget)
            {
                return new SolvedPlan(plan, solution, bytes, solution.Loss);
            }
            available -= bytes - budget;
        }
        throw Catalogue.BudgetTooSmall.With(budget, SmallestBytes);
    }

    /// <summary>Bytes of the written file for a plan.</summary>
    public long TrueBytes(Plan plan) => original + emission.PlanBytesDelta(model, [.. Materializer.Shapes(plan)]);
}
