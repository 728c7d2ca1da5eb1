using System.Diagnostics;

namespace Lorq.Budget;

/// <summary>The exact search; see <see cref="BudgetSolver"/>. At the price λ every selection's loss is the Lagrangian bound, plus the reduced costs of its options, plus λ times the bytes left unspent.</summary>
internal sealed class ExpandingCore
{
    /// <summary>Partial selections kept at once; past it the costliest are dropped and optimality is no longer proven.</summary>
    private const int StateLimit = 60_000;

    /// <summary>Records of how partial selections came about, at most; about 200 MB.</summary>
    private const int TrailLimit = 16_000_000;

    private readonly ParetoMenu[] menus;
    private readonly double price;
    private readonly long budget;
    private readonly double gap;
    private readonly Stopwatch watch;
    private readonly TimeSpan limit;
    private readonly int[] cheapest;
    private readonly double[][] reduced;
    private readonly double bound;
    private readonly List<(int Parent, int Menu, int Option)> trail = [(-1, -1, -1)];
    private int[] best;
    private double bestLoss;

    public ExpandingCore(ParetoMenu[] menus, Relaxation relaxed, long budget, double gap, Stopwatch watch, TimeSpan limit)
    {
        (this.menus, price, this.budget, this.gap, this.watch, this.limit) = (menus, relaxed.Price, budget, gap, watch, limit);
        cheapest = new int[menus.Length];
        reduced = new double[menus.Length][];
        double lagrangian = -price * budget;
        for (int m = 0; m < menus.Length; m++)
        {
            double[] cost = [.. menus[m].Options.Select(o => o.Loss + price * o.Bytes)];
            cheapest[m] = Array.IndexOf(cost, cost.Min());
            double least = cost[cheapest[m]];
            lagrangian += least;
            reduced[m] = [.. cost.Select(c => c - least)];
        }
        // Two forms of the same bound; rounding can make either the larger by an ulp.
        bound = Math.Max(0, Math.Min(lagrangian, relaxed.Bound));
        best = relaxed.Rounded;
        bestLoss = Loss(best);
    }

    /// <summary>The best selection, and the proven bound: its own loss when it is optimal.</summary>
    public (int[] Chosen, double Bound) Search(CancellationToken cancellationToken)
    {
        int[] order = [.. Enumerable.Range(0, menus.Length).OrderBy(SecondBest).ThenBy(m => m)];
        List<State> states = [new State(menus.Select((m, i) => m.Options[cheapest[i]].Bytes).Sum(), 0, 0)];
        bool complete = true;
        Offer(states);
        for (int i = 0; i < order.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (bestLoss <= bound * (1 + gap))
            {
                return (best, bound);
            }
            if (SecondBest(order[i]) >= bestLoss - bound)
            {
                break;
            }
            if (watch.Elapsed > limit || trail.Count > TrailLimit)
            {
                return (best, bound);
            }
            states = Open(states, order[i]);
            if (states.Count > StateLimit)
            {
                states =
                [
                    .. states.OrderBy(s => s.Reduced).ThenBy(s => s.Bytes).Take(StateLimit).OrderBy(s => s.Bytes).ThenBy(s => s.Reduced),
                ];
                complete = false;
            }
            Offer(states);
        }
        // Every selection not seen costs at least as much as the best: it is optimal.
        return (best, complete ? Math.Max(bound, bestLoss) : bound);
    }

    /// <summary>All partial selections with this menu's options, without those that cannot win or are dominated.</summary>
    private List<State> Open(List<State> states, int menu)
    {
        double room = bestLoss - bound;
        var next = new List<State>(states.Count * 2);
        next.AddRange(states);
        for (int o = 0; o < menus[menu].Options.Length; o++)
        {
            double cost = reduced[menu][o];
            if (o == cheapest[menu] || cost >= room)
            {
                continue;
            }
            long delta = menus[menu].Options[o].Bytes - menus[menu].Options[cheapest[menu]].Bytes;
            foreach (State s in states)
            {
                if (s.Reduced + cost < room)
                {
                    next.Add(new State(s.Bytes + delta, s.Reduced + cost, ~Pack(s.Trail, o)));
                }
            }
        }
        next.Sort((a, b) => (a.Bytes, a.Reduced, a.Trail).CompareTo((b.Bytes, b.Reduced, b.Trail)));
        var kept = new List<State>(next.Count);
        double least = double.PositiveInfinity;
        foreach (State s in next)
        {
            // More bytes must buy a lower loss; the loss without its constant is the reduced cost less λ·bytes.
            double loss = s.Reduced - price * s.Bytes;
            if (s.Reduced >= room || loss >= least)
            {
                continue;
            }
            least = loss;
            kept.Add(s.Trail < 0 ? s with { Trail = Record(~s.Trail, menu) } : s);
        }
        return kept;
    }

    private static long Pack(long trail, int option) => (trail << 20) | (uint)option;

    private long Record(long packed, int menu)
    {
        trail.Add(((int)(packed >> 20), menu, (int)(packed & 0xFFFFF)));
        return trail.Count - 1;
    }

    /// <summary>Takes the best complete selection among the states (unopened menus at their cheapest option).</summary>
    private void Offer(List<State> states)
    {
        State? winner = null;
        double least = bestLoss;
        foreach (State s in states)
        {
            double loss = bound + s.Reduced + price * (budget - s.Bytes);
            if (s.Bytes <= budget && loss < least)
            {
                (winner, least) = (s, loss);
            }
        }
        if (winner is { } w)
        {
            var chosen = (int[])cheapest.Clone();
            for (long t = w.Trail; t > 0; t = trail[(int)t].Parent)
            {
                chosen[trail[(int)t].Menu] = trail[(int)t].Option;
            }
            double loss = Loss(chosen);
            if (loss < bestLoss)
            {
                (best, bestLoss) = (chosen, loss);
            }
        }
    }

    private double Loss(int[] chosen)
    {
        double loss = 0;
        for (int m = 0; m < chosen.Length; m++)
        {
            loss += menus[m].Options[chosen[m]].Loss;
        }
        return loss;
    }

    private double SecondBest(int menu)
    {
        double second = double.PositiveInfinity;
        for (int o = 0; o < reduced[menu].Length; o++)
        {
            if (o != cheapest[menu])
            {
                second = Math.Min(second, reduced[menu][o]);
            }
        }
        return second;
    }

    private readonly record struct State(long Bytes, double Reduced, long Trail);
}
