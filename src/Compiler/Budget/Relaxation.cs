namespace Lorq.Budget;

/// <summary>
/// The LP relaxation: start from the smallest options and take hull steps by falling loss saved per byte while they fit; the step
/// that does not fit is taken in part. Its value is a lower bound, its last slope the price of a byte.
/// </summary>
/// <param name="Price">λ, loss per byte; 0 when everything fits.</param>
/// <param name="Bound">Value of the LP.</param>
/// <param name="Rounded">A selection that fits: the LP's without the step taken in part, later steps that still fit added.</param>
internal sealed record Relaxation(double Price, double Bound, int[] Rounded)
{
    public static Relaxation Solve(ParetoMenu[] menus, long budget)
    {
        var steps = new List<(double Slope, int Menu, int From, int To)>();
        for (int m = 0; m < menus.Length; m++)
        {
            int[] hull = menus[m].Hull;
            for (int h = 1; h < hull.Length; h++)
            {
                steps.Add((ParetoMenu.Slope(menus[m].Options[hull[h - 1]], menus[m].Options[hull[h]]), m, hull[h - 1], hull[h]));
            }
        }
        // Within a menu slopes fall along the hull, so this order never takes a later step before an earlier one.
        steps.Sort((a, b) => (b.Slope, a.Menu, a.From).CompareTo((a.Slope, b.Menu, b.From)));
        var chosen = new int[menus.Length];
        long left = budget - menus.Sum(m => m.Options[0].Bytes);
        double loss = menus.Sum(m => m.Options[0].Loss);
        double price = 0;
        double bound = 0;
        foreach ((double slope, int menu, int from, int to) in steps)
        {
            long cost = menus[menu].Options[to].Bytes - menus[menu].Options[from].Bytes;
            if (cost <= left && chosen[menu] == from)
            {
                left -= cost;
                loss -= price == 0 ? menus[menu].Options[from].Loss - menus[menu].Options[to].Loss : 0;
                chosen[menu] = to;
            }
            else if (price == 0)
            {
                price = slope;
                bound = loss - slope * left;
            }
        }
        return new Relaxation(price, price == 0 ? loss : Math.Max(bound, 0), chosen);
    }
}
