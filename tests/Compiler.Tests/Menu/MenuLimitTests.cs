using Lorq.Diagnostics;
using Lorq.Menu;
using Lorq.Specs;
using Lorq.Tests.Rewriting;

namespace Lorq.Tests.Menu;

/// <summary>Floors and ceilings of overrides, and what happens when something goes wrong in a worker.</summary>
public sealed class MenuLimitTests
{
    [Theory]
    [InlineData(0.0, 3.0)]
    [InlineData(3.5, 5.0)]
    [InlineData(6.0, 64.0)]
    public void Only_candidates_between_floor_and_ceiling_remain(double low, double high)
    {
        using var limited = Trial(
            new SiteOverride
            {
                Match = "w*",
                MinBits = low,
                MaxBits = high,
            }
        );
        using var free = Trial(new SiteOverride { Match = "w*", MinBits = 0 });
        for (int i = 0; i < free.Menus.Count; i++)
        {
            double Bits(Candidate c) => 8.0 * (free.Menus[i].Site.StoredBytes + c.Bytes) / free.Menus[i].Site.Count;
            Assert.Equal(
                free.Menus[i].Candidates.Where(c => Bits(c) >= low && Bits(c) <= high).Select(c => c.Name),
                limited.Menus[i].Candidates.Select(c => c.Name)
            );
        }
    }

    /// <summary>Sites are worked on in parallel; the error is the site's all the same, with the names of the user.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_range_without_an_encoding_is_an_error_that_names_site_and_range(int threads)
    {
        var e = Assert.Throws<LorqException>(() =>
            Trial(
                new SiteOverride
                {
                    Match = "w1",
                    MinBits = 0.1,
                    MaxBits = 0.5,
                },
                threads
            )
        );
        Assert.Equal("LORQ0654", e.Diagnostic.Id);
        Assert.Contains("'w1'", e.Message, StringComparison.Ordinal);
        Assert.Contains("between 0.1 and 0.5", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Of_several_errors_it_is_the_same_whatever_the_threads(int threads)
    {
        // w0 is the larger one and begins first.
        var e = Assert.Throws<LorqException>(() => Trial(new SiteOverride { Match = "w*", MaxBits = 0.5 }, threads));
        Assert.Contains("'w0'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_weight_that_is_not_finite_is_an_error_a_user_can_read()
    {
        float[] weight = MenuTrial.Weight(64, 64, 0, 1);
        weight[77] = float.NaN;
        SmallModel model = MenuTrial.Chain([64, 64]);
        model.Proto.Graph.Initializer.Clear();
        model.Floats("w0", [64, 64], weight);
        var e = Assert.ThrowsAny<LorqException>(() => new MenuTrial(model, 64, new CompressionSpec(), samples: 0));
        Assert.StartsWith("LORQ", e.Diagnostic.Id, StringComparison.Ordinal);
    }

    [Fact]
    public void An_error_beside_a_cancellation_is_a_cancellation()
    {
        using var source = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
            Workers.Run(
                8,
                2,
                i =>
                {
                    if (i == 1)
                    {
                        source.Cancel();
                        throw new InvalidOperationException();
                    }
                },
                source.Token
            )
        );
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Workers_do_every_piece_once_and_the_first_error_comes_out_bare(int threads)
    {
        var done = new int[100];
        Workers.Run(done.Length, threads, i => Interlocked.Increment(ref done[i]), default);
        Assert.All(done, d => Assert.Equal(1, d));
        var e = Assert.Throws<InvalidOperationException>(() =>
            Workers.Run(100, threads, i => throw new InvalidOperationException($"{i}"), default)
        );
        Assert.Equal("0", e.Message);
        Workers.Run(0, threads, _ => throw new InvalidOperationException(), default);
    }

    private static MenuTrial Trial(SiteOverride own, int threads = 0) =>
        new(MenuTrial.Chain([96, 96, 64], rank: 3), 96, new CompressionSpec { Overrides = [own], Threads = threads });
}
