namespace Lorq.Budget;

/// <summary>
/// One pass of dynamic programming over the core: after each menu a list of Pareto states (bytes, loss relative to the base,
/// menus to come at their base). States that cannot beat the incumbent are dropped; when more than <c>width</c> remain, those
/// with the largest bounds go too, and the least of their bounds limits what the pass proves.
/// </summary>
internal sealed class CorePass
{
    private readonly Core core;
    private readonly Relaxation relaxation;
    private readonly Incumbent incumbent;
    private readonly int width;
    private readonly Completion completion;
    private readonly List<(int[] Parents, int[] Options)> history = [];
    private State[] states = [new(0, 0, 0, -1, -1)];
    private readonly State[] buffer;
    private int buffered;
    private double leastDropped = double.PositiveInfinity;
    private (int Menu, int Parent, int Option) best = (-1, -1, -1);

    public CorePass(Core core, Relaxation relaxation, Incumbent incumbent, int width)
    {
        this.core = core;
        this.relaxation = relaxation;
        this.incumbent = incumbent;
        this.width = width;
        completion = new Completion(core, relaxation.Price);
        buffer = new State[Math.Max(1024, 4 * width)];
    }

    /// <summary>A partial selection: bytes and loss relative to the base, its bound, and how it came about.</summary>
    private readonly record struct State(long Cost, double Loss, double Bound, int Parent, int Option);

    /// <summary>Runs the pass and updates the incumbent; out of time, only the selection is updated, not the bound.</summary>
    public void Run(Func<bool>? outOfTime, CancellationToken cancellationToken)
    {
        bool complete = true;
        for (int position = 0; position < core.Menus.Length && states.Length > 0 && !incumbent.Proven; position++)
        {
            if (outOfTime?.Invoke() == true)
            {
                complete = false;
                break;
            }
            Expand(position, cancellationToken);
        }
        if (best.Menu >= 0)
        {
            Reconstruct();
        }
        if (complete)
        {
            incumbent.ExcessBound = Math.Max(incumbent.ExcessBound, Math.Min(incumbent.Excess, leastDropped));
        }
    }

    private void Expand(int position, CancellationToken cancellationToken)
    {
        completion.StartAt(position + 1);
        buffered = 0;
        foreach (Move move in core.Moves[position])
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (move.Reduced > incumbent.Excess + relaxation.Tolerance)
            {
                continue;
            }
            for (int s = 0; s < states.Length; s++)
            {
                long cost = states[s].Cost + move.Cost;
                double loss = states[s].Loss + move.Loss;
                long slack = relaxation.Slack - cost;
                double reduced = Math.Max(0, loss + relaxation.Price * cost);
                if (slack >= 0)
                {
                    Offer(reduced + relaxation.Price * slack, cost, position, s, move.Option);
                }
                double bound = reduced + completion.Evaluate(slack);
                if (bound <= incumbent.Excess + relaxation.Tolerance)
                {
                    if (buffered == buffer.Length)
                    {
                        Compact();
                    }
                    buffer[buffered++] = new(cost, loss, bound, s, move.Option);
                }
            }
        }
        Compact();
        states = buffer[..buffered];
        history.Add((Array.ConvertAll(states, s => s.Parent), Array.ConvertAll(states, s => s.Option)));
    }

    private void Offer(double excess, long cost, int position, int parent, int option)
    {
        // Within rounding errors the smaller selection wins.
        bool better = excess < incumbent.Excess - relaxation.Tolerance;
        bool smaller = excess <= incumbent.Excess + relaxation.Tolerance && cost < incumbent.Cost;
        if (better || smaller)
        {
            incumbent.Excess = Math.Min(excess, incumbent.Excess);
            incumbent.Cost = cost;
            best = (position, parent, option);
        }
    }

    /// <summary>Sorts the buffer by bytes, drops dominated states, and the least promising ones beyond the width.</summary>
    private void Compact()
    {
        Span<State> all = buffer.AsSpan(0, buffered);
        all.Sort(default(ByCost));
        double least = double.PositiveInfinity;
        int kept = 0;
        foreach (State state in all)
        {
            if (state.Loss < least)
            {
                least = state.Loss;
                all[kept++] = state;
            }
        }
        buffered = kept > width ? Truncate(all[..kept]) : kept;
    }

    private int Truncate(Span<State> all)
    {
        var ranks = new (double Bound, uint Mixed, int Index)[all.Length];
        for (int i = 0; i < ranks.Length; i++)
        {
            // Among equal bounds a scattered choice keeps the states diverse in bytes (multiplicative hashing).
            ranks[i] = (all[i].Bound, (uint)i * 2_654_435_769u, i);
        }
        Array.Sort(ranks);
        leastDropped = Math.Min(leastDropped, ranks[width].Bound);
        int[] chosen = Array.ConvertAll(ranks[..width], r => r.Index);
        Array.Sort(chosen);
        for (int i = 0; i < width; i++)
        {
            all[i] = all[chosen[i]];
        }
        return width;
    }

    private void Reconstruct()
    {
        int[] chosen = [.. relaxation.Chosen];
        chosen[core.Menus[best.Menu]] = best.Option;
        int parent = best.Parent;
        for (int position = best.Menu - 1; position >= 0; position--)
        {
            (int[] parents, int[] options) = history[position];
            chosen[core.Menus[position]] = options[parent];
            parent = parents[parent];
        }
        incumbent.Chosen = chosen;
    }

    private readonly struct ByCost : IComparer<State>
    {
        public int Compare(State x, State y) =>
            x.Cost != y.Cost ? x.Cost.CompareTo(y.Cost)
            : x.Loss != y.Loss ? x.Loss.CompareTo(y.Loss)
            : x.Parent != y.Parent ? x.Parent.CompareTo(y.Parent)
            : x.Option.CompareTo(y.Option);
    }
}
