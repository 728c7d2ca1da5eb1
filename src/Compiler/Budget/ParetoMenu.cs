namespace Lorq.Budget;

/// <summary>
/// A menu without dominated options: bytes rise, losses fall. For the knapsack this loses nothing; of equal options the first
/// stays, so that answers are stable.
/// </summary>
/// <param name="Options">By rising bytes.</param>
/// <param name="Original">Index of each in the given menu.</param>
/// <param name="Hull">Indices into <paramref name="Options"/> of the lower convex hull.</param>
internal sealed record ParetoMenu(Option[] Options, int[] Original, int[] Hull)
{
    public static ParetoMenu Of(IReadOnlyList<Option> menu, int index)
    {
        int[] order =
        [
            .. Enumerable
                .Range(0, menu.Count)
                .Where(i => BudgetSolver.IsUsable(menu[i]))
                .OrderBy(i => menu[i].Bytes)
                .ThenBy(i => menu[i].Loss)
                .ThenBy(i => i),
        ];
        if (order.Length == 0)
        {
            throw new ArgumentException($"Menu {index} has no option with a finite loss.", nameof(menu));
        }
        var kept = new List<int>();
        foreach (int i in order)
        {
            if (kept.Count == 0 || menu[i].Loss < menu[kept[^1]].Loss)
            {
                kept.Add(i);
            }
        }
        Option[] options = [.. kept.Select(i => menu[i])];
        return new ParetoMenu(options, [.. kept], LowerHull(options));
    }

    private static int[] LowerHull(Option[] options)
    {
        var hull = new List<int>();
        for (int i = 0; i < options.Length; i++)
        {
            while (hull.Count >= 2 && Slope(options[hull[^2]], options[hull[^1]]) <= Slope(options[hull[^1]], options[i]))
            {
                hull.RemoveAt(hull.Count - 1);
            }
            hull.Add(i);
        }
        return [.. hull];
    }

    /// <summary>Loss saved per byte from a to b.</summary>
    public static double Slope(Option a, Option b) => (a.Loss - b.Loss) / (b.Bytes - a.Bytes);
}
