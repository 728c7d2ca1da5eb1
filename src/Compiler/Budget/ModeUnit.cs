namespace Lorq.Budget;

/// <summary>What is decided at once: a group of menus in one of its modes, or a single menu, which has one mode.</summary>
internal sealed class ModeUnit
{
    /// <summary>Combinations of one group that are looked at; a price of bytes that fits leaves a few dozen.</summary>
    private const int MostCombinations = 20_000;

    private readonly (long Bytes, ParetoMenu[] Menus)[] modes;

    /// <summary>Cuts the menus of every mode to their Pareto sets.</summary>
    /// <param name="menus">Indices of the menus.</param>
    /// <param name="modes">The modes, the independent one first.</param>
    /// <exception cref="ArgumentException">A menu without a usable option.</exception>
    public ModeUnit(IReadOnlyList<int> menus, IReadOnlyList<Mode> modes)
    {
        Menus = menus;
        this.modes =
        [
            .. modes.Select(m =>
                (
                    m.Bytes,
                    m.Menus.Select(o =>
                            ParetoMenu.Create(o)
                            ?? throw new ArgumentException("A menu of a mode has no option with a finite loss.", nameof(modes))
                        )
                        .ToArray()
                )
            ),
        ];
    }

    /// <summary>Indices of the menus.</summary>
    public IReadOnlyList<int> Menus { get; }

    /// <summary>Number of modes.</summary>
    public int Modes => modes.Length;

    /// <summary>The least of loss + price·bytes over all modes and options; among equals the one with fewer bytes.</summary>
    /// <param name="price">λ; infinite asks for the fewest bytes.</param>
    public Choice Best(double price)
    {
        Choice best = BestIn(0, price);
        for (int mode = 1; mode < modes.Length; mode++)
        {
            Choice other = BestIn(mode, price);
            if (other.IsBetterThan(best, price))
            {
                best = other;
            }
        }
        return best;
    }

    /// <summary>The least of loss + price·bytes in one mode.</summary>
    public Choice BestIn(int mode, double price)
    {
        var sum = new Choice(mode, modes[mode].Bytes, 0);
        foreach (ParetoMenu menu in modes[mode].Menus)
        {
            Choice best = At(menu, 0);
            foreach (int h in menu.Hull)
            {
                Choice other = At(menu, h);
                best = other.IsBetterThan(best, price) ? other : best;
            }
            sum = sum with { Bytes = sum.Bytes + best.Bytes, Loss = sum.Loss + best.Loss };
        }
        return sum;

        static Choice At(ParetoMenu menu, int option) => new(0, menu.Base + menu.Costs[option], menu.Losses[option]);
    }

    /// <summary>All selections of the unit whose loss + price·bytes is at most a limit above the unit's least, without dominated ones.</summary>
    /// <param name="price">λ.</param>
    /// <param name="limit">How far above.</param>
    /// <param name="dropped">How far above the nearest one lies that was dropped because there were too many; infinite when none was.</param>
    public List<Combination> Combinations(double price, double limit, out double dropped)
    {
        double least = Best(price).Value(price);
        dropped = double.PositiveInfinity;
        var all = new List<Combination>();
        for (int mode = 0; mode < modes.Length; mode++)
        {
            var partial = new List<Combination> { new(mode, modes[mode].Bytes, 0, BestIn(mode, price).Value(price) - least, []) };
            foreach (ParetoMenu menu in modes[mode].Menus)
            {
                partial = Cut(Extend(partial, menu, price, limit), ref dropped);
            }
            all.AddRange(partial.Where(c => c.Above <= limit));
        }
        return Cut(all, ref dropped);
    }

    private static IEnumerable<Combination> Extend(List<Combination> partial, ParetoMenu menu, double price, double limit)
    {
        double least = menu.Hull.Min(h => menu.Losses[h] + price * menu.Costs[h]);
        for (int j = 0; j < menu.Costs.Length; j++)
        {
            double above = menu.Losses[j] + price * menu.Costs[j] - least;
            foreach (Combination c in partial)
            {
                if (c.Above + above <= limit)
                {
                    yield return new Combination(
                        c.Mode,
                        c.Bytes + menu.Base + menu.Costs[j],
                        c.Loss + menu.Losses[j],
                        c.Above + above,
                        [.. c.Options, menu.Original[j]]
                    );
                }
            }
        }
    }

    /// <summary>Drops what another one beats, and beyond a number those that lie highest.</summary>
    private static List<Combination> Cut(IEnumerable<Combination> combinations, ref double dropped)
    {
        var kept = new List<Combination>();
        foreach (Combination c in combinations.OrderBy(c => c.Bytes).ThenBy(c => c.Loss))
        {
            if (kept.Count == 0 || c.Loss < kept[^1].Loss)
            {
                kept.Add(c);
            }
        }
        if (kept.Count <= MostCombinations)
        {
            return kept;
        }
        List<Combination> near = [.. kept.OrderBy(c => c.Above)];
        dropped = Math.Min(dropped, near[MostCombinations].Above);
        return [.. near.Take(MostCombinations)];
    }
}

/// <summary>What a unit's best options at some price add up to.</summary>
/// <param name="Mode">The mode.</param>
/// <param name="Bytes">Bytes, those of the mode included.</param>
/// <param name="Loss">Loss.</param>
internal readonly record struct Choice(int Mode, long Bytes, double Loss)
{
    /// <summary>Loss + price·bytes.</summary>
    public double Value(double price) => Loss + price * Bytes;

    /// <summary>True when this one has the smaller value, or the same with fewer bytes or less loss.</summary>
    public bool IsBetterThan(Choice other, double price) =>
        double.IsInfinity(price)
            ? (Bytes, Loss).CompareTo((other.Bytes, other.Loss)) < 0
            : (Value(price), Bytes, Loss).CompareTo((other.Value(price), other.Bytes, other.Loss)) < 0;
}

/// <summary>One selection of a unit.</summary>
/// <param name="Mode">The mode.</param>
/// <param name="Bytes">Bytes, those of the mode included.</param>
/// <param name="Loss">Loss.</param>
/// <param name="Above">Loss + price·bytes above the least of the unit.</param>
/// <param name="Options">Index of the option per menu, as given.</param>
internal sealed record Combination(int Mode, long Bytes, double Loss, double Above, int[] Options);
