using Lorq.Caching;
using Lorq.Decomposition;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq.Menu;

/// <summary>
/// The rank axis of a site's menu. One factorization per base tells the loss of every rank; pairs are made and measured only where that
/// comes near to what plain codes of the same bytes lose.
/// </summary>
internal sealed class RankChoices
{
    /// <summary>A base whose own loss is this much above that of the others at the same bytes is not looked at: a pair takes about the same share off every base.</summary>
    private const double NearHull = 1.15;

    /// <summary>
    /// What the spectrum promises has to be below this share of the loss of plain codes: the pair's own rounding comes on top, and a gain of a few
    /// per cent in a site's error was measured to be a loss at the model's outputs.
    /// </summary>
    internal const double ClearGain = 0.93;

    /// <summary>Where the spectrum of the best base of a bit-width promises no loss below this share of that of plain codes, its siblings are not looked at.</summary>
    private const double FarFromPaying = 1;

    /// <summary>Relative output error that is not worth a pair: about that of 8 bits.</summary>
    private const double Negligible = 1e-5;

    /// <summary>
    /// What has to be below this share to be worth several quantizations of the base: an alternation takes 5 to 20 % off a pair, but where a pair
    /// only just pays the budget solver hardly ever takes it.
    /// </summary>
    private const double StrongGain = 0.85;

    /// <summary>Alternations per site: each quantizes the base up to twelve times.</summary>
    private const int MostAlternations = 1;

    /// <summary>Ranks a spec can ask for, at most.</summary>
    private const int LargestRank = 256;

    private readonly OnnxModel model;
    private readonly Site site;
    private readonly IEmission emission;
    private readonly Lazy<WeightQuantizer> quantizer;
    private readonly CacheTable losses;
    private readonly string key;
    private readonly FactorShape[] shapes;
    private readonly IDecomposer[] methods;
    private readonly IDecomposer[] alternatives;
    private readonly IDecomposer[] splitters;
    private readonly List<Offer> offers = [];
    private readonly List<(Candidate Plain, Lazy<QuantizedMatrix> Codes)> bases = [];

    /// <summary>Reads what a spec allows a site.</summary>
    /// <param name="model">The model.</param>
    /// <param name="site">The site.</param>
    /// <param name="spec">The specification.</param>
    /// <param name="emission">How weights will be written.</param>
    /// <param name="quantizer">The site's weight.</param>
    /// <param name="hasMoment">True when its input was measured.</param>
    /// <param name="losses">What was measured before.</param>
    /// <param name="key">The digest of weight and input, with which the names of all rows begin.</param>
    public RankChoices(
        OnnxModel model,
        Site site,
        CompressionSpec spec,
        IEmission emission,
        Lazy<WeightQuantizer> quantizer,
        bool hasMoment,
        CacheTable losses,
        string key
    )
    {
        this.losses = losses;
        this.key = key;
        this.model = model;
        this.site = site;
        this.emission = emission;
        this.quantizer = quantizer;
        IReadOnlyList<int> ranks = spec.OverrideFor(site)?.Ranks ?? spec.Menu.Ranks;
        IsOptional = ranks.Contains(0);
        // A pair of r_max = KN/(K+N) has as many values as the matrix.
        double most = (double)site.K * site.N / (site.K + site.N);
        shapes =
        [
            .. ranks
                .Where(r => r > 0 && r < most && site.Groups == 1)
                .Order()
                .SelectMany(r =>
                    spec.Menu.FactorBits.Order().Select(b => new FactorShape(r, b == 8 ? FactorType.Int8 : FactorType.Float16))
                ),
        ];
        IReadOnlyList<string> names = spec.Menu.Decompositions;
        bool isAuto = names.Contains("auto");
        IDecomposer[] usable = [.. Decomposers.All.Where(d => hasMoment || !d.NeedsCalibration)];
        methods = [.. usable.Where(d => isAuto ? d.Name == "exact" : names.Contains(d.Name))];
        alternatives = [.. usable.Where(d => isAuto && d.Name == "alternation")];
        splitters = [.. usable.Where(d => isAuto && d.Name == "lq-lora")];
    }

    /// <summary>False when every site that can have a pair has to have one.</summary>
    public bool IsOptional { get; }

    /// <summary>True when there is anything to look at.</summary>
    public bool Any => shapes.Length > 0 && methods.Length > 0;

    /// <summary>Relative output error left by a pair of rank 0, 1, 2, … without codes; empty unless it was looked at.</summary>
    public IReadOnlyList<double> Spectrum { get; private set; } = [];

    /// <summary>Notes a base that pairs could stand beside. Codes are held only while they are near the best of their size.</summary>
    /// <param name="codes">The base.</param>
    /// <param name="plain">It as a candidate.</param>
    /// <param name="soFar">The candidates without a pair so far, this one included.</param>
    public void Consider(Lazy<QuantizedMatrix> codes, Candidate plain, IReadOnlyList<Candidate> soFar)
    {
        if (!Any || (IsOptional && plain.Loss <= Negligible) || !emission.SupportsFactors(model, site, plain.Grid))
        {
            return;
        }
        bases.Add((plain, codes));
        DropFarBases(soFar);
    }

    /// <summary>The candidates with a pair, measured; and, where a pair is required, only those.</summary>
    /// <param name="plain">The candidates without one.</param>
    /// <param name="cancellationToken">Stops.</param>
    public IReadOnlyList<Candidate> Extend(IReadOnlyList<Candidate> plain, CancellationToken cancellationToken)
    {
        DropFarBases(plain);
        var corners = new LowerHull(plain);
        foreach (var siblings in bases.GroupBy(b => b.Plain.Grid!.Bits))
        {
            LookAt([.. siblings.OrderBy(b => b.Plain.Loss / corners.LossAt(b.Plain.Bytes))], corners, cancellationToken);
        }
        bases.Clear();
        if (Any && emission.SupportsFactors(model, site, null))
        {
            Look(null, null, () => quantizer.Value.Metric.LossByRank(quantizer.Value.Weight.ToArray(), cancellationToken));
        }
        if (offers.Count == 0)
        {
            return plain;
        }
        IReadOnlyList<Candidate> rivals = IsOptional ? plain : [];
        var hull = new LowerHull(rivals);
        List<Candidate> made = [];
        foreach (var group in offers.Where(o => IsWorthMaking(o, hull, ClearGain)).GroupBy(o => (o.Quantizer, o.Grid)))
        {
            foreach (IDecomposer method in methods.Where(m => group.Key.Grid is not null || m.SupportsNoBase))
            {
                made.AddRange(Measure([.. group], method, cancellationToken));
            }
        }
        Candidate[] paying =
        [
            .. made.Where(m => m.Grid is not null && hull.LossAt(m.Bytes) > Negligible && m.Loss < StrongGain * hull.LossAt(m.Bytes))
                .OrderBy(m => m.Loss / hull.LossAt(m.Bytes))
                .ThenBy(m => m.Bytes)
                .Take(IsOptional ? MostAlternations : 0),
        ];
        foreach (Candidate pair in paying)
        {
            Offer offer = offers.First(o => o.Quantizer == pair.Quantizer && o.Grid == pair.Grid && o.Factors == pair.Factors);
            made.AddRange(alternatives.SelectMany(method => Measure([offer], method, cancellationToken)));
        }
        made.AddRange(Splits([.. rivals, .. made], cancellationToken));
        // What another candidate beats in bytes and loss would never be chosen.
        Candidate[] all = [.. rivals, .. made];
        return [.. rivals, .. made.Where(m => !all.Any(c => c.Bytes <= m.Bytes && c.Loss < m.Loss))];
    }

    /// <summary>
    /// Where a pair taken out before rounding leaves so little that the codes of the rest lose clearly less, the best one per bit-width: the
    /// spectrum of a base's error cannot tell. The pair that was taken out stays as it is, since fitting it anew would round it anew.
    /// </summary>
    private IEnumerable<Candidate> Splits(IReadOnlyList<Candidate> others, CancellationToken cancellationToken)
    {
        var hull = new LowerHull(others);
        return offers
            .Where(o => o.SplitLoss < o.Loss && IsWorthMaking(o with { Loss = o.SplitLoss }, hull, StrongGain))
            .GroupBy(o => o.Grid!.Bits)
            .Select(g => g.OrderBy(o => o.SplitLoss / hull.LossAt(o.Bytes)).ThenBy(o => o.Name, StringComparer.Ordinal).First())
            .SelectMany(o => splitters.SelectMany(method => Measure([o], method, cancellationToken)));
    }

    /// <summary>Squared size of what the best pair of a rank leaves of the weight itself, in proportion: rounding errors of the rest go with it.</summary>
    private double SplitPromise(int rank)
    {
        double[] scale = losses.GetOrAdd(
            $"{key}|scale",
            () =>
            {
                double[] tails = MetricSvd.Spectrum(quantizer.Value.Weight.ToArray(), site.K, site.N);
                return [.. tails.Take(LargestRank + 1).Select(t => tails[0] > 0 ? t / tails[0] : 1)];
            }
        );
        return scale[Math.Min(rank, scale.Length - 1)];
    }

    private void DropFarBases(IReadOnlyList<Candidate> plain)
    {
        var hull = new LowerHull(plain);
        bases.RemoveAll(b => b.Plain.Loss > NearHull * hull.LossAt(b.Plain.Bytes));
    }

    /// <summary>True when the spectrum promises less than a share of what a mix of the others loses, and these lose anything to speak of.</summary>
    private static bool IsWorthMaking(Offer offer, LowerHull rivals, double share)
    {
        double rival = rivals.LossAt(offer.Bytes);
        return rival > Negligible && offer.Loss < share * rival;
    }

    /// <summary>Bases of one bit-width, the nearest to the hull first: where even its pairs are far from paying, so are those of the others.</summary>
    private void LookAt(
        IReadOnlyList<(Candidate Plain, Lazy<QuantizedMatrix> Codes)> siblings,
        LowerHull hull,
        CancellationToken cancellationToken
    )
    {
        int before = offers.Count;
        foreach ((Candidate plain, Lazy<QuantizedMatrix> codes) in siblings)
        {
            Look(plain.Quantizer, plain.Grid, () => quantizer.Value.Metric.LossByRank(codes.Value, cancellationToken));
            if (IsOptional && !offers.Skip(before).Any(o => IsWorthMaking(o, hull, FarFromPaying)))
            {
                return;
            }
        }
    }

    private void Look(IQuantizer? method, QuantizationGrid? grid, Func<double[]> spectrum)
    {
        double[] lossByRank = losses.GetOrAdd($"{key}|{grid}|{method?.Name}|rank", () => [.. spectrum().Take(LargestRank + 1)]);
        Spectrum = grid is null ? lossByRank : Spectrum;
        foreach (FactorShape shape in shapes)
        {
            long bytes = emission.BytesDelta(model, site, Shape(grid, shape));
            double split = grid is null ? double.PositiveInfinity : lossByRank[0] * SplitPromise(shape.Rank);
            offers.Add(new Offer(method, grid, shape, lossByRank[Math.Min(shape.Rank, lossByRank.Length - 1)], split, bytes));
        }
    }

    private WeightShape Shape(QuantizationGrid? grid, FactorShape factors) =>
        grid is null
            ? new WeightShape(new Encoding.LowRank(), [], factors)
            : new WeightShape(new Encoding.Quantized(grid), [(grid, site.N)], factors);

    private IEnumerable<Candidate> Measure(IReadOnlyList<Offer> same, IDecomposer decomposer, CancellationToken cancellationToken)
    {
        Encoding encoding = Shape(same[0].Grid, same[0].Factors).Encoding;
        // All of a base at once, or none: they share the work.
        var parts = new Lazy<IReadOnlyList<Decomposed>>(() =>
            quantizer.Value.Decompose(decomposer, same[0].Quantizer, same[0].Grid, [.. same.Select(o => o.Factors)], cancellationToken)
        );
        for (int i = 0; i < same.Count; i++)
        {
            int place = i;
            double loss = losses.GetOrAdd(
                $"{key}|{same[i].Grid}|{same[i].Quantizer?.Name}|{same[i].Factors}|{decomposer.Name}",
                () => [quantizer.Value.Loss(Materializer.Dequantize(Materializer.Weight(site, encoding, parts.Value[place])), 0, site.N)]
            )[0];
            yield return new Candidate(encoding, same[i].Quantizer, loss, same[i].Bytes, decomposer, same[i].Factors);
        }
    }

    /// <summary>A pair that could be made, with the loss that its spectrum promises, and the loss to expect when it is taken out before rounding.</summary>
    private sealed record Offer(
        IQuantizer? Quantizer,
        QuantizationGrid? Grid,
        FactorShape Factors,
        double Loss,
        double SplitLoss,
        long Bytes
    )
    {
        public string Name => $"{Grid} {Factors} {Quantizer?.Name}";
    }
}
