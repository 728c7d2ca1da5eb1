using System.Collections.Concurrent;
using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Decomposition;
using Lorq.Numerics;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;

namespace Lorq.Menu;

/// <summary>Makes the chosen weights again from the inputs they were measured on, with more work than was spent on measuring.</summary>
public sealed class Materializer(CalibrationResult? calibration, int threads, CacheProfile cache)
{
    private readonly ConcurrentDictionary<Site, Digest> keys = new(ReferenceEqualityComparer.Instance);

    /// <summary>The compressed weights of a plan, one per site that is not kept, in the order of the menus.</summary>
    public IReadOnlyList<CompressedWeight> Materialize(
        Plan plan,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    ) => Materialize(plan, isDraft: false, progress, cancellationToken);

    /// <summary>The same by the quantizers that menus measure with, which take less time and lose a little more: for probes.</summary>
    public IReadOnlyList<CompressedWeight> Draft(Plan plan, IProgress<StageProgress>? progress, CancellationToken cancellationToken) =>
        Materialize(plan, isDraft: true, progress, cancellationToken);

    private CompressedWeight[] Materialize(Plan plan, bool isDraft, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        var sites = Runs(plan)
            .GroupBy(r => r.Site)
            .Select(g => (Site: g.Key, Runs: g.ToArray()))
            .Where(s => s.Runs[0].Candidate.Encoding is not Encoding.Keep)
            .ToArray();
        var factors = new FactorLifetime(calibration, sites.Select(s => s.Site));
        var weights = new CompressedWeight[sites.Length];
        int done = 0;
        object gate = new();
        Workers.Run(
            sites.Length,
            i => MenuBuilder.Work(sites[i].Site),
            threads,
            i =>
            {
                (Site site, Run[] runs) = sites[i];
                weights[i] = Materialize(site, runs, isDraft, cancellationToken);
                factors.Done(site);
                lock (gate)
                {
                    progress?.Report(new StageProgress("Quantization", ++done, sites.Length, site.Name));
                }
            },
            cancellationToken
        );
        return weights;
    }

    /// <summary>Some columns of a site by a candidate, all of them where it has a pair, from values and an input of the caller's.</summary>
    public static CompressedWeight Materialize(
        Site site,
        Candidate candidate,
        WeightQuantizer quantizer,
        int start,
        int count,
        CancellationToken cancellationToken
    ) => Materialize(site, [new Run(site, start, count, candidate)], quantizer, isDraft: false, cancellationToken);

    /// <summary>Codes and pair as one compressed weight.</summary>
    public static CompressedWeight Weight(Site site, Encoding encoding, Decomposed parts) =>
        new(site, encoding, parts.Base is { } codes ? [codes] : [], parts.Factors);

    /// <summary>The values a compressed weight stands for, row-major K×N.</summary>
    public static float[] Dequantize(CompressedWeight weight)
    {
        Site site = weight.Site;
        if (weight.Encoding is Encoding.Half)
        {
            float[] rounded = site.ReadWeight();
            for (int i = 0; i < rounded.Length; i++)
            {
                rounded[i] = (float)(System.Half)rounded[i];
            }
            return rounded;
        }
        float[] view = weight.Segments.Count == 1 ? weight.Segments[0].Dequantize() : Joined(weight);
        if (weight.Factors is { } pair)
        {
            Linear.Multiply(
                new MatrixView<float>(pair.Left.Values, site.K, pair.Shape.Rank),
                new MatrixView<float>(pair.Right.Values, pair.Shape.Rank, site.N),
                new MatrixView<float>(view, site.K, site.N),
                beta: 1
            );
        }
        return view;
    }

    /// <summary>The segments side by side; zeros without any.</summary>
    private static float[] Joined(CompressedWeight weight)
    {
        Site site = weight.Site;
        var view = new float[(long)site.K * site.N];
        int start = 0;
        foreach (QuantizedMatrix segment in weight.Segments)
        {
            float[] part = segment.Dequantize();
            for (int row = 0; row < site.K; row++)
            {
                part.AsSpan(row * segment.N, segment.N).CopyTo(view.AsSpan(row * site.N + start));
            }
            start += segment.N;
        }
        return view;
    }

    /// <summary>The bytes a plan's weights change in the file: exact, because it knows which neighbouring columns share a grid.</summary>
    public static IEnumerable<(Site Site, WeightShape Shape)> Shapes(Plan plan) =>
        Runs(plan)
            .GroupBy(r => r.Site)
            .Select(g =>
                (
                    g.Key,
                    new WeightShape(
                        g.First().Candidate.Encoding,
                        [.. g.Where(r => r.Candidate.Grid is not null).Select(r => (r.Candidate.Grid!, r.Columns))],
                        g.First().Candidate.Factors
                    )
                )
            );

    private CompressedWeight Materialize(Site site, Run[] runs, bool isDraft, CancellationToken cancellationToken) =>
        runs[0].Candidate.Encoding is Encoding.Half
            ? new CompressedWeight(site, runs[0].Candidate.Encoding, [])
            : WeightFormat.GetOrMake(
                cache,
                Key(site, runs, isDraft),
                site,
                runs[0].Candidate.Encoding,
                () => Materialize(site, runs, new WeightQuantizer(site, calibration?.For(site)), isDraft, cancellationToken)
            );

    private CacheKey Key(Site site, Run[] runs, bool isDraft)
    {
        // Hashed once: a plan is made many times, and most of its sites are the same each time.
        ContentHash hash = new ContentHash().Add(keys.GetOrAdd(site, s => SiteKey.Of(s, calibration?.For(s))));
        foreach (Run run in runs)
        {
            hash.Add(run.Start).Add(run.Columns).Add(run.Candidate.Name).Add(run.Candidate.Factors?.SharedBy ?? "");
        }
        return new CacheKey(isDraft ? "draft" : "weight", hash.Finish());
    }

    private static CompressedWeight Materialize(
        Site site,
        Run[] runs,
        WeightQuantizer quantizer,
        bool isDraft,
        CancellationToken cancellationToken
    )
    {
        Candidate first = runs[0].Candidate;
        IQuantizer? Of(Candidate candidate) => isDraft ? candidate.Quantizer : candidate.Quantizer?.Thorough;
        if (first is { Decomposer: { } decomposer, Factors: { } factors })
        {
            return Weight(site, first.Encoding, quantizer.Decompose(decomposer, Of(first), first.Grid, [factors], cancellationToken)[0]);
        }
        return new CompressedWeight(
            site,
            first.Encoding,
            [.. runs.Select(r => quantizer.Quantize(Of(r.Candidate)!, r.Candidate.Grid!, r.Start, r.Columns, cancellationToken))]
        );
    }

    /// <summary>The plan's units with neighbours of one site on one grid and quantizer joined: they are stored as one.</summary>
    private static IEnumerable<Run> Runs(Plan plan)
    {
        Run? last = null;
        for (int i = 0; i < plan.Menus.Count; i++)
        {
            SiteMenu menu = plan.Menus[i];
            Candidate candidate = plan[i];
            if (
                last is not null
                && last.Site == menu.Site
                && last.Candidate.Encoding == candidate.Encoding
                && last.Candidate.Quantizer == candidate.Quantizer
                && last.Candidate.Factors == candidate.Factors
            )
            {
                last = last with { Columns = last.Columns + menu.Columns };
                continue;
            }
            if (last is not null)
            {
                yield return last;
            }
            last = new Run(menu.Site, menu.Start, menu.Columns, candidate);
        }
        if (last is not null)
        {
            yield return last;
        }
    }

    private sealed record Run(Site Site, int Start, int Columns, Candidate Candidate);
}
