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

/// <summary>The multiple-choice knapsack: one option per menu, total bytes within the budget, least total loss.</summary>
public static class BudgetSolver
{
    /// <summary>Solves. The gap is at most <paramref name="gap"/> unless time runs out (then it is reported as it is).</summary>
    /// <returns>Null when even the smallest options exceed the budget.</returns>
    public static Solution? Solve(
        IReadOnlyList<IReadOnlyList<Option>> menus,
        long budget,
        double gap = 1e-4,
        TimeSpan? timeLimit = null,
        CancellationToken cancellationToken = default
    ) => throw new NotImplementedException();
}
