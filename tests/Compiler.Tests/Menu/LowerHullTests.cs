using Lorq.Menu;
using Lorq.Rewriting;

namespace Lorq.Tests.Menu;

public sealed class LowerHullTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void It_is_the_least_that_a_mix_of_two_candidates_loses(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 200; round++)
        {
            Candidate[] candidates =
            [
                .. Enumerable
                    .Range(0, random.Next(1, 12))
                    .Select(_ => Point(random.Next(-50, 50), random.Next(4) == 0 ? 1 : random.NextDouble())),
            ];
            var hull = new LowerHull(candidates);
            for (int bytes = -55; bytes < 55; bytes++)
            {
                double expected = Mixed(candidates, bytes);
                double actual = hull.LossAt(bytes);
                Assert.True(expected == actual || Math.Abs(expected - actual) < 1e-12, $"{bytes}: {actual}, not {expected}");
            }
        }
    }

    [Fact]
    public void Nothing_and_candidates_that_cannot_be_stored_promise_nothing()
    {
        Assert.Equal(double.PositiveInfinity, new LowerHull(Array.Empty<Candidate>()).LossAt(long.MaxValue));
        var hull = new LowerHull([Point(5, double.PositiveInfinity), Point(7, double.NaN), Point(9, 0.5)]);
        Assert.Equal(double.PositiveInfinity, hull.LossAt(8));
        Assert.Equal(0.5, hull.LossAt(9));
    }

    [Theory]
    [InlineData(long.MinValue / 4, long.MaxValue / 4)]
    [InlineData(-1_000_000_000_000, 1_000_000_000_000)]
    public void Large_sizes_do_not_overflow(long low, long high)
    {
        var hull = new LowerHull([Point(low, 1), Point(high, 0)]);
        Assert.Equal(0.5, hull.LossAt(low / 2 + high / 2), 1e-6);
    }

    /// <summary>The least loss of t·i + (1 − t)·j within the bytes, over all pairs; space may be left over.</summary>
    private static double Mixed(Candidate[] candidates, long bytes)
    {
        double best = double.PositiveInfinity;
        foreach (Candidate low in candidates.Where(c => c.Bytes <= bytes))
        {
            best = Math.Min(best, low.Loss);
            foreach (Candidate high in candidates.Where(c => c.Bytes > bytes))
            {
                double t = (double)(bytes - low.Bytes) / (high.Bytes - low.Bytes);
                best = Math.Min(best, low.Loss + t * (high.Loss - low.Loss));
            }
        }
        return best;
    }

    private static Candidate Point(long bytes, double loss) => new(new Encoding.Keep(), null, loss, bytes);

    /// <summary>The hull of a sum of menus is the sum of their hulls.</summary>
    [Fact]
    public void A_sum_is_the_hull_of_all_pairs()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            (long, double)[][] menus = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Points(random))];
            var sum = LowerHull.Sum([.. menus.Select(m => new LowerHull(m))], 7);
            IEnumerable<(long Bytes, double Loss)> all = [(7, 0)];
            foreach ((long Bytes, double Loss)[] menu in menus)
            {
                all = [.. all.SelectMany(a => menu.Select(b => (a.Bytes + b.Bytes, a.Loss + b.Loss)))];
            }
            var expected = new LowerHull(all);
            Assert.Equal(all.Min(p => p.Bytes), sum.Corners[0].Bytes);
            for (long bytes = sum.Corners[0].Bytes; bytes <= sum.Corners[^1].Bytes + 3; bytes++)
            {
                Assert.Equal(expected.LossAt(bytes), sum.LossAt(bytes), 1e-9);
            }
        }
    }

    private static (long, double)[] Points(Random random) =>
        [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => ((long)random.Next(-20, 40), (double)random.Next(0, 30)))];
}
