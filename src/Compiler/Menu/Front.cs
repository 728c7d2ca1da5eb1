namespace Lorq.Menu;

/// <summary>A point of the size–loss front.</summary>
/// <param name="Solved">The best plan of its size.</param>
/// <param name="Measured">Its loss on held-out samples; null when it was not measured.</param>
public sealed record FrontPlan(SolvedPlan Solved, double? Measured);

/// <summary>
/// The size–loss front from one profile: the budget solver asked for every size. How much a site counts depends on how large errors are,
/// so ω is probed at a few sizes and interpolated between them.
/// </summary>
public sealed class Front
{
    /// <summary>Average bits per weight of the plans that sites are probed around.</summary>
    private static readonly double[] probedBits = [2.5, 4, 6];

    private readonly Planner planner;
    private readonly IReadOnlyList<SiteMenu> menus;
    private readonly List<(long Bytes, IReadOnlyDictionary<string, double> Omega)> anchors;
    private IReadOnlyList<(UniformPlan Facts, Plan Plan)>? uniform;

    private Front(Planner planner, IReadOnlyList<SiteMenu> menus, List<(long, IReadOnlyDictionary<string, double>)> anchors)
    {
        this.planner = planner;
        this.menus = menus;
        this.anchors = anchors;
    }

    /// <summary>A front with one set of weights for all sizes.</summary>
    public Front(Planner planner, IReadOnlyList<SiteMenu> menus, IReadOnlyDictionary<string, double> omega)
        : this(planner, menus, [(0, omega)]) { }

    /// <summary>Probes at several sizes.</summary>
    public static Front Probe(
        Planner planner,
        IReadOnlyList<SiteMenu> menus,
        DecisionMaker maker,
        Sensitivity sensitivity,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var anchors = new List<(long, IReadOnlyDictionary<string, double>)>();
        foreach (long bytes in probedBits.Select(planner.BytesAt).Distinct())
        {
            anchors.Add((bytes, maker.Probe(sensitivity, bytes, progress, cancellationToken)));
        }
        return new Front(planner, menus, anchors);
    }

    /// <summary>
    /// Solves at evenly spaced sizes (by ratio), from the smallest file to the largest that is worth having, and at those of the uniform
    /// plans between: beside each of these stands the best plan of its size.
    /// </summary>
    /// <param name="points">How many sizes, evenly spaced.</param>
    /// <param name="threads">Threads; 0 for one per core.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>Ascending in bytes, descending in predicted loss; sizes with the same plan count once.</returns>
    public IReadOnlyList<FrontPlan> Solve(int points, int threads, CancellationToken cancellationToken)
    {
        double first = planner.SmallestBytes;
        double last = Math.Max(first, planner.LargestBytes);
        var alike = UniformWithPlans().Where(u => u.Facts.Bytes > first && u.Facts.Bytes < last).ToLookup(u => u.Facts.Bytes);
        long[] sizes =
        [
            .. Enumerable
                .Range(0, points)
                .Select(i => (long)Math.Ceiling(first * Math.Pow(last / first, points == 1 ? 1 : (double)i / (points - 1))))
                .Concat(alike.Select(u => u.Key))
                .Distinct()
                .Order(),
        ];
        var solved = new SolvedPlan[sizes.Length];
        Workers.Run(
            sizes.Length,
            threads,
            i =>
            {
                SolvedPlan plan = planner.Solve(OmegaAt(sizes[i]), sizes[i], cancellationToken);
                // Sites that are alike share constants, which the solver, whose bytes are sums over sites, cannot know.
                foreach ((UniformPlan facts, Plan same) in alike[sizes[i]].Where(u => u.Facts.Predicted < plan.PredictedLoss))
                {
                    plan = plan with { Plan = same, PredictedBytes = facts.Bytes, PredictedLoss = facts.Predicted };
                }
                solved[i] = plan;
            },
            cancellationToken
        );
        var found = new List<FrontPlan>();
        foreach (SolvedPlan plan in solved)
        {
            // Interpolated weights may rate a larger plan worse than a smaller one by a hair; such a point is not on the front.
            if (
                found.Count == 0
                || (plan.PredictedBytes > found[^1].Solved.PredictedBytes && plan.PredictedLoss < found[^1].Solved.PredictedLoss)
            )
            {
                found.Add(new FrontPlan(plan, null));
            }
        }
        return found;
    }

    /// <summary>The uniform plans, with the loss that is predicted for each at its size.</summary>
    public IReadOnlyList<UniformPlan> Uniform() => [.. UniformWithPlans().Select(u => u.Facts)];

    private IReadOnlyList<(UniformPlan Facts, Plan Plan)> UniformWithPlans() =>
        uniform ??= [
            .. UniformPlans
                .All(planner, menus, anchors[0].Omega)
                .Select(u =>
                {
                    double predicted = u.Plan.Loss(OmegaAt(u.Facts.Bytes));
                    return (Facts: u.Facts with { Predicted = predicted }, u.Plan);
                })
                .OrderBy(u => u.Facts.Bytes)
                .ThenBy(u => u.Facts.Name, StringComparer.Ordinal),
        ];

    /// <summary>ω at a size: between two probed sizes in proportion to the logarithm of bytes.</summary>
    private IReadOnlyDictionary<string, double> OmegaAt(long bytes)
    {
        int above = anchors.FindIndex(a => a.Bytes >= bytes);
        if (above <= 0 || anchors.Count == 1)
        {
            return above == 0 ? anchors[0].Omega : anchors[^1].Omega;
        }
        ((long low, var before), (long high, var after)) = (anchors[above - 1], anchors[above]);
        double t = Math.Log((double)bytes / low) / Math.Log((double)high / low);
        return before.ToDictionary(
            p => p.Key,
            p => (1 - t) * p.Value + t * after.GetValueOrDefault(p.Key, p.Value),
            StringComparer.Ordinal
        );
    }
}
