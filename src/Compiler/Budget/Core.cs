namespace Lorq.Budget;

/// <summary>One option of a core menu as a move away from the base.</summary>
/// <param name="Cost">Change of bytes.</param>
/// <param name="Loss">Change of loss.</param>
/// <param name="Reduced">Loss + λ·Cost, never negative.</param>
/// <param name="Option">Pareto index.</param>
internal readonly record struct Move(long Cost, double Loss, double Reduced, int Option);

/// <summary>
/// The part of the problem that is still open: per menu the base and every option whose reduced loss does not exceed the
/// incumbent's excess (any selection with another one is worse than the incumbent). Menus with the base alone are settled.
/// The rest are ordered by their cheapest move, so that the likely changes come first.
/// </summary>
internal sealed class Core
{
    private Core(int[] menus, Move[][] moves)
    {
        Menus = menus;
        Moves = moves;
        Transitions = moves.Sum(m => (long)m.Length);
    }

    /// <summary>The open menus, in the order of the search.</summary>
    public int[] Menus { get; }

    /// <summary>Their moves by rising cost; the base is the move with Cost 0 and Loss 0.</summary>
    public Move[][] Moves { get; }

    /// <summary>Moves in all: the work per state of one pass.</summary>
    public long Transitions { get; }

    /// <summary>Reduces the problem against an incumbent.</summary>
    public static Core Reduce(ParetoMenu[] menus, Relaxation relaxation, double excess)
    {
        var open = new List<(double Cheapest, int Menu, Move[] Moves)>();
        double limit = excess + relaxation.Tolerance;
        for (int i = 0; i < menus.Length; i++)
        {
            ParetoMenu m = menus[i];
            int at = relaxation.Chosen[i];
            var moves = new List<Move>();
            double cheapest = double.PositiveInfinity;
            for (int j = 0; j < m.Costs.Length; j++)
            {
                long cost = m.Costs[j] - m.Costs[at];
                double loss = m.Losses[j] - m.Losses[at];
                double reduced = j == at ? 0 : Math.Max(0, loss + relaxation.Price * cost);
                if (reduced <= limit)
                {
                    moves.Add(new(cost, loss, reduced, j));
                    cheapest = j == at ? cheapest : Math.Min(cheapest, reduced);
                }
            }
            if (moves.Count > 1)
            {
                open.Add((cheapest, i, [.. moves]));
            }
        }
        open.Sort((a, b) => a.Cheapest != b.Cheapest ? a.Cheapest.CompareTo(b.Cheapest) : a.Menu.CompareTo(b.Menu));
        return new([.. open.Select(o => o.Menu)], [.. open.Select(o => o.Moves)]);
    }
}
