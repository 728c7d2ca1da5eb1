using System.Runtime.CompilerServices;

namespace Lorq.Budget;

/// <summary>
/// The least reduced loss (plus the price of unused bytes) that the menus still to come must add to a state, by their linear
/// relaxation: a convex piecewise linear function of the bytes the state leaves, zero at zero, infinite where even the
/// smallest remaining options cannot make up for an overdraft.
/// </summary>
internal sealed class Completion
{
    private readonly (double Rate, long Cost, int Position)[] upSteps;
    private readonly (double Rate, long Cost, int Position)[] downSteps;
    private readonly double price;
    private readonly Side up;
    private readonly Side down;

    /// <summary>Collects the hull steps of all core menus, relative to the base.</summary>
    public Completion(Core core, double price)
    {
        this.price = price;
        var ups = new List<(double Rate, long Cost, int Position)>();
        var downs = new List<(double Rate, long Cost, int Position)>();
        for (int position = 0; position < core.Moves.Length; position++)
        {
            Move[] moves = core.Moves[position];
            int[] hull = ParetoMenu.LowerHull(Array.ConvertAll(moves, m => m.Cost), Array.ConvertAll(moves, m => m.Loss));
            for (int h = 1; h < hull.Length; h++)
            {
                (Move a, Move b) = (moves[hull[h - 1]], moves[hull[h]]);
                double slope = (a.Loss - b.Loss) / (b.Cost - a.Cost);
                if (a.Cost >= 0)
                {
                    ups.Add((Math.Max(0, price - slope), b.Cost - a.Cost, position));
                }
                else
                {
                    downs.Add((Math.Max(0, slope - price), b.Cost - a.Cost, position));
                }
            }
        }
        upSteps = [.. ups.OrderBy(s => s.Rate)];
        downSteps = [.. downs.OrderBy(s => s.Rate)];
        up = new Side(upSteps.Length);
        down = new Side(downSteps.Length);
    }

    /// <summary>Leaves out the menus before <paramref name="position"/>.</summary>
    /// <param name="position">The first menu still to come.</param>
    /// <param name="limit">Bounds above this need not be exact: a state that has one is dropped.</param>
    public void StartAt(int position, double limit)
    {
        up.Fill(upSteps, position, limit);
        down.Fill(downSteps, position, limit);
    }

    /// <summary>The bound for a state that leaves <paramref name="slack"/> bytes (negative: overdrawn).</summary>
    public double Evaluate(long slack) => slack >= 0 ? up.Evaluate(slack, price) : down.Evaluate(-slack, double.PositiveInfinity);

    /// <summary>Steps in one direction, cheapest first, as running sums.</summary>
    private sealed class Side(int capacity)
    {
        private readonly long[] ends = new long[capacity];
        private readonly double[] values = new double[capacity];
        private readonly double[] rates = new double[capacity];
        private int count;
        private bool isCut;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Fill((double Rate, long Cost, int Position)[] steps, int position, double limit)
        {
            count = 0;
            isCut = false;
            long end = 0;
            double value = 0;
            foreach ((double rate, long cost, int at) in steps)
            {
                if (at < position)
                {
                    continue;
                }
                end += cost;
                value += rate * cost;
                ends[count] = end;
                values[count] = value;
                rates[count++] = rate;
                if (value > limit)
                {
                    isCut = true;
                    return;
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public double Evaluate(long distance, double rateBeyond)
        {
            int lo = 0;
            int hi = count;
            while (lo < hi)
            {
                int mid = (lo + hi) >>> 1;
                if (ends[mid] < distance)
                {
                    lo = mid + 1;
                }
                else
                {
                    hi = mid;
                }
            }
            if (lo < count)
            {
                return values[lo] - rates[lo] * (ends[lo] - distance);
            }
            (long end, double value) = count == 0 ? (0, 0) : (ends[count - 1], values[count - 1]);
            // Rates rise, so behind a cut the last one is a lower bound for the steps that are not there.
            double rate = isCut ? rates[count - 1] : rateBeyond;
            return distance == end ? value : value + rate * (distance - end);
        }
    }
}
