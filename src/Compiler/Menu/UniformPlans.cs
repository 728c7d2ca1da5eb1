using Lorq.Quantization;

namespace Lorq.Menu;

/// <summary>The plans that treat all sites alike: the yardstick of every choice per site.</summary>
internal static class UniformPlans
{
    /// <summary>One plan per grid of the menus: every site on it, or on the nearest it can have.</summary>
    /// <param name="planner">Knows the bytes.</param>
    /// <param name="menus">The menus.</param>
    /// <param name="omega">ω per site name.</param>
    public static IEnumerable<(UniformPlan Facts, Plan Plan)> All(
        Planner planner,
        IReadOnlyList<SiteMenu> menus,
        IReadOnlyDictionary<string, double> omega
    )
    {
        foreach (QuantizationGrid grid in menus.SelectMany(m => m.Candidates).Select(c => c.Grid).OfType<QuantizationGrid>().Distinct())
        {
            var plan = new Plan(menus, [.. menus.Select(m => Pick(m, grid))]);
            double predicted = menus.Select((m, i) => plan[i].Loss * omega.GetValueOrDefault(m.Site.Name, 1)).Sum();
            yield return (new UniformPlan(grid.ToString(), planner.TrueBytes(plan), predicted, null), plan);
        }
    }

    /// <summary>The candidate on the grid with the least loss; where the site cannot have the grid, the nearest it has in bits. Never with a low-rank pair.</summary>
    private static int Pick(SiteMenu menu, QuantizationGrid grid)
    {
        int best = 0;
        (double Distance, double Loss) key = (double.PositiveInfinity, double.PositiveInfinity);
        for (int i = 0; i < menu.Candidates.Count; i++)
        {
            Candidate c = menu.Candidates[i];
            double distance =
                c.Factors is not null ? 1000
                : c.Grid == grid ? 0
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
