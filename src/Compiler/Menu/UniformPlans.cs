using Lorq.Caching;
using Lorq.Decomposition;
using Lorq.Quantization;

namespace Lorq.Menu;

/// <summary>The plans that treat all sites alike: the yardstick of every choice per site.</summary>
internal static class UniformPlans
{
    /// <summary>One plan per grid of the menus: every site on it, or on the nearest it can have. Without a pair, unless every candidate with codes has one: then one per grid and pair.</summary>
    /// <param name="planner">Knows the bytes.</param>
    /// <param name="menus">The menus.</param>
    /// <param name="omega">ω per site name.</param>
    public static IEnumerable<(UniformPlan Facts, Plan Plan)> All(
        Planner planner,
        IReadOnlyList<SiteMenu> menus,
        IReadOnlyDictionary<string, double> omega
    )
    {
        Candidate[] coded = [.. menus.SelectMany(m => m.Candidates).Where(c => c.Grid is not null)];
        bool needsPair = coded.All(c => c.Factors is not null);
        var seen = new HashSet<Digest>();
        // Of grids that come to the same plan, the one that most sites have names it: a column may be no longer than a block.
        foreach (
            var kind in coded
                .Where(c => needsPair || c.Factors is null)
                .GroupBy(c => (Grid: c.Grid!, Pair: Pair(c)))
                .OrderByDescending(g => g.Count())
        )
        {
            (QuantizationGrid grid, FactorShape? pair) = kind.Key;
            var plan = new Plan(menus, [.. menus.Select(m => Pick(m, grid, pair))]);
            if (!seen.Add(plan.Digest))
            {
                continue;
            }
            double predicted = plan.Loss(omega);
            string name = pair is null ? $"{grid}" : $"{grid} + {pair}";
            yield return (new UniformPlan(name, planner.TrueBytes(plan), predicted, null), plan);
        }
    }

    /// <summary>The candidate on the grid with the least loss; where the site cannot have the grid or the pair, the nearest it has.</summary>
    private static int Pick(SiteMenu menu, QuantizationGrid grid, FactorShape? pair) =>
        Enumerable
            .Range(0, menu.Candidates.Count)
            .MinBy(i =>
            {
                Candidate c = menu.Candidates[i];
                // A pair where none is wanted comes last; among several the thinnest is nearest to none.
                return (c.Factors is null != pair is null, Distance(c.Grid, grid), Distance(Pair(c), pair), c.Loss);
            });

    private static double Distance(QuantizationGrid? own, QuantizationGrid wanted) =>
        own == wanted ? 0
        : own is null ? 100
        : 1
            + Math.Abs(own.Bits - wanted.Bits)
            + (own.BlockSize == wanted.BlockSize ? 0 : 0.5)
            + (own.Symmetric == wanted.Symmetric ? 0 : 0.25);

    private static double Distance(FactorShape? own, FactorShape? wanted) =>
        Math.Abs((own?.Rank ?? 0) - (wanted?.Rank ?? 0)) + (own?.Type == wanted?.Type ? 0 : 0.5);

    /// <summary>A pair's rank and storage; who shares it does not matter here.</summary>
    private static FactorShape? Pair(Candidate candidate) =>
        candidate.Factors is { } factors ? new FactorShape(factors.Rank, factors.Type) : null;
}
