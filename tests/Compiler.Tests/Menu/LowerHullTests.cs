using Lorq.Menu;

namespace Lorq.Tests.Menu;

public sealed class LowerHullTests
{
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
