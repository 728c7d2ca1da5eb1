using System.Diagnostics;
using System.Globalization;
using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq.Menu;

/// <summary>
/// Builds every unit's menu: each grid of the target quantized and measured, sites in parallel, one site's tensors in memory per
/// worker. Quantized weights are not kept: the chosen ones are made again from the same inputs.
/// </summary>
public sealed class MenuBuilder(
    OnnxModel model,
    CompressionSpec spec,
    IEmission emission,
    CalibrationResult? calibration,
    CacheProfile cache
)
{
    /// <summary>Rows of an embedding that share a grid are cut into at most this many runs: vocabularies are ordered by frequency.</summary>
    internal const int TableSegments = 16;

    /// <summary>Columns of a table segment that a candidate is measured on; the columns are independent, so a sample measures them all.</summary>
    private const int SampledColumns = 256;

    /// <summary>
    /// Weights that a candidate of any other site is measured on, in whole columns: where a site has at least twice as many columns, a sample stands
    /// for all. The work of a column grows with the square of K.
    /// </summary>
    private const int SampledWeights = 1 << 18;

    /// <summary>Columns of such a sample at least.</summary>
    private const int SmallestSample = 192;

    /// <summary>Bits of the grid that is measured on all columns besides.</summary>
    private const int ReferenceBits = 4;

    /// <summary>What was measured before: a row's name says which site, grid, quantizer and pair it is of.</summary>
    private readonly CacheTable losses = cache.Table("menu");

    /// <summary>Builds the menus, in the order of the sites.</summary>
    public IReadOnlyList<SiteMenu> Build(IReadOnlyList<Site> sites, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        var menus = new IReadOnlyList<SiteMenu>[sites.Count];
        var factors = new FactorLifetime(calibration, sites);
        double total = sites.Sum(Work);
        double done = 0;
        object gate = new();
        Workers.Run(
            sites.Count,
            i => Work(sites[i]),
            spec.Threads,
            i =>
            {
                long start = Stopwatch.GetTimestamp();
                IReadOnlyList<SiteMenu> units = Build(sites[i], cancellationToken);
                factors.Done(sites[i]);
                TimeSpan share = Stopwatch.GetElapsedTime(start) / units.Count;
                menus[i] = [.. units.Select(u => u with { Elapsed = share })];
                lock (gate)
                {
                    done += Work(sites[i]);
                    progress?.Report(new StageProgress("Menu", done, total, sites[i].Name));
                }
            },
            cancellationToken
        );
        return [.. menus.SelectMany(m => m)];
    }

    /// <summary>About how long quantizing a site takes, in no unit: the work of a column grows with the square of K.</summary>
    internal static double Work(Site site) => site.Kind == SiteKind.Gather ? (double)site.Count * 64 : (double)site.Count * (site.K + 64);

    private IReadOnlyList<SiteMenu> Build(Site site, CancellationToken cancellationToken)
    {
        SiteStatistics? statistics = calibration?.For(site);
        string key = SiteKey.Of(site, statistics).ToString();
        var quantizer = new Lazy<WeightQuantizer>(() => new WeightQuantizer(site, statistics));
        bool hasMoment = statistics?.Moments is { Count: > 0 };
        IReadOnlyList<QuantizationGrid> grids = GridChoices.Grids(model, site, spec, emission);
        IReadOnlyList<IQuantizer> methods = GridChoices.Methods(site, spec, hasMoment);
        if (
            site.Kind == SiteKind.Gather
            && !hasMoment
            && emission.SupportsSegments(site)
            && site.N >= TableSegments * SampledColumns
            && grids.Count > 0
        )
        {
            return Segments(site, key, quantizer, GridsWithinBits(site, grids), methods, cancellationToken);
        }
        int sampled = Math.Max(SmallestSample, SampledWeights / site.K);
        bool isWide = site.Groups == 1 && hasMoment && statistics!.Counts is null && site.N >= 2 * sampled;
        var sample = new Lazy<ColumnSample>(() => new ColumnSample(quantizer.Value, site, 0, site.N, sampled));
        var ranks = new RankChoices(model, site, spec, emission, quantizer, hasMoment, losses, key);
        var candidates = new List<Candidate> { new(new Encoding.Keep(), null, 0, 0), Half(site, key, quantizer) };
        foreach (IQuantizer method in methods)
        {
            QuantizationGrid[] supported = [.. grids.Where(method.Supports)];
            Lazy<QuantizedMatrix>[] codes =
            [
                .. supported.Select(grid => new Lazy<QuantizedMatrix>(() =>
                    quantizer.Value.Quantize(method, grid, 0, site.N, cancellationToken)
                )),
            ];
            double Measured(int i, bool isSampled, Func<double> measure) =>
                losses.GetOrAdd($"{key}|{supported[i]}|{method.Name}{(isSampled ? "|sample" : "")}", () => [measure()])[0];
            double Whole(int i) => Measured(i, false, () => quantizer.Value.Loss(codes[i].Value.Dequantize(), 0, site.N));
            double Sampled(int i) => Measured(i, true, () => sample.Value.Loss(method, supported[i], cancellationToken));
            // What makes the sample's columns lose more or less than the others does so on every grid: one of them, measured on all columns too,
            // corrects the rest. Without that, pairs, which are measured whole, would be compared with a number that is a few per cent off.
            int reference = Enumerable
                .Range(0, supported.Length)
                .OrderBy(i => Math.Abs(supported[i].Bits - ReferenceBits))
                .FirstOrDefault();
            double correction = isWide && supported.Length > 0 && Sampled(reference) is > 0 and double s ? Whole(reference) / s : 1;
            for (int i = 0; i < supported.Length; i++)
            {
                QuantizationGrid grid = supported[i];
                long bytes = emission.BytesDelta(model, site, new WeightShape(new Encoding.Quantized(grid), [(grid, site.N)]));
                double loss = isWide && i != reference ? correction * Sampled(i) : Whole(i);
                candidates.Add(new Candidate(new Encoding.Quantized(grid), method, loss, bytes));
                ranks.Consider(codes[i], candidates[^1], candidates);
            }
        }
        IReadOnlyList<Candidate> all = WithinBits(site, ranks.Extend(candidates, cancellationToken));
        return [new SiteMenu(site, 0, site.N, all) { Spectrum = ranks.Spectrum }];
    }

    /// <summary>The candidates between the floor and the ceiling of the site's override.</summary>
    private IReadOnlyList<Candidate> WithinBits(Site site, IReadOnlyList<Candidate> candidates)
    {
        if (spec.OverrideFor(site) is not { } own || own is { MinBits: null, MaxBits: null })
        {
            return candidates;
        }
        double Bits(Candidate c) => 8.0 * (site.StoredBytes + c.Bytes) / site.Count;
        Candidate[] kept = [.. candidates.Where(c => own.AllowsBytes(site, c.Bytes))];
        return kept.Length > 0
            ? kept
            : throw Catalogue.NothingBetweenBits.With(
                site.Name,
                own.MinBits ?? 0,
                own.MaxBits ?? double.PositiveInfinity,
                candidates.Min(Bits).ToString("0.00", CultureInfo.InvariantCulture),
                candidates.Max(Bits).ToString("0.00", CultureInfo.InvariantCulture)
            );
    }

    /// <summary>The grids of a table's runs between floor and ceiling, by what the whole table would take on each.</summary>
    private IReadOnlyList<QuantizationGrid> GridsWithinBits(Site site, IReadOnlyList<QuantizationGrid> grids)
    {
        IEnumerable<Candidate> whole = grids.Select(g =>
        {
            var encoding = new Encoding.Quantized(g);
            return new Candidate(encoding, null, 0, emission.BytesDelta(model, site, new WeightShape(encoding, [(g, site.N)])));
        });
        return [.. WithinBits(site, [.. whole]).Select(c => c.Grid!)];
    }

    private List<SiteMenu> Segments(
        Site site,
        string key,
        Lazy<WeightQuantizer> quantizer,
        IReadOnlyList<QuantizationGrid> grids,
        IReadOnlyList<IQuantizer> methods,
        CancellationToken cancellationToken
    )
    {
        int count = (site.N + TableSegments - 1) / TableSegments;
        var starts = new List<int>();
        for (int start = 0; start < site.N; start += count)
        {
            starts.Add(start);
        }
        var menus = new List<SiteMenu>(starts.Count);
        long whole = SegmentBytes(site, starts, count, grids[0], -1, grids[0]);
        foreach (int start in starts)
        {
            int columns = Math.Min(count, site.N - start);
            int unit = menus.Count;
            var sample = new Lazy<ColumnSample>(() => new ColumnSample(quantizer.Value, site, start, columns, SampledColumns));
            var candidates = new List<Candidate>(grids.Count * methods.Count);
            foreach (QuantizationGrid grid in grids)
            {
                // The first unit carries what the table saves as a whole; the others what their own grid changes.
                long bytes = SegmentBytes(site, starts, count, grids[0], unit, grid) - (unit == 0 ? 0 : whole);
                foreach (IQuantizer method in methods.Where(m => m.Supports(grid)))
                {
                    double loss = losses.GetOrAdd(
                        $"{key}[{start}+{columns}]|{grid}|{method.Name}",
                        () => [sample.Value.Loss(method, grid, cancellationToken)]
                    )[0];
                    candidates.Add(new(new Encoding.Quantized(grid), method, loss, bytes));
                }
            }
            menus.Add(new SiteMenu(site, start, columns, candidates));
        }
        return menus;
    }

    private long SegmentBytes(Site site, List<int> starts, int count, QuantizationGrid common, int unit, QuantizationGrid own)
    {
        var segments = starts.Select((s, i) => (i == unit ? own : common, Math.Min(count, site.N - s))).ToArray();
        return emission.BytesDelta(model, site, new WeightShape(new Encoding.Quantized(segments[0].Item1), segments));
    }

    private Candidate Half(Site site, string key, Lazy<WeightQuantizer> quantizer)
    {
        long bytes = emission.BytesDelta(model, site, new WeightShape(new Encoding.Half(), []));
        double loss = losses.GetOrAdd(
            $"{key}|fp16",
            () =>
            {
                ReadOnlySpan<float> weight = quantizer.Value.Weight;
                var rounded = new float[weight.Length];
                for (int i = 0; i < rounded.Length; i++)
                {
                    rounded[i] = (float)(System.Half)weight[i];
                }
                return [rounded.All(float.IsFinite) ? quantizer.Value.Loss(rounded, 0, site.N) : double.PositiveInfinity];
            }
        )[0];
        return new(new Encoding.Half(), null, loss, bytes);
    }
}
