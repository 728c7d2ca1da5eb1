using System.Numerics;

namespace Lorq.Budget;

/// <summary>A menu without dominated options: costs rise, losses fall. Costs are bytes above the smallest option's.</summary>
internal sealed class ParetoMenu
{
    private ParetoMenu(long smallest, long[] costs, double[] losses, int[] original)
    {
        Base = smallest;
        Costs = costs;
        Losses = losses;
        Original = original;
        Hull = LowerHull(costs, losses);
    }

    /// <summary>Bytes of the smallest option.</summary>
    public long Base { get; }

    /// <summary>Bytes above <see cref="Base"/>, strictly rising from 0.</summary>
    public long[] Costs { get; }

    /// <summary>Losses, strictly falling.</summary>
    public double[] Losses { get; }

    /// <summary>Index in the menu as given.</summary>
    public int[] Original { get; }

    /// <summary>Indices of the points on the lower convex hull, from the first option to the last.</summary>
    public int[] Hull { get; }

    /// <summary>Cuts a menu; null when it has no option with a finite loss.</summary>
    public static ParetoMenu? Create(IReadOnlyList<Option> options)
    {
        int[] order = [.. Enumerable.Range(0, options.Count).Where(j => double.IsFinite(options[j].Loss))];
        if (order.Length == 0)
        {
            return null;
        }
        Array.Sort(
            order,
            (a, b) =>
            {
                int byBytes = options[a].Bytes.CompareTo(options[b].Bytes);
                int byLoss = byBytes != 0 ? byBytes : options[a].Loss.CompareTo(options[b].Loss);
                return byLoss != 0 ? byLoss : a.CompareTo(b);
            }
        );
        int count = 0;
        double least = double.PositiveInfinity;
        foreach (int j in order)
        {
            if (options[j].Loss < least)
            {
                least = options[j].Loss;
                order[count++] = j;
            }
        }
        int[] kept = order[..count];
        long smallest = options[kept[0]].Bytes;
        return new(smallest, Array.ConvertAll(kept, j => options[j].Bytes - smallest), Array.ConvertAll(kept, j => options[j].Loss), kept);
    }

    /// <summary>The greatest common divisor of <paramref name="divisor"/> and all costs.</summary>
    public long CommonDivisor(long divisor)
    {
        foreach (long cost in Costs)
        {
            if (divisor == 1)
            {
                return 1;
            }
            divisor = (long)BigInteger.GreatestCommonDivisor(divisor, cost);
        }
        return divisor;
    }

    /// <summary>Lower convex hull of points with rising costs; collinear points between two others are left out.</summary>
    public static int[] LowerHull(ReadOnlySpan<long> costs, ReadOnlySpan<double> losses)
    {
        var hull = new List<int>(costs.Length);
        for (int j = 0; j < costs.Length; j++)
        {
            while (hull.Count >= 2 && !IsConvex(costs, losses, hull[^2], hull[^1], j))
            {
                hull.RemoveAt(hull.Count - 1);
            }
            hull.Add(j);
        }
        return [.. hull];
    }

    private static bool IsConvex(ReadOnlySpan<long> costs, ReadOnlySpan<double> losses, int a, int b, int c) =>
        (losses[a] - losses[b]) / (costs[b] - costs[a]) > (losses[b] - losses[c]) / (costs[c] - costs[b]);
}
