using System.Diagnostics;

namespace Lorq.Budget;

/// <summary>
/// The multiple-choice knapsack over modes: groups of menus may be decided together, at a price in bytes of their own.
/// <para>
/// Relaxing the budget with a price λ per byte leaves one small problem per group, the cheapest mode at that price; the best price gives a lower bound over
/// all modes and selections. The modes of that relaxation, solved exactly, give a selection. Whatever lies further above the relaxation than that selection
/// cannot be part of a better one, so of every group the few combinations of mode and options that remain become one menu, and the
/// problem one without modes, which <see cref="BudgetSolver"/> solves with its certificate.
/// </para>
/// </summary>
public static class ModeSearch
{
    /// <summary>Prices tried at most; intersecting lines takes a dozen. Any price gives a valid bound.</summary>
    private const int MostPrices = 200;

    /// <summary>Rounding errors of sums of losses.</summary>
    private const double Rounding = 1e-12;

    /// <summary>Solves; see <see cref="BudgetSolver.Solve"/>, which it is without groups.</summary>
    /// <param name="menus">The options of each menu when it is independent.</param>
    /// <param name="groups">Which menus may be decided together.</param>
    /// <param name="budget">Most bytes in total.</param>
    /// <param name="gap">Relative gap that is good enough.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>Null when even the fewest bytes exceed the budget.</returns>
    /// <exception cref="ArgumentException">As for <see cref="BudgetSolver.Solve"/>.</exception>
    public static ModeSolution? Solve(
        IReadOnlyList<IReadOnlyList<Option>> menus,
        IReadOnlyList<ModeGroup> groups,
        long budget,
        double gap = 1e-4,
        CancellationToken cancellationToken = default
    )
    {
        if (groups.Count == 0)
        {
            return BudgetSolver.Solve(menus, budget, gap, null, cancellationToken) is { } plain ? new ModeSolution(plain, []) : null;
        }
        long start = Stopwatch.GetTimestamp();
        ModeUnit[] units = Units(menus, groups);
        Point least = At(units, double.PositiveInfinity);
        if (least.Bytes > budget)
        {
            return null;
        }
        Point most = At(units, 0);
        double price = 0;
        if (most.Bytes > budget)
        {
            (least, most, price) = BestPrice(units, least, most, budget, cancellationToken);
        }
        double bound = units.Sum(u => u.Best(price).Value(price)) - price * budget;
        double tolerance = Rounding * (units.Sum(u => Math.Abs(u.Best(price).Value(price))) + price * Math.Abs((double)budget));
        ModeSolution? best = null;
        foreach (Point point in new[] { least, most })
        {
            if (best is not null && best.Solution.Loss <= bound * (1 + gap))
            {
                break;
            }
            ModeSolution? found = InModes(menus, groups, [.. point.Modes.Take(groups.Count)], budget, gap, cancellationToken);
            best = best is null || found?.Solution.Loss < best.Solution.Loss ? found ?? best : best;
        }
        double limit = best!.Solution.Loss - bound + tolerance;
        if (limit > tolerance + gap * bound)
        {
            (best, double proven) = AmongNear(menus, groups, units, best, price, limit, budget, gap, cancellationToken);
            // What is not among them lies above the selection that the limit comes from.
            bound = Math.Max(bound, Math.Min(proven, bound + limit));
        }
        Solution solution = best.Solution;
        bound = Math.Clamp(bound - tolerance, 0, solution.Loss);
        bound = solution.Loss - bound <= 2 * tolerance ? solution.Loss : bound;
        return best with { Solution = solution with { Bound = bound, Elapsed = Stopwatch.GetElapsedTime(start) } };
    }

    /// <summary>The least budget for which there is a selection.</summary>
    /// <exception cref="ArgumentException">As for <see cref="Solve"/>.</exception>
    public static long SmallestBytes(IReadOnlyList<IReadOnlyList<Option>> menus, IReadOnlyList<ModeGroup> groups) =>
        At(Units(menus, groups), double.PositiveInfinity).Bytes;

    /// <summary>The groups in their order, then the menus that belong to none.</summary>
    private static ModeUnit[] Units(IReadOnlyList<IReadOnlyList<Option>> menus, IReadOnlyList<ModeGroup> groups)
    {
        HashSet<int> grouped = [.. groups.SelectMany(g => g.Menus)];
        return
        [
            .. groups.Select(g => new ModeUnit(g.Menus, [new Mode(0, [.. g.Menus.Select(i => menus[i])]), .. g.Modes])),
            .. Enumerable.Range(0, menus.Count).Where(i => !grouped.Contains(i)).Select(i => new ModeUnit([i], [new Mode(0, [menus[i]])])),
        ];
    }

    private static Point At(ModeUnit[] units, double price)
    {
        Choice[] best = Array.ConvertAll(units, u => u.Best(price));
        return new Point(best.Sum(b => b.Bytes), best.Sum(b => b.Loss), Array.ConvertAll(best, b => b.Mode));
    }

    /// <summary>The price with the largest bound: where the relaxation has a selection on either side of the budget. Found by intersecting lines.</summary>
    private static (Point Least, Point Most, double Price) BestPrice(
        ModeUnit[] units,
        Point least,
        Point most,
        long budget,
        CancellationToken cancellationToken
    )
    {
        double price = 0;
        for (int i = 0; i < MostPrices; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            price = Math.Max(0, (least.Loss - most.Loss) / (most.Bytes - least.Bytes));
            Point middle = At(units, price);
            double line = least.Loss + price * (least.Bytes - budget);
            double value = middle.Loss + price * (middle.Bytes - budget);
            if (value >= line - Rounding * Math.Abs(line) || middle.Bytes == least.Bytes || middle.Bytes == most.Bytes)
            {
                break;
            }
            (least, most) = middle.Bytes <= budget ? (middle, most) : (least, middle);
        }
        return (least, most, price);
    }

    /// <summary>Solves with all modes given; −1 for independent menus is 0 here.</summary>
    private static ModeSolution? InModes(
        IReadOnlyList<IReadOnlyList<Option>> menus,
        IReadOnlyList<ModeGroup> groups,
        int[] modes,
        long budget,
        double gap,
        CancellationToken cancellationToken
    )
    {
        IReadOnlyList<Option>[] fixedMenus = [.. menus];
        long bytes = 0;
        for (int g = 0; g < modes.Length; g++)
        {
            if (modes[g] == 0)
            {
                continue;
            }
            Mode mode = groups[g].Modes[modes[g] - 1];
            bytes += mode.Bytes;
            for (int m = 0; m < groups[g].Menus.Count; m++)
            {
                fixedMenus[groups[g].Menus[m]] = mode.Menus[m];
            }
        }
        return BudgetSolver.Solve(fixedMenus, budget - bytes, gap, null, cancellationToken) is { } solution
            ? new ModeSolution(solution with { Bytes = solution.Bytes + bytes }, [.. modes.Select(m => m - 1)])
            : null;
    }

    /// <summary>Solves over all selections within a limit above the relaxation, every group as one menu.</summary>
    private static (ModeSolution Best, double Bound) AmongNear(
        IReadOnlyList<IReadOnlyList<Option>> menus,
        IReadOnlyList<ModeGroup> groups,
        ModeUnit[] units,
        ModeSolution incumbent,
        double price,
        double limit,
        long budget,
        double gap,
        CancellationToken cancellationToken
    )
    {
        double dropped = double.PositiveInfinity;
        var near = new List<Combination>[groups.Count];
        var open = new List<IReadOnlyList<Option>>();
        for (int g = 0; g < groups.Count; g++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            near[g] = units[g].Combinations(price, limit, out double lost);
            dropped = Math.Min(dropped, lost);
            open.Add([.. near[g].Select(c => new Option(c.Bytes, c.Loss))]);
        }
        open.AddRange(units.Skip(groups.Count).Select(u => menus[u.Menus[0]]));
        double relaxed = units.Sum(u => u.Best(price).Value(price)) - price * budget;
        Solution? solution = BudgetSolver.Solve(open, budget, gap, null, cancellationToken);
        double bound = Math.Min(solution?.Bound ?? double.PositiveInfinity, relaxed + dropped);
        if (solution is null || solution.Loss > incumbent.Solution.Loss)
        {
            return (incumbent, bound);
        }
        var chosen = new int[menus.Count];
        var modes = new int[groups.Count];
        for (int u = 0; u < units.Length; u++)
        {
            if (u >= groups.Count)
            {
                chosen[units[u].Menus[0]] = solution.Chosen[u];
                continue;
            }
            Combination combination = near[u][solution.Chosen[u]];
            modes[u] = combination.Mode - 1;
            for (int m = 0; m < units[u].Menus.Count; m++)
            {
                chosen[units[u].Menus[m]] = combination.Options[m];
            }
        }
        return (new ModeSolution(solution with { Chosen = chosen }, modes), bound);
    }

    /// <summary>A selection of the relaxation.</summary>
    /// <param name="Bytes">Its bytes.</param>
    /// <param name="Loss">Its loss.</param>
    /// <param name="Modes">The mode per unit, 0 for independent.</param>
    private sealed record Point(long Bytes, double Loss, int[] Modes);
}
