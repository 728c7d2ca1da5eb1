using System.Runtime.CompilerServices;

namespace Lorq.Budget;

/// <summary>A partial selection: bytes and loss relative to the base, its bound, and how it came about.</summary>
internal readonly record struct State(long Cost, double Loss, double Bound, int Parent, int Option);

/// <summary>
/// One pass of dynamic programming over the core: after each menu a list of Pareto states (bytes, loss relative to the base,
/// menus to come at their base). States that cannot beat the incumbent are dropped; when more than <c>width</c> remain, those
/// with the largest bounds go too, and the least of their bounds limits what the pass proves.
/// </summary>
/// <remarks>
/// The loops over states are compiled optimized at once: on a busy machine the runtime may not come to replace their first,
/// slow version (four times slower) before a pass is over.
/// </remarks>
internal sealed class CorePass
{
    private readonly Core core;
    private readonly Relaxation relaxation;
    private readonly Incumbent incumbent;
    private readonly int width;
    private readonly Completion completion;
    private readonly List<(int[] Parents, int[] Options)> history = [];
    private State[] states = [new(0, 0, 0, -1, -1)];
    private readonly SortedRuns runs = new();
    private State[] buffer;
    private State[] scratch;
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
        scratch = new State[buffer.Length];
    }

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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Expand(int position, CancellationToken cancellationToken)
    {
        completion.StartAt(position + 1, incumbent.Excess + relaxation.Tolerance);
        buffered = 0;
        runs.Clear();
        foreach (Move move in core.Moves[position])
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (move.Reduced > incumbent.Excess + relaxation.Tolerance)
            {
                continue;
            }
            // States rise in bytes, so each move adds a sorted run.
            runs.Restart(buffered);
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
                        runs.Restart(buffered);
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

    /// <summary>Merges the buffer by bytes, drops dominated states, and the least promising ones beyond the width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Compact()
    {
        runs.Merge(ref buffer, ref scratch, buffered);
        Span<State> all = buffer.AsSpan(0, buffered);
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
        runs.Restart(0);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Truncate(Span<State> all)
    {
        var bounds = new double[all.Length];
        for (int i = 0; i < bounds.Length; i++)
        {
            bounds[i] = all[i].Bound;
        }
        double last = Selection.Smallest(bounds, width - 1);
        int below = 0;
        int ties = 0;
        double next = double.PositiveInfinity;
        foreach (double bound in bounds)
        {
            below += bound < last ? 1 : 0;
            ties += bound == last ? 1 : 0;
            next = bound > last ? Math.Min(next, bound) : next;
        }
        leastDropped = Math.Min(leastDropped, below + ties > width ? last : next);
        int kept = 0;
        long tie = 0;
        foreach (State state in all)
        {
            // Among equal bounds an evenly spaced choice keeps the states diverse in bytes.
            bool keep = state.Bound < last || (state.Bound == last && tie * (width - below) / ties != ++tie * (width - below) / ties);
            if (keep)
            {
                all[kept++] = state;
            }
        }
        return kept;
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
}
