using Lorq.Menu;

namespace Lorq.Tests.Menu;

/// <summary>The search on its own: files of given sizes with given losses.</summary>
public sealed class LossSearchTests
{
    private const long Weights = 8_000_000;
    private const long Smallest = 2_000_000;
    private const long Largest = 16_000_000;
    private const double Limit = 0.01;

    private static readonly double[] slopes = [0.5, 0.8, 1, 1.5, 2.5];

    public static TheoryData<double, long> Lines
    {
        get
        {
            var lines = new TheoryData<double, long>();
            foreach (double slope in slopes)
            {
                Array.ForEach((long[])[3_000_000, 5_000_000, 6_500_000, 12_000_000], first => lines.Add(slope, first));
            }
            return lines;
        }
    }

    /// <summary>ln loss falls by slope · ln 4 per bit (here a million bytes): seven files are enough for the smallest to 2 %.</summary>
    [Theory]
    [MemberData(nameof(Lines))]
    public void The_smallest_size_on_a_line_is_found_within_seven_files(double slope, long first)
    {
        const long Answer = 6_000_000;
        double Loss(long bytes) => Limit * Math.Exp(slope * Math.Log(4) * (Answer - bytes) / 1e6);
        var search = new LossSearch(Limit, Smallest, Largest, Weights, first);
        long best = long.MaxValue;
        for (int i = 0; i < 7 && search.Next is { } bytes; i++)
        {
            best = Loss(bytes) <= Limit ? bytes : best;
            search.Add(bytes, Loss(bytes));
        }
        Assert.InRange(best, Answer, Answer * 1.02);
    }

    /// <summary>Few plans with jumps between them: the answer keeps the limit and is the smallest that does, or nearly.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_staircase_ends_at_its_last_step_within_the_limit(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 300; round++)
        {
            long[] sizes = [Smallest, .. Enumerable.Range(0, 12).Select(_ => random.NextInt64(Smallest + 1, Largest)).Order()];
            double offset = Math.Exp(4 * random.NextDouble() - 2);
            double[] losses = [.. sizes.Select(s => offset * Limit * Math.Pow(4, (6e6 - s) / 1e6))];
            var search = new LossSearch(Limit, Smallest, Largest, Weights, random.NextInt64(Smallest, Largest));
            int best = -1;
            int tries = 0;
            for (; tries < 60 && search.Next is { } bytes; tries++)
            {
                int plan = Array.FindLastIndex(sizes, s => s <= bytes);
                if (losses[plan] <= Limit)
                {
                    Assert.True(best < 0 || sizes[plan] <= sizes[best], "went up again from one that kept the limit");
                    best = plan;
                }
                search.Add(sizes[plan], losses[plan]);
            }
            Assert.Null(search.Next);
            int right = Array.FindIndex(losses, l => l <= Limit);
            Assert.True(
                best == right || losses[best] >= 0.93 * Limit || sizes[best] <= 1.02 * sizes[right],
                $"seed {seed}, round {round}: {best}, not {right}"
            );
        }
    }

    [Fact]
    public void A_limit_of_nothing_is_looked_for_up_to_the_largest_size()
    {
        var search = new LossSearch(0, Smallest, Largest, Weights, 6_000_000);
        while (search.Next is { } bytes && bytes < Largest)
        {
            search.Add(bytes, 1e-5);
        }
        Assert.Equal(Largest, search.Next);
        search.Add(Largest, 0);
        Assert.Null(search.Next);
    }

    [Fact]
    public void It_ends_where_nothing_smaller_and_nothing_larger_is_left()
    {
        var loose = new LossSearch(1, Smallest, Largest, Weights, 4_000_000);
        loose.Add(4_000_000, 0);
        Assert.Equal(Smallest, loose.Next);
        loose.Add(Smallest, 0.1);
        Assert.Null(loose.Next);

        var strict = new LossSearch(1e-9, Smallest, Largest, Weights, 15_000_000);
        strict.Add(15_000_000, 0.1);
        Assert.Equal(Largest, strict.Next);
        strict.Add(15_900_000, 0.09);
        Assert.Null(strict.Next);
    }
}
