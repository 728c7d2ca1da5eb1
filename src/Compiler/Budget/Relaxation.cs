namespace Lorq.Budget;

/// <summary>
/// The linear relaxation: hull steps of all menus taken in order of loss saved per byte until one does not fit. The slope of
/// that step is the price λ of a byte. For every selection, loss = Bound + Σ reduced losses + λ·(unused bytes), where the
/// reduced loss of an option is (loss + λ·cost) minus its menu's least such value: never negative, zero for the base.
/// </summary>
/// <param name="Chosen">The base: per menu the Pareto index reached before the step that did not fit.</param>
/// <param name="Slack">Bytes the base leaves unused.</param>
/// <param name="Price">λ, loss per byte; 0 when everything fits.</param>
/// <param name="Bound">Lower bound on the loss of any selection within the capacity.</param>
/// <param name="Tolerance">Rounding error to allow for in sums of losses.</param>
internal sealed record Relaxation(int[] Chosen, long Slack, double Price, double Bound, double Tolerance)
{
    /// <summary>Solves the relaxation for a capacity above the smallest selection's bytes.</summary>
    public static Relaxation Solve(ParetoMenu[] menus, long capacity)
    {
        var steps = new List<(double Slope, int Menu, int From)>();
        for (int i = 0; i < menus.Length; i++)
        {
            ParetoMenu m = menus[i];
            for (int h = 1; h < m.Hull.Length; h++)
            {
                (int a, int b) = (m.Hull[h - 1], m.Hull[h]);
                steps.Add(((m.Losses[a] - m.Losses[b]) / (m.Costs[b] - m.Costs[a]), i, h - 1));
            }
        }
        // Slopes fall strictly within a menu, so this order keeps each menu's steps in sequence.
        steps.Sort(
            (x, y) =>
                x.Slope != y.Slope ? y.Slope.CompareTo(x.Slope)
                : x.Menu != y.Menu ? x.Menu.CompareTo(y.Menu)
                : x.From.CompareTo(y.From)
        );
        var chosen = new int[menus.Length];
        long slack = capacity;
        double price = 0;
        foreach ((double slope, int i, int from) in steps)
        {
            ParetoMenu m = menus[i];
            long cost = m.Costs[m.Hull[from + 1]] - m.Costs[m.Hull[from]];
            if (cost > slack)
            {
                price = slope;
                break;
            }
            slack -= cost;
            chosen[i] = m.Hull[from + 1];
        }
        double loss = 0;
        for (int i = 0; i < menus.Length; i++)
        {
            loss += menus[i].Losses[chosen[i]];
        }
        return new(chosen, slack, price, loss - price * slack, 1e-12 * loss);
    }
}

/// <summary>The best selection so far and what is proven about the rest, both as loss above <see cref="Relaxation.Bound"/>.</summary>
internal sealed class Incumbent
{
    private readonly double tolerance;

    /// <summary>Starts from the relaxation's base, which is a feasible selection.</summary>
    public Incumbent(Relaxation relaxation)
    {
        Chosen = [.. relaxation.Chosen];
        Excess = relaxation.Price * relaxation.Slack;
        tolerance = relaxation.Tolerance;
    }

    /// <summary>Pareto index per menu.</summary>
    public int[] Chosen { get; set; }

    /// <summary>Bytes of <see cref="Chosen"/> relative to the relaxation's base.</summary>
    public long Cost { get; set; }

    /// <summary>Loss of <see cref="Chosen"/> above the relaxation's bound.</summary>
    public double Excess { get; set; }

    /// <summary>No selection has an excess below this.</summary>
    public double ExcessBound { get; set; }

    /// <summary>True when nothing can be better by more than rounding errors.</summary>
    public bool Proven => Excess - ExcessBound <= tolerance;
}
