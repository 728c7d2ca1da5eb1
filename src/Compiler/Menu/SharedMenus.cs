using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Decomposition;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq.Menu;

/// <summary>
/// Finds the groups of sites that read one input, and the left factors that they could share. Spectra of the matrices side by side say what a shared
/// pair could reach at best; only where that is clearly less than what the sites reach by themselves are candidates made and measured.
/// </summary>
public sealed class SharedMenus(
    OnnxModel model,
    CompressionSpec spec,
    IEmission emission,
    CalibrationResult? calibration,
    CacheProfile cache
)
{
    /// <summary>Left factors per group that are tried.</summary>
    private const int MostModes = 4;

    /// <summary>Relative output error that is not worth a byte.</summary>
    private const double Negligible = 1e-6;

    /// <summary>Sizes at which the sites lose more than this on average by themselves do not count: there a pair of rank 4 beats one of rank 2, and neither is of use.</summary>
    private const double UselessLoss = 0.2;

    private readonly CacheTable losses = cache.Table("menu");

    /// <summary>The groups for which sharing may pay.</summary>
    /// <param name="menus">The sites' own menus.</param>
    /// <param name="progress">Told after each group.</param>
    /// <param name="cancellationToken">Stops.</param>
    public IReadOnlyList<SharedGroup> Build(
        IReadOnlyList<SiteMenu> menus,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        if (!spec.Menu.Decompositions.Contains("auto"))
        {
            return [];
        }
        int[][] groups =
        [
            .. Enumerable
                .Range(0, menus.Count)
                .Where(i => menus[i].IsWhole && emission.SupportsSharedLeft(model, menus[i].Site, null))
                .GroupBy(i => (menus[i].Site.Uses[0].Use.Scope, menus[i].Site.Uses[0].InputTensor, menus[i].Site.K, Type(menus[i].Site)))
                .Where(g => g.Count() > 1)
                .Select(g => g.ToArray()),
        ];
        var factors = new FactorLifetime(calibration, groups.SelectMany(g => g).Select(i => menus[i].Site));
        var found = new SharedGroup?[groups.Length];
        int done = 0;
        object gate = new();
        Workers.Run(
            groups.Length,
            spec.Threads,
            g =>
            {
                SiteMenu[] members = [.. groups[g].Select(i => menus[i])];
                IReadOnlyList<SharedMode> modes = Modes(members, cancellationToken);
                found[g] = modes.Count > 0 ? new SharedGroup(groups[g], modes) : null;
                Array.ForEach(members, m => factors.Done(m.Site));
                lock (gate)
                {
                    progress?.Report(new StageProgress("Shared factors", ++done, groups.Length, members[0].Name));
                }
            },
            cancellationToken
        );
        return [.. found.OfType<SharedGroup>()];
    }

    /// <summary>Bytes of the values of a left factor; its header and node are counted with the sites.</summary>
    internal static long LeftBytes(int k, FactorShape shape) =>
        shape.Type == FactorType.Int8 ? (long)k * (shape.Rank + sizeof(short)) : (long)k * shape.Rank * sizeof(short);

    private static Onnx.TensorProto.Types.DataType Type(Site site) => site.Weight.ElementType;

    private List<SharedMode> Modes(SiteMenu[] members, CancellationToken cancellationToken)
    {
        string name = string.Join('+', members.Select(m => m.Site.Name));
        int k = members[0].Site.K;
        long n = members.Sum(m => (long)m.Site.N);
        double most = (double)k * n / (k + n);
        IEnumerable<int> ranks = members
            .Select(m => spec.OverrideFor(m.Site)?.Ranks ?? spec.Menu.Ranks)
            .Aggregate((all, own) => [.. all.Intersect(own)]);
        FactorShape[] shapes =
        [
            .. ranks
                .Where(r => r > 0 && r < most)
                .Order()
                .SelectMany(r =>
                    spec.Menu.FactorBits.Order().Select(b => new FactorShape(r, b == 8 ? FactorType.Int8 : FactorType.Float16, name))
                ),
        ];
        if (shapes.Length == 0)
        {
            return [];
        }
        string key = Key(members);
        var stack = new SharedStack([.. members.Select(m => m.Site)], calibration);
        // Of the values alone: how much smaller what is left to be rounded gets. In the metric: what is left without codes.
        double[] scale = losses.GetOrAdd($"{key}|shared scale {shapes[^1].Rank}", () => stack.Scale(shapes[^1].Rank, cancellationToken));
        double[] alone = losses.GetOrAdd($"{key}|shared {shapes[^1].Rank}", () => stack.Losses(shapes[^1].Rank, cancellationToken));
        var apart = LowerHull.Sum([.. members.Select(m => new LowerHull(m.Candidates))], 0);
        Offer[][][] offers = [.. shapes.Select(s => Array.ConvertAll(members, m => Offers(m, s, scale[s.Rank], alone[s.Rank])))];
        int[] promising =
        [
            .. Enumerable
                .Range(0, shapes.Length)
                .Select(s => (Shape: s, Share: Share(members, offers[s].Select(o => o.Select(x => (x.Bytes, x.Loss))), shapes[s], apart)))
                .Where(p => p.Share < RankChoices.ClearGain)
                .OrderBy(p => p.Share)
                .ThenBy(p => p.Shape)
                .Take(MostModes)
                .Select(p => p.Shape)
                .Order(),
        ];
        if (promising.Length == 0)
        {
            return [];
        }
        var left = new SharedLeft([.. promising.Select(s => shapes[s])], () => stack.Decompose(cancellationToken));
        var quantizers = Array.ConvertAll(
            members,
            m => new Lazy<WeightQuantizer>(() => new WeightQuantizer(m.Site, calibration?.For(m.Site)))
        );
        var modes = new List<SharedMode>();
        foreach (int s in promising)
        {
            Candidate[][] made =
            [
                .. members.Select((m, i) => Measure(m, key, offers[s][i], shapes[s], left, quantizers[i], cancellationToken)),
            ];
            if (Share(members, made.Select(o => o.Select(c => (c.Bytes, c.Loss))), shapes[s], apart) < 1)
            {
                modes.Add(
                    new SharedMode(
                        shapes[s],
                        LeftBytes(k, shapes[s]),
                        [.. members.Select((m, i) => (Candidate[])[.. m.Candidates, .. made[i]])]
                    )
                );
            }
        }
        return modes;
    }

    /// <summary>With what the names of all rows of a group begin: the weights of its members and what is known about their input.</summary>
    private string Key(SiteMenu[] members)
    {
        var hash = new ContentHash();
        foreach (SiteMenu member in members)
        {
            hash.Add(SiteKey.Of(member.Site, calibration?.For(member.Site)));
        }
        return hash.Finish().ToString();
    }

    /// <summary>The least ratio, over all sizes of use, of the loss with these candidates in addition to that without.</summary>
    private static double Share(
        SiteMenu[] members,
        IEnumerable<IEnumerable<(long Bytes, double Loss)>> added,
        FactorShape shape,
        LowerHull apart
    )
    {
        LowerHull[] hulls = [.. added.Select((a, i) => new LowerHull([.. a, .. members[i].Candidates.Select(c => (c.Bytes, c.Loss))]))];
        var together = LowerHull.Sum(hulls, LeftBytes(members[0].Site.K, shape));
        return apart
            .Corners.Concat(together.Corners)
            .Select(c => (With: together.LossAt(c.Bytes), Without: apart.LossAt(c.Bytes)))
            .Where(l => l.Without > Negligible && l.Without < UselessLoss * members.Length)
            .Select(l => l.With / l.Without)
            .DefaultIfEmpty(1)
            .Min();
    }

    private Offer[] Offers(SiteMenu menu, FactorShape shape, double scale, double alone)
    {
        Site site = menu.Site;
        long left = LeftBytes(site.K, shape);
        Candidate[] bases = [.. menu.Candidates.Where(c => c is { Grid: not null, Factors: null })];
        // A base that others beat in bytes and loss is not saved by a pair.
        return
        [
            .. bases
                .Where(c => !bases.Any(o => o.Bytes <= c.Bytes && o.Loss < c.Loss) && emission.SupportsSharedLeft(model, site, c.Grid))
                .Select(c => Offer(c.Quantizer, new WeightShape(c.Encoding, [(c.Grid!, site.N)], shape), c.Loss * scale))
                .Append(Offer(null, new WeightShape(new Encoding.LowRank(), [], shape), alone))
                .Where(o =>
                    spec.OverrideFor(site) is not { } own || own.AllowsBytes(site, o.Bytes) && own.AllowsBytes(site, o.Bytes + left)
                ),
        ];

        Offer Offer(IQuantizer? quantizer, WeightShape weight, double loss) =>
            new(quantizer, weight.Encoding, emission.BytesDelta(model, site, weight) - left, loss);
    }

    /// <summary>Makes and measures what lies on the lower hull of what is promised: elsewhere the site would be something else.</summary>
    private Candidate[] Measure(
        SiteMenu menu,
        string key,
        Offer[] offers,
        FactorShape shape,
        SharedLeft left,
        Lazy<WeightQuantizer> quantizer,
        CancellationToken cancellationToken
    )
    {
        Site site = menu.Site;
        HashSet<(long, double)> corners = [.. new LowerHull(offers.Select(o => (o.Bytes, o.Loss))).Corners];
        return
        [
            .. offers
                .Where(o => corners.Contains((o.Bytes, o.Loss)))
                .Select(o => new Candidate(o.Encoding, o.Quantizer, Loss(o), o.Bytes, left, shape)),
        ];

        double Loss(Offer offer) =>
            losses.GetOrAdd(
                $"{key}|{site.Name}|{offer.Encoding}|{offer.Quantizer?.Name}|{shape}",
                () =>
                {
                    QuantizationGrid? grid = (offer.Encoding as Encoding.Quantized)?.Grid;
                    Decomposed parts = quantizer.Value.Decompose(left, offer.Quantizer, grid, [shape], cancellationToken)[0];
                    return [quantizer.Value.Loss(Materializer.Dequantize(Materializer.Weight(site, offer.Encoding, parts)), 0, site.N)];
                }
            )[0];
    }

    /// <summary>A right factor with or without codes, and the loss that the spectra promise.</summary>
    private sealed record Offer(IQuantizer? Quantizer, Encoding Encoding, long Bytes, double Loss);
}
