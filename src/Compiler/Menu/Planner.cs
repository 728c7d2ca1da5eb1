using Lorq.Budget;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Rewriting;

namespace Lorq.Menu;

/// <summary>A plan inside the budget, with the solver's certificate.</summary>
/// <param name="Plan">The choices.</param>
/// <param name="Solution">Value, bound and gap.</param>
/// <param name="PredictedBytes">Bytes of the written file as predicted.</param>
/// <param name="PredictedLoss">Σ ω·ℓ.</param>
public sealed record SolvedPlan(Plan Plan, Solution Solution, long PredictedBytes, double PredictedLoss);

/// <summary>Joins menus, weights and a byte budget into the exact problem, and checks the bytes of the answer against the real emission.</summary>
public sealed class Planner
{
    /// <summary>Solves at most; each takes milliseconds.</summary>
    private const int MaximumRounds = 8;

    /// <summary>Unspent bytes not worth another round.</summary>
    private const int SmallestSlack = 64;

    /// <summary>Solves in search of the size that a loss takes: enough for a few bytes of a file of gigabytes.</summary>
    private const int BisectionSteps = 40;

    private readonly OnnxModel model;
    private readonly IEmission emission;
    private readonly IReadOnlyList<SiteMenu> menus;
    private readonly IReadOnlyList<SharedGroup> groups;
    private readonly long original;
    private readonly Lazy<long> smallestSum;
    private readonly Lazy<long> smallest;

    /// <summary>Joins what is known about a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="emission">How weights will be written.</param>
    /// <param name="menus">The menus, a unit each.</param>
    /// <param name="groups">Units that may share a left factor.</param>
    public Planner(OnnxModel model, IEmission emission, IReadOnlyList<SiteMenu> menus, IReadOnlyList<SharedGroup> groups)
    {
        this.model = model;
        this.emission = emission;
        this.menus = menus;
        this.groups = groups;
        original = model.MeasureBytes();
        var alike = new Dictionary<string, double>();
        IReadOnlyList<Option>[] options = Options(menus, alike);
        IReadOnlyList<ModeGroup> modes = Groups(menus, groups, alike);
        smallestSum = new(() => ModeSearch.SmallestBytes(options, modes));
        smallest = new(() => TrueBytes(PlanOf(ModeSearch.Solve(options, modes, smallestSum.Value)!)));
    }

    /// <summary>Bytes of the smallest file the menus allow.</summary>
    public long SmallestBytes => smallest.Value;

    /// <summary>Bytes of the largest file that is worth having: every unit at its least loss.</summary>
    public long LargestBytes =>
        original + emission.FixedBytes(model) + menus.Sum(m => m.Candidates.OrderBy(c => c.Loss).ThenBy(c => c.Bytes).First().Bytes);

    /// <summary>Bytes of a file whose sites have so many bits per weight on average; at least what the menus allow.</summary>
    public long BytesAt(double bitsPerWeight)
    {
        var sites = menus.Select(m => m.Site).Distinct().ToList();
        double saved = sites.Sum(s => s.StoredBytes - s.Count * bitsPerWeight / 8);
        return Math.Max(SmallestBytes, original - (long)saved);
    }

    /// <summary>The same question with menus that offer no low-rank pair; null when there is none to leave out, or a unit has nothing else.</summary>
    public Planner? WithoutPairs()
    {
        SiteMenu[] plain = [.. menus.Select(m => m with { Candidates = [.. m.Candidates.Where(c => c.Factors is null)] })];
        bool isSame = groups.Count == 0 && menus.All(m => m.Candidates.All(c => c.Factors is null));
        return isSame || plain.Any(m => m.Candidates.Count == 0) ? null : new Planner(model, emission, plain, []);
    }

    /// <summary>Solves for a file of at most <paramref name="budget"/> bytes.</summary>
    /// <param name="weights">ω per site name; 1 for sites that are not in it.</param>
    /// <param name="budget">Bytes of the whole file.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="LorqException">Even the smallest choices do not fit.</exception>
    public SolvedPlan Solve(IReadOnlyDictionary<string, double> weights, long budget, CancellationToken cancellationToken)
    {
        IReadOnlyList<Option>[] options = Options(menus, weights);
        IReadOnlyList<ModeGroup> modes = Groups(menus, groups, weights);
        // The sum over sites is an upper bound a few KB high: neighbouring parts of a table share nodes, and sites share functions. What
        // the true size of an answer leaves unspent is given back to the solver until the rest is smaller than any step.
        long available = Math.Max(Available(budget), smallestSum.Value);
        SolvedPlan? best = null;
        for (int round = 0; round < MaximumRounds; round++)
        {
            ModeSolution? found = ModeSearch.Solve(options, modes, available, gap: 1e-6, cancellationToken: cancellationToken);
            if (found is null)
            {
                break;
            }
            Plan plan = PlanOf(found);
            long bytes = TrueBytes(plan);
            if (bytes <= budget && (best is null || found.Solution.Loss < best.PredictedLoss))
            {
                best = new SolvedPlan(plan, found.Solution, bytes, found.Solution.Loss);
            }
            long slack = budget - bytes;
            if (slack is >= 0 and < SmallestSlack)
            {
                break;
            }
            available += slack;
        }
        return best ?? throw Catalogue.BudgetTooSmall.With($"{budget} bytes", $"{SmallestBytes} bytes");
    }

    /// <summary>The smallest file whose predicted loss is at most <paramref name="loss"/>; null when none within the budget is predicted so low.</summary>
    /// <param name="weights">ω per site name.</param>
    /// <param name="loss">Σ ω·ℓ at most.</param>
    /// <param name="budget">Bytes of the whole file at most.</param>
    /// <param name="cancellationToken">Stops.</param>
    public SolvedPlan? SolveForLoss(
        IReadOnlyDictionary<string, double> weights,
        double loss,
        long budget,
        CancellationToken cancellationToken
    )
    {
        IReadOnlyList<Option>[] options = Options(menus, weights);
        IReadOnlyList<ModeGroup> modes = Groups(menus, groups, weights);
        long low = Available(SmallestBytes);
        long high = Available(Math.Min(budget, Math.Max(LargestBytes, SmallestBytes)));
        ModeSolution? best = null;
        for (int step = 0; step < BisectionSteps && low <= high; step++)
        {
            // The largest first: when it misses the loss, nothing meets it.
            long middle = step == 0 ? high : low + (high - low) / 2;
            ModeSolution? found = ModeSearch.Solve(options, modes, middle, gap: 1e-6, cancellationToken: cancellationToken);
            if (found is not null && found.Solution.Loss <= loss)
            {
                best = found;
                high = Math.Min(found.Solution.Bytes, middle) - 1;
            }
            else if (step == 0)
            {
                return null;
            }
            else
            {
                low = middle + 1;
            }
        }
        if (best is null)
        {
            return null;
        }
        Plan plan = PlanOf(best);
        return new SolvedPlan(plan, best.Solution, TrueBytes(plan), best.Solution.Loss);
    }

    /// <summary>Bytes of the written file for a plan.</summary>
    public long TrueBytes(Plan plan) => original + emission.PlanBytesDelta(model, [.. Materializer.Shapes(plan)]);

    private long Available(long budget) => budget - original - emission.FixedBytes(model);

    /// <summary>The plan of a solution: members of a group that shares choose from the menus of its mode.</summary>
    private Plan PlanOf(ModeSolution found)
    {
        SiteMenu[] chosen = [.. menus];
        for (int g = 0; g < groups.Count; g++)
        {
            if (found.Modes[g] >= 0)
            {
                SharedMode mode = groups[g].Modes[found.Modes[g]];
                for (int m = 0; m < groups[g].Members.Count; m++)
                {
                    int i = groups[g].Members[m];
                    chosen[i] = menus[i] with { Candidates = mode.Candidates[m] };
                }
            }
        }
        return new Plan(chosen, found.Solution.Chosen);
    }

    private static IReadOnlyList<Option>[] Options(IReadOnlyList<SiteMenu> menus, IReadOnlyDictionary<string, double> weights) =>
        [.. menus.Select(m => Options(m.Site.Name, m.Candidates, weights))];

    private static IReadOnlyList<ModeGroup> Groups(
        IReadOnlyList<SiteMenu> menus,
        IReadOnlyList<SharedGroup> groups,
        IReadOnlyDictionary<string, double> weights
    ) =>
        [
            .. groups.Select(g => new ModeGroup(
                g.Members,
                [
                    .. g.Modes.Select(m => new Mode(
                        m.Bytes,
                        [.. m.Candidates.Select((c, i) => Options(menus[g.Members[i]].Site.Name, c, weights))]
                    )),
                ]
            )),
        ];

    private static IReadOnlyList<Option> Options(
        string site,
        IReadOnlyList<Candidate> candidates,
        IReadOnlyDictionary<string, double> weights
    ) => [.. candidates.Select(c => new Option(c.Bytes, c.Loss * weights.GetValueOrDefault(site, 1)))];
}
