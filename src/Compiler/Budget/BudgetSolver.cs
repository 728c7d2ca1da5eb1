using System.Diagnostics;

namespace Lorq.Budget;

/// <summary>One choice in a menu: what it costs and what it loses. Losses are non-negative, already weighted (ω·ℓ).</summary>
public readonly record struct Option(long Bytes, double Loss);

/// <summary>An exact answer with its certificate.</summary>
/// <param name="Chosen">Index of the chosen option per menu.</param>
/// <param name="Bytes">Their total.</param>
/// <param name="Loss">Their total loss.</param>
/// <param name="Bound">A proven lower bound on the loss of any selection within the budget.</param>
/// <param name="Elapsed">Time spent.</param>
public sealed record Solution(IReadOnlyList<int> Chosen, long Bytes, double Loss, double Bound, TimeSpan Elapsed)
{
    /// <summary>(Loss − Bound) / Bound; 0 when proven optimal (also when both are 0).</summary>
    public double Gap =>
        Loss <= Bound ? 0
        : Bound > 0 ? (Loss - Bound) / Bound
        : double.PositiveInfinity;
}

/// <summary>
/// The multiple-choice knapsack: one option per menu, total bytes within the budget, least total loss.
/// Menus are cut to their Pareto sets; the linear relaxation (Dyer 1984, Zemel 1984) gives a bound and a near-optimal start;
/// options whose reduced loss exceeds the remaining gap are discarded (Pisinger 1995, "A minimal algorithm for the
/// multiple-choice knapsack problem"); what is left is solved by dynamic programming over Pareto states, pruned by the
/// relaxation of the menus still to come, in passes of growing width. A pass that drops no state is a proof of optimality;
/// one that does reports the least bound among the dropped states, so the certificate holds either way.
/// </summary>
public static class BudgetSolver
{
    /// <summary>Largest magnitude of one option's bytes (4 PiB): sums over menus stay exact in 64 bits and in fp64.</summary>
    private const long LargestBytes = 1L << 52;

    /// <summary>A gap below this is not worth any further work, whatever remains to be proven.</summary>
    private const double NegligibleGap = 1e-10;

    /// <summary>Transitions spent on closing a gap that is already small enough: a fraction of a second.</summary>
    private const long PolishWork = 12_000_000;

    /// <summary>Transitions spent on reaching the requested gap: a few seconds.</summary>
    private const long HardWork = 600_000_000;

    private static readonly int[] widths = [32, 512, 8192, 65_536, 524_288];

    /// <summary>
    /// Solves. The gap is at most <paramref name="gap"/> unless time or the built-in work limit runs out (then it is reported
    /// as it is); where optimality can be proven quickly it is, whatever the gap asked for. Deterministic unless
    /// <paramref name="timeLimit"/> cuts the search short. Ties go to fewer bytes, then to the lower index.
    /// Bytes may be negative (changes of a file's size). Options with a NaN or infinite loss are ignored.
    /// </summary>
    /// <param name="menus">The options of each menu, in any order.</param>
    /// <param name="budget">Most bytes in total.</param>
    /// <param name="gap">Relative gap that is good enough.</param>
    /// <param name="timeLimit">Wall-clock limit of the search; none by default.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>Null when even the smallest options exceed the budget.</returns>
    /// <exception cref="ArgumentException">A menu without a usable option, a negative loss, or bytes beyond 4 PiB.</exception>
    public static Solution? Solve(
        IReadOnlyList<IReadOnlyList<Option>> menus,
        long budget,
        double gap = 1e-4,
        TimeSpan? timeLimit = null,
        CancellationToken cancellationToken = default
    )
    {
        long start = Stopwatch.GetTimestamp();
        ParetoMenu[] pareto = Prepare(menus);
        Int128 capacity = (Int128)budget - pareto.Aggregate((Int128)0, (sum, m) => sum + m.Base);
        if (capacity < 0)
        {
            return null;
        }
        // Every selection moves in multiples of the common divisor: bytes beyond the last multiple can never be used,
        // and the bound is tighter without them.
        long divisor = pareto.Aggregate(0L, (g, m) => m.CommonDivisor(g));
        long slack = (long)Int128.Min(capacity, long.MaxValue);
        Relaxation relaxation = Relaxation.Solve(pareto, divisor > 1 ? slack - (slack % divisor) : slack);
        var state = new Incumbent(relaxation);
        Search(
            pareto,
            relaxation,
            state,
            gap,
            timeLimit is { } limit ? () => Stopwatch.GetElapsedTime(start) > limit : null,
            cancellationToken
        );

        var chosen = new int[menus.Count];
        long bytes = 0;
        double loss = 0;
        for (int i = 0; i < chosen.Length; i++)
        {
            chosen[i] = pareto[i].Original[state.Chosen[i]];
            bytes += menus[i][chosen[i]].Bytes;
            loss += menus[i][chosen[i]].Loss;
        }
        double bound = state.Proven ? loss : Math.Clamp(relaxation.Bound + state.ExcessBound - relaxation.Tolerance, 0, loss);
        return new Solution(chosen, bytes, loss, bound, Stopwatch.GetElapsedTime(start));
    }

    /// <summary>The least budget for which there is a selection: every menu at its smallest usable option.</summary>
    /// <exception cref="ArgumentException">As for <see cref="Solve"/>.</exception>
    public static long SmallestBytes(IReadOnlyList<IReadOnlyList<Option>> menus) => Prepare(menus).Sum(m => m.Base);

    private static ParetoMenu[] Prepare(IReadOnlyList<IReadOnlyList<Option>> menus)
    {
        var pareto = new ParetoMenu[menus.Count];
        for (int i = 0; i < pareto.Length; i++)
        {
            foreach (Option option in menus[i])
            {
                if (option.Loss < 0 && double.IsFinite(option.Loss))
                {
                    throw new ArgumentException($"Menu {i} has an option with the negative loss {option.Loss}.", nameof(menus));
                }
                if (option.Bytes is > LargestBytes or < -LargestBytes)
                {
                    throw new ArgumentException($"Menu {i} has an option of {option.Bytes} bytes.", nameof(menus));
                }
            }
            pareto[i] =
                ParetoMenu.Create(menus[i]) ?? throw new ArgumentException($"Menu {i} has no option with a finite loss.", nameof(menus));
        }
        return pareto;
    }

    private static void Search(
        ParetoMenu[] menus,
        Relaxation relaxation,
        Incumbent state,
        double gap,
        Func<bool>? outOfTime,
        CancellationToken cancellationToken
    )
    {
        int before = 0;
        foreach (int wanted in widths)
        {
            double open = state.Excess - state.ExcessBound;
            double bound = relaxation.Bound + state.ExcessBound;
            if (state.Proven || open <= NegligibleGap * bound || outOfTime?.Invoke() == true)
            {
                return;
            }
            var core = Core.Reduce(menus, relaxation, state.Excess);
            long work = open <= gap * bound ? PolishWork : HardWork;
            int width = (int)Math.Min(wanted, Math.Max(widths[0], work / Math.Max(1, core.Transitions)));
            // A pass hardly wider than the one before would repeat it.
            if (width < 4 * before)
            {
                return;
            }
            before = width;
            new CorePass(core, relaxation, state, width).Run(outOfTime, cancellationToken);
        }
    }
}
