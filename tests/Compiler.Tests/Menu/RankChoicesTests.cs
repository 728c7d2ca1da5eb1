using Lorq.Decomposition;
using Lorq.Menu;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq.Tests.Menu;

public sealed class RankChoicesTests
{
    private static readonly int[] ranks = [4, 8, 16, 32];

    /// <summary>
    /// Every grid × rank × storage is made by the decomposer itself, without pruning. Whatever a byte is worth, the menu holds a candidate that is
    /// as good as the best of them, but for the 3 % that a pair has to promise.
    /// </summary>
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(3, 3)]
    [InlineData(4, 6)]
    [InlineData(5, 12)]
    public void Pruning_takes_nothing_that_pays(int seed, int rank)
    {
        using var trial = new MenuTrial(MenuTrial.Chain([64, 96], rank, seed: seed), 64, Spec() with { Menu = Menu([0, .. ranks]) });
        SiteMenu menu = Assert.Single(trial.Menus);
        List<Candidate> all = [.. menu.Candidates.Where(c => c.Factors is null), .. Unpruned(trial, menu)];
        Assert.True(all.Count > 60);
        for (double price = 1e-9; price < 1; price *= 1.3)
        {
            double Cost(Candidate c, double slack) => c.Loss / slack + price * c.Bytes;
            double best = all.Min(c => Cost(c, 1 / 0.97));
            double offered = menu.Candidates.Min(c => Cost(c, 1));
            Candidate missed = all.MinBy(c => Cost(c, 1))!;
            Assert.True(offered <= all.Min(c => Cost(c, 0.97)) + 2e-6, $"{missed.Name} is missing at {price}: {offered} against {best}");
        }
    }

    /// <summary>The solver's answer for several sites at once, from the menus and from everything there is.</summary>
    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void The_solver_loses_next_to_nothing_by_pruning(int seed)
    {
        using var trial = new MenuTrial(
            MenuTrial.Chain([64, 80, 96, 64], rank: 4, seed: seed),
            64,
            Spec() with
            {
                Menu = Menu([0, .. ranks]),
            }
        );
        SiteMenu[] full =
        [
            .. trial.Menus.Select(m => m with { Candidates = [.. m.Candidates.Where(c => c.Factors is null), .. Unpruned(trial, m)] }),
        ];
        var planner = new Planner(trial.Subject.Model, trial.Profile.Emission, full, []);
        var omega = trial.Maker.ByWeights();
        for (double bits = 2.5; bits < 9; bits += 0.5)
        {
            double pruned = trial.Planner.Solve(omega, planner.BytesAt(bits), default).PredictedLoss;
            double best = planner.Solve(omega, planner.BytesAt(bits), default).PredictedLoss;
            // With three sites mixes are coarse; pairs of the same bytes are what pruning decides on.
            Assert.True(pruned <= 1.05 * best + 2e-6, $"{bits} bits: {pruned}, of all {best}");
        }
    }

    [Fact]
    public void A_clear_low_rank_part_is_offered()
    {
        using var clear = new MenuTrial(MenuTrial.Chain([128, 128], rank: 4), 128, Spec());
        Assert.Contains(clear.Menus[0].Candidates, c => c.Factors is { Rank: 4 });
    }

    [Fact]
    public void Every_candidate_tells_its_true_loss_and_its_name_is_its_own()
    {
        using var trial = new MenuTrial(MenuTrial.Chain([64, 96], rank: 6), 64, Spec());
        SiteMenu menu = trial.Menus[0];
        Assert.Equal(menu.Candidates.Count, menu.Candidates.Select(c => c.Name).Distinct().Count());
        var quantizer = new WeightQuantizer(menu.Site, trial.Calibration.Result.For(menu.Site));
        foreach ((Candidate candidate, int i) in menu.Candidates.Select((c, i) => (c, i)).Where(p => p.c.Grid is not null))
        {
            var plan = new Plan([menu], [i]);
            CompressedWeight draft = Assert.Single(trial.Materializer.Draft(plan, null, default));
            Assert.Equal(candidate.Loss, quantizer.Loss(Materializer.Dequantize(draft), 0, menu.Site.N), 1e-9);
            Assert.Equal(candidate.Factors, draft.Factors?.Shape);
            // What is written has had more work, in the regularised metric.
            CompressedWeight written = Assert.Single(trial.Make(plan));
            Assert.True(quantizer.Loss(Materializer.Dequantize(written), 0, menu.Site.N) < 1.02 * candidate.Loss);
        }
    }

    [Fact]
    public void The_spectrum_falls_from_everything_to_nothing()
    {
        using var trial = new MenuTrial(MenuTrial.Chain([64, 96], rank: 3), 64, Spec());
        double[] spectrum = [.. trial.Menus[0].Spectrum];
        Assert.Equal(1, spectrum[0], 1e-6);
        Assert.Equal(0, spectrum[64], 1e-6);
        Assert.Equal(spectrum.OrderDescending(), spectrum);
    }

    [Fact]
    public void Without_rank_0_every_candidate_has_a_pair()
    {
        using var trial = new MenuTrial(MenuTrial.Chain([64, 96, 64], rank: 3), 64, Spec() with { Menu = Menu([8, 16]) });
        Assert.All(trial.Menus.SelectMany(m => m.Candidates), c => Assert.Contains(c.Factors?.Rank ?? 0, new[] { 8, 16 }));
    }

    [Fact]
    public void Rank_0_alone_means_no_pair_at_all()
    {
        using var trial = new MenuTrial(MenuTrial.Chain([64, 96], rank: 3), 64, Spec() with { Menu = Menu([0]) });
        Assert.All(trial.Menus[0].Candidates, c => Assert.Null(c.Factors));
        Assert.Empty(trial.Menus[0].Spectrum);
    }

    [Theory]
    [InlineData(8, FactorType.Int8)]
    [InlineData(16, FactorType.Float16)]
    public void Factors_have_the_bits_that_are_asked_for(int bits, FactorType type)
    {
        using var trial = new MenuTrial(
            MenuTrial.Chain([64, 96], rank: 3),
            64,
            Spec() with
            {
                Menu = Menu([4, 8]) with { FactorBits = [bits] },
            }
        );
        Assert.All(trial.Menus[0].Candidates, c => Assert.Equal(type, c.Factors!.Type));
    }

    [Theory]
    [InlineData("svd")]
    [InlineData("exact")]
    [InlineData("lq-lora")]
    [InlineData("alternation")]
    public void A_named_decomposition_is_the_only_one(string name)
    {
        using var trial = new MenuTrial(
            MenuTrial.Chain([64, 64], rank: 3),
            64,
            Spec() with
            {
                Menu = Menu([8]) with { Decompositions = [name], Bits = [2, 4], Blocks = [32] },
            }
        );
        Assert.All(trial.Menus[0].Candidates, c => Assert.Equal(name, c.Decomposer!.Name));
    }

    [Fact]
    public void An_override_gives_a_site_ranks_of_its_own()
    {
        using var trial = new MenuTrial(
            MenuTrial.Chain([64, 96, 64], rank: 3),
            64,
            Spec() with
            {
                Menu = Menu([0]),
                Overrides = [new SiteOverride { Match = "w1", Ranks = [16] }],
            }
        );
        Assert.All(trial.Menus[0].Candidates, c => Assert.Null(c.Factors));
        Assert.All(trial.Menus[1].Candidates, c => Assert.Equal(16, c.Factors!.Rank));
    }

    [Fact]
    public void A_pair_as_large_as_its_matrix_is_not_offered()
    {
        // 64·40/(64+40) = 24.6: rank 32 would have more values than the matrix.
        using var trial = new MenuTrial(MenuTrial.Chain([64, 40], rank: 3), 64, Spec() with { Menu = Menu([32]) });
        Assert.All(trial.Menus[0].Candidates, c => Assert.Null(c.Factors));
        Assert.Contains(trial.Menus[0].Candidates, c => c.Encoding is Encoding.Keep);
    }

    private static IEnumerable<Candidate> Unpruned(MenuTrial trial, SiteMenu menu)
    {
        Site site = menu.Site;
        var quantizer = new WeightQuantizer(site, trial.Calibration.Result.For(site));
        IDecomposer exact = Decomposers.All.Single(d => d.Name == "exact");
        FactorShape[] shapes =
        [
            .. ranks
                .Where(r => r < (double)site.K * site.N / (site.K + site.N))
                .SelectMany(r => new[] { new FactorShape(r, FactorType.Int8), new FactorShape(r, FactorType.Float16) }),
        ];
        IEnumerable<Candidate> bases = menu.Candidates.Where(c => c.Grid is not null && c.Factors is null);
        foreach (Candidate own in bases.Append(new Candidate(new Encoding.LowRank(), null, 1, 0)))
        {
            IReadOnlyList<Decomposed> made = quantizer.Decompose(exact, own.Quantizer, own.Grid, shapes, default);
            for (int i = 0; i < shapes.Length; i++)
            {
                var shape = new WeightShape(own.Encoding, own.Grid is { } grid ? [(grid, site.N)] : [], shapes[i]);
                yield return new Candidate(
                    own.Encoding,
                    own.Quantizer,
                    made[i].Loss,
                    trial.Profile.Emission.BytesDelta(trial.Subject.Model, site, shape),
                    exact,
                    shapes[i]
                );
            }
        }
    }

    private static CompressionSpec Spec() => new() { Menu = Menu([0, .. ranks]) };

    private static MenuSpec Menu(int[] allowed) => new() { Ranks = allowed, Blocks = [32, 64] };
}
