using System.Diagnostics;

namespace Lorq.Budget;

/// <summary>One choice in a menu: what it costs and what it loses. Losses are non-negative, already weighted (ω·ℓ).</summary>
public readonly record struct Option(long Bytes, double Loss);

/// <summary>An exact answer with its certificate.</summary>
/// <param name="Chosen">Index of the chosen option per menu.</param>
/// <param name="Bytes">Their total.</param>
/// <param name="Loss">Their total loss.</param>
/// <param name="Bound">A proven lower bound on the loss of any selection within the budget.</param>
/// <param name="Elapsed">Time spent.</param>
public sealed record Solution(IReadOnlyList<int> Chosen, long Bytes, double Loss, double Bound, TimeSpan Elapsed)
{
    /// <summary>(Loss − Bound) / Bound; 0 when proven optimal (also when both are 0).</summary>
    public double Gap =>
        Loss <= Bound ? 0
        : Bound > 0 ? (Loss - Bound) / Bound
        : double.PositiveInfinity;
}

/// <summary>
/// The multiple-choice knapsack: one option per menu, total bytes within the budget, least total loss. The LP relaxation over the
/// menus' lower convex hulls gives a bound and a price per byte (Dyer 1984, Zemel 1984); the expanding core (Pisinger 1995) closes the
/// gap: menus are opened in the order of how little their second-best option costs at that price, partial selections are kept as a
/// Pareto list, and the search ends with a proof as soon as no unopened menu can improve the best selection.
/// </summary>
public static class BudgetSolver
{
    /// <summary>Bytes of the smallest selection.</summary>
    public static long SmallestBytes(IReadOnlyList<IReadOnlyList<Option>> menus) => menus.Sum(m => m.Where(IsUsable).Min(o => o.Bytes));

    /// <summary>Solves. The gap is at most <paramref name="gap"/> unless time or memory runs out; then it is reported as it is.</summary>
    /// <param name="menus">The options of each menu; options with a loss that is not finite are left out.</param>
    /// <param name="budget">Bytes available; options may have negative bytes.</param>
    /// <param name="gap">Relative gap at which the search may end; 0 asks for the proven optimum.</param>
    /// <param name="timeLimit">Time after which the best selection so far is returned; 10 s when null.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>Null when even the smallest options exceed the budget.</returns>
    /// <exception cref="ArgumentException">A menu has no usable option.</exception>
    public static Solution? Solve(
        IReadOnlyList<IReadOnlyList<Option>> menus,
        long budget,
        double gap = 1e-4,
        TimeSpan? timeLimit = null,
        CancellationToken cancellationToken = default
    )
    {
        var watch = Stopwatch.StartNew();
        ParetoMenu[] pruned = [.. menus.Select((m, i) => ParetoMenu.Of(m, i))];
        if (pruned.Sum(m => m.Options[0].Bytes) > budget)
        {
            return null;
        }
        Relaxation relaxed = Relaxation.Solve(pruned, budget);
        int[] chosen = relaxed.Rounded;
        double bound = relaxed.Bound;
        if (relaxed.Price > 0)
        {
            var core = new ExpandingCore(pruned, relaxed, budget, gap, watch, timeLimit ?? TimeSpan.FromSeconds(10));
            (chosen, bound) = core.Search(cancellationToken);
        }
        long bytes = pruned.Select((m, i) => m.Options[chosen[i]].Bytes).Sum();
        double loss = pruned.Select((m, i) => m.Options[chosen[i]].Loss).Sum();
        return new Solution([.. pruned.Select((m, i) => m.Original[chosen[i]])], bytes, loss, Math.Min(bound, loss), watch.Elapsed);
    }

    internal static bool IsUsable(Option option) => double.IsFinite(option.Loss);
}
