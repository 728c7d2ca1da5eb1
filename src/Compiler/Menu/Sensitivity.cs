using Lorq.Caching;
using Lorq.Rewriting;
using Lorq.Sites;

namespace Lorq.Menu;

/// <summary>
/// The weights ω of the budget: how much a site's relative output error costs at the model's outputs. One site at a time is
/// replaced by a candidate from the middle of its menu and the divergence of the final outputs on held-out samples is measured;
/// ω = divergence / relative error. Around a chosen plan the same is asked the other way: what restoring one site would save.
/// </summary>
public sealed class Sensitivity(EndToEnd probe, Materializer materializer)
{
    /// <summary>Sites that together make up this share of the predicted loss at most are not probed again: it would take as long as for the others.</summary>
    private const double Minor = 0.05;

    /// <summary>How much coarser than the expected choice a probe is, in relative error: it should stand out and yet stay where loss grows with error.</summary>
    private const double Coarser = 2;

    /// <summary>Probes are taken at errors this factor apart, about a bit: so that plans of similar size ask for the same probes.</summary>
    private const double Step = 4;

    /// <summary>ω per site name, from one replacement each.</summary>
    /// <param name="menus">The menus.</param>
    /// <param name="expected">A rough plan of the right size: losses are not proportional to errors over orders of magnitude, so sites are probed near the errors they will have.</param>
    /// <param name="progress">Told after each site.</param>
    /// <param name="cancellationToken">Stops.</param>
    public IReadOnlyDictionary<string, double> Probe(
        IReadOnlyList<SiteMenu> menus,
        Plan expected,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        IGrouping<Site, SiteMenu>[] sites = [.. menus.GroupBy(m => m.Site)];
        double[] errors = [.. Enumerable.Range(0, menus.Count).Select(i => expected[i].Loss)];
        // A site that the rough plan keeps is probed as the average of the others would be.
        double usual = Math.Exp(errors.Where(e => e > 0).Select(e => Math.Log(e)).DefaultIfEmpty(Math.Log(0.01)).Average());
        var target = Enumerable.Range(0, menus.Count).ToDictionary(i => menus[i], i => Snap(Coarser * (errors[i] > 0 ? errors[i] : usual)));
        (Site Site, Plan Plan, Digest Key, double Error)[] probes = [.. sites.Select(s => Probe(s.Key, [.. s], target))];
        var measured = probes.Where(p => p.Error > 0).ToArray();
        // All that was not measured before is made at once.
        var open = measured.Where(p => !probe.Knows(p.Key)).Select(p => p.Plan).ToList();
        var together = new Plan([.. open.SelectMany(p => p.Menus)], [.. open.SelectMany(p => p.Chosen)]);
        var made = materializer.Draft(together, progress, cancellationToken).ToDictionary(w => w.Site);
        IReadOnlyList<double> divergences = probe.Losses(
            [.. measured.Select(p => (p.Key, (Func<IReadOnlyList<CompressedWeight>>)(() => [made[p.Site]])))],
            [],
            done => progress?.Report(new StageProgress("Probes", done, measured.Length, measured[done - 1].Site.Name)),
            cancellationToken
        );
        var weights = probes.ToDictionary(p => p.Site.Name, _ => 0.0, StringComparer.Ordinal);
        for (int i = 0; i < measured.Length; i++)
        {
            weights[measured[i].Site.Name] = divergences[i] / measured[i].Error;
        }
        return weights;
    }

    /// <summary>ω per site name around a plan: the divergence that restoring the site alone takes away, over its relative error.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="compressed">Its weights.</param>
    /// <param name="before">The weights in use; kept for sites that the plan does not compress, or that hardly count in it.</param>
    /// <param name="progress">Told after each site.</param>
    /// <param name="cancellationToken">Stops.</param>
    public IReadOnlyDictionary<string, double> ProbeAround(
        Plan plan,
        IReadOnlyList<CompressedWeight> compressed,
        IReadOnlyDictionary<string, double> before,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var weights = new Dictionary<string, double>(before, StringComparer.Ordinal);
        var errors = plan
            .Menus.Select((m, i) => (m.Site.Name, plan[i].Loss))
            .GroupBy(p => p.Name)
            .ToDictionary(g => g.Key, g => g.Sum(p => p.Loss));
        CompressedWeight[] counting = Counting(compressed, w => before[w.Site.Name] * errors[w.Site.Name]);
        double whole = probe.Loss(plan.Digest, () => compressed, cancellationToken);
        IReadOnlyList<double> without = probe.Losses(
            [
                .. counting.Select(w =>
                    (
                        new ContentHash().Add(plan.Digest).Add("without").Add(w.Site.Name).Finish(),
                        (Func<IReadOnlyList<CompressedWeight>>)(() => [.. compressed.Where(other => !ReferenceEquals(other, w))])
                    )
                ),
            ],
            compressed,
            done => progress?.Report(new StageProgress("Probes", done, counting.Length, counting[done - 1].Site.Name)),
            cancellationToken
        );
        for (int i = 0; i < counting.Length; i++)
        {
            string site = counting[i].Site.Name;
            if (errors[site] > 0)
            {
                // Restoring a site can look harmful within noise; a weight of zero would let the solver ruin it.
                weights[site] = Math.Max((whole - without[i]) / errors[site], 0.1 * before[site]);
            }
        }
        return weights;
    }

    /// <summary>All but the least, in order.</summary>
    private static CompressedWeight[] Counting(IReadOnlyList<CompressedWeight> weights, Func<CompressedWeight, double> share)
    {
        double rest = Minor * weights.Sum(share);
        HashSet<CompressedWeight> minor = [.. weights.OrderBy(share).TakeWhile(w => (rest -= share(w)) >= 0)];
        return [.. weights.Where(w => !minor.Contains(w))];
    }

    /// <summary>One site's units by the candidates nearest to the targets, and what that loses of the site's output.</summary>
    private static (Site Site, Plan Plan, Digest Key, double Error) Probe(Site site, SiteMenu[] units, Dictionary<SiteMenu, double> target)
    {
        var plan = new Plan(units, [.. units.Select(u => Middle(u, target[u]))]);
        Digest key = new ContentHash().Add(plan.Digest).Add("draft").Finish();
        return (site, plan, key, Enumerable.Range(0, units.Length).Sum(i => plan[i].Loss));
    }

    private static double Snap(double error) => Math.Pow(Step, Math.Round(Math.Log(error, Step)));

    /// <summary>The candidate whose error is nearest to the target: plain codes, and with a pair only where all have one.</summary>
    private static int Middle(SiteMenu menu, double target) =>
        Enumerable
            .Range(0, menu.Candidates.Count)
            .MinBy(i =>
            {
                Candidate c = menu.Candidates[i];
                bool isUsable = c.Grid is not null && c.Loss > 0 && double.IsFinite(c.Loss);
                return (!isUsable, c.Factors is not null, isUsable ? Math.Abs(Math.Log(c.Loss / target)) : 0);
            });
}
