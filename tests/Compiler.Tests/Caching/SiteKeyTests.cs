using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Menu;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;
using Lorq.Tests.Compilations;

namespace Lorq.Tests.Caching;

/// <summary>Within a profile: what a row or an entry depends on is in its key.</summary>
public sealed class SiteKeyTests : IDisposable
{
    private readonly Trial trial = new();
    private readonly OnnxModel model;
    private readonly IReadOnlyList<Site> sites;

    public SiteKeyTests()
    {
        model = OnnxModel.Load(trial.Model);
        sites = SiteFinder.Find(model, new CompressionSpec()).Sites;
    }

    public void Dispose()
    {
        model.Dispose();
        trial.Dispose();
    }

    [Fact]
    public void A_site_is_its_weight_and_what_is_known_about_its_input()
    {
        Site site = sites.Single(s => s.Name == "up");
        SiteStatistics statistics = new([Moment(1, 64)], null);
        Digest key = SiteKey.Of(site, statistics);
        Assert.Equal(key, SiteKey.Of(site, new SiteStatistics([Moment(1, 64)], null)));
        string changed = trial.Folder.File("changed.onnx");
        byte[] bytes = File.ReadAllBytes(trial.Model);
        bytes[bytes.AsSpan().IndexOf(model.ReadBytes(site.Weight.Origin).Span)] ^= 1;
        File.WriteAllBytes(changed, bytes);
        using OnnxModel other = OnnxModel.Load(changed);
        Site[] others = [.. SiteFinder.Find(other, new CompressionSpec()).Sites];
        // One bit of one weight: one site of the three is another.
        Assert.Single(sites, s => SiteKey.Of(s, null) != SiteKey.Of(others.Single(o => o.Name == s.Name), null));
        Assert.All(
            (SiteStatistics?[])
                [
                    null,
                    new(null, null),
                    new([Moment(2, 64)], null),
                    new([Moment(1, 64), Moment(1, 64)], null),
                    new([Moment(1, 64)], [1, 2]),
                    new([new SecondMoment(64, Moment(1, 64).Values, 6)], null),
                ],
            s => Assert.NotEqual(key, SiteKey.Of(site, s))
        );
        Assert.NotEqual(key, SiteKey.Of(site with { Name = "other" }, statistics));
    }

    [Fact]
    public void Menus_are_measured_again_where_the_moment_is_another_one()
    {
        CacheProfile cache = Open();
        CompressionSpec spec = new()
        {
            Menu = new MenuSpec
            {
                Bits = [4],
                Blocks = [32],
                Ranks = [0, 8],
            },
        };
        CalibrationResult first = Result(1);
        int Rows(CompressionSpec asked, CalibrationResult result)
        {
            new MenuBuilder(model, asked, Emissions.All.Single(e => e.Name == asked.Target), result, cache).Build(sites, null, default);
            return cache.Table("menu").Count;
        }

        int rows = Rows(spec, first);
        Assert.Equal(rows, Rows(spec, Result(1)));
        Assert.Equal(rows, Rows(spec with { Budget = new SizeBudget.Percent(3), Threads = 1 }, first));
        Assert.True(Rows(spec, Result(2)) > rows);
        foreach (
            MenuSpec menu in (MenuSpec[])
                [
                    spec.Menu with
                    {
                        Bits = [3],
                    },
                    spec.Menu with
                    {
                        Blocks = [64],
                    },
                    spec.Menu with
                    {
                        Methods = ["rtn"],
                    },
                    spec.Menu with
                    {
                        Scales = ScaleType.Float32,
                    },
                    spec.Menu with
                    {
                        Ranks = [4],
                    },
                    spec.Menu with
                    {
                        Decompositions = ["svd"],
                        Ranks = [8],
                    },
                ]
        )
        {
            int before = cache.Table("menu").Count;
            Assert.True(Rows(spec with { Menu = menu }, first) > before, menu.ToString());
        }
    }

    [Fact]
    public void Only_sites_whose_moment_changed_are_measured_again()
    {
        CacheProfile cache = Open();
        CompressionSpec spec = new()
        {
            Menu = new MenuSpec
            {
                Bits = [4],
                Blocks = [32],
                Ranks = [0],
            },
        };
        int Rows(CalibrationResult result)
        {
            new MenuBuilder(model, spec, Emissions.All.Single(e => e.Name == spec.Target), result, cache).Build(sites, null, default);
            return cache.Table("menu").Count;
        }

        int rows = Rows(Result(1));
        var mixed = Result(1).Sites.ToDictionary();
        mixed["up"] = Result(2).Sites["up"];
        int more = Rows(new CalibrationResult(mixed, 5)) - rows;
        // fp16, and 4 bits with and without zero points.
        Assert.Equal(3, more);
    }

    [Fact]
    public void A_probe_is_of_its_samples_mask_sites_and_weights()
    {
        CacheProfile cache = Open();
        DataSet samples = Samples(1);
        int measured = 0;
        double Loss(DataSet data, string? mask, IReadOnlyList<Site> opened, int key)
        {
            using var session = new ProbeSession(model, opened, default);
            return new EndToEnd(session, data, mask, 1, cache).Loss(
                Folders.Digest(key),
                () =>
                {
                    measured++;
                    return [];
                },
                default
            );
        }

        Assert.Equal(Loss(samples, null, sites, 1), Loss(samples, null, sites, 1));
        Assert.Equal(1, measured);
        Loss(Samples(1), null, [.. sites], 1);
        Assert.Equal(1, measured);
        Loss(samples, null, sites, 2);
        Assert.Equal(2, measured);
        Loss(Samples(2), null, sites, 1);
        Assert.Equal(3, measured);
        Loss(samples, "ids", sites, 1);
        Assert.Equal(4, measured);
        Loss(samples, null, [.. sites.Skip(1)], 1);
        Assert.Equal(5, measured);
    }

    [Fact]
    public void A_weight_is_of_its_candidate_and_what_it_was_fitted_to()
    {
        CacheProfile cache = Open();
        Site site = sites.Single(s => s.Name == "up");
        int Entries() => Directory.GetFiles(trial.Folder.File("cache"), "weight-*", SearchOption.AllDirectories).Length;
        void Make(int seed, int bits)
        {
            var grid = new QuantizationGrid(GridKind.Integer, bits, 32, true, ScaleType.Float16);
            var candidate = new Candidate(new Encoding.Quantized(grid), Quantizers.All.Single(q => q.Name == "gptq"), 0, 0);
            var plan = new Plan([new SiteMenu(site, 0, site.N, [candidate])], [0]);
            new Materializer(Result(seed), 1, cache).Materialize(plan, null, default);
        }

        Make(1, 4);
        Make(1, 4);
        Assert.Equal(1, Entries());
        Make(1, 5);
        Assert.Equal(2, Entries());
        Make(2, 4);
        Assert.Equal(3, Entries());
    }

    private CacheProfile Open() => new CacheFolder(trial.Folder.File("cache")).Open(Folders.Digest(1), Folders.Facts);

    private CalibrationResult Result(int seed) =>
        new(
            sites.ToDictionary(
                s => s.Name,
                s => Collector.Key(s) is null ? new SiteStatistics(null, null) : new SiteStatistics([Moment(seed, s.K)], null)
            ),
            5
        );

    private static SecondMoment Moment(int seed, int k)
    {
        var random = new Random(seed);
        var values = new double[k * k];
        for (int i = 0; i < k; i++)
        {
            values[i * k + i] = 1 + random.NextDouble();
        }
        return new SecondMoment(k, values, 5);
    }

    private static DataSet Samples(int seed)
    {
        var random = new Random(seed);
        byte[] bytes = [.. Enumerable.Range(0, 16).SelectMany(_ => BitConverter.GetBytes((long)random.Next(512)))];
        var tensor = new DataTensor(Lorq.Onnx.TensorProto.Types.DataType.Int64, [2, 8], bytes);
        return new DataSet([new Dictionary<string, DataTensor> { ["ids"] = tensor }], "memory");
    }
}
