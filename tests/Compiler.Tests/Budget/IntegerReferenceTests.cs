using System.Diagnostics;
using Lorq.Budget;

namespace Lorq.Tests.Budget;

/// <summary>The solver against a table over every byte count: an independent exact answer for menus far beyond enumeration.</summary>
public sealed class IntegerReferenceTests
{
    public static TheoryData<string> Sorts => ["uncorrelated", "convex", "correlated", "negative", "zeros", "unusable"];

    [Theory]
    [MemberData(nameof(Sorts))]
    public void AskedForNoGapItIsTheOptimumAtEveryBudget(string sort)
    {
        for (int seed = 0; seed < 12; seed++)
        {
            var random = new Random(seed);
            Option[][] menus = Menus(sort, random);
            long least = menus.Sum(m => Usable(m).Min(o => o.Bytes));
            double[] reference = Table(menus, least);
            Assert.Equal(least, BudgetSolver.SmallestBytes(menus));
            Assert.Null(BudgetSolver.Solve(menus, least - 1, gap: 0));
            for (int spare = 0; spare < reference.Length; spare += random.Next(1, 60))
            {
                Solution solution = BudgetSolver.Solve(menus, least + spare, gap: 0)!;
                double optimum = reference[spare];
                double tolerance = 1e-9 * (1 + optimum);
                Assert.Equal(optimum, solution.Loss, tolerance);
                Assert.True(solution.Bound <= optimum + tolerance, $"seed {seed}, spare {spare}: bound {solution.Bound} > {optimum}");
                Assert.True(solution.Gap <= 1e-9, $"seed {seed}, spare {spare}: gap {solution.Gap}");
                Assert.True(solution.Bytes <= least + spare);
                Assert.All(solution.Chosen.Select((j, i) => menus[i][j]), o => Assert.True(double.IsFinite(o.Loss)));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Sorts))]
    public void TheCertificateHoldsWhereverTheSearchStops(string sort)
    {
        for (int seed = 100; seed < 112; seed++)
        {
            var random = new Random(seed);
            Option[][] menus = Menus(sort, random);
            long least = menus.Sum(m => Usable(m).Min(o => o.Bytes));
            double[] reference = Table(menus, least);
            for (int spare = 0; spare < reference.Length; spare += random.Next(1, 80))
            {
                foreach (TimeSpan limit in new[] { TimeSpan.Zero, TimeSpan.FromMicroseconds(20 * random.Next(1, 20)) })
                {
                    Solution solution = BudgetSolver.Solve(menus, least + spare, 0.5, limit)!;
                    double tolerance = 1e-9 * (1 + reference[spare]);
                    Assert.True(solution.Bound <= reference[spare] + tolerance, $"seed {seed}, spare {spare}");
                    Assert.True(solution.Loss >= reference[spare] - tolerance, $"seed {seed}, spare {spare}");
                    Assert.True(solution.Bytes <= least + spare);
                }
            }
        }
    }

    [Fact]
    public void AFeasibleOptionWithInfiniteLossIsNoWayOut()
    {
        // The only selection within 5 bytes would take the option that no quantizer could make.
        Option[][] menus =
        [
            [new(1, double.PositiveInfinity), new(6, 1)],
            [new(2, 1)],
        ];
        Assert.Null(BudgetSolver.Solve(menus, 5));
        Assert.Equal([1, 0], BudgetSolver.Solve(menus, 8)!.Chosen);
    }

    [Fact]
    public void ItStopsInTheMiddleOfASearchWithinASecond()
    {
        Option[][] menus = Instances.Large("correlated", 400, 300, new Random(2));
        // How long the whole search takes depends on the machine: some of these delays end in its middle.
        int stopped = 0;
        foreach (int milliseconds in (int[])[80, 40, 20, 10, 5, 2])
        {
            using var source = new CancellationTokenSource();
            long start = Stopwatch.GetTimestamp();
            source.CancelAfter(milliseconds);
            try
            {
                BudgetSolver.Solve(menus, Instances.Budget(menus, 0.4), gap: 0, cancellationToken: source.Token);
            }
            catch (OperationCanceledException)
            {
                stopped++;
            }
            Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(1.1));
        }
        Assert.True(stopped > 0);
    }

    private static Option[][] Menus(string sort, Random random)
    {
        var menus = new Option[random.Next(2, 14)][];
        for (int i = 0; i < menus.Length; i++)
        {
            int size = random.Next(1, 12);
            menus[i] =
            [
                .. Enumerable
                    .Range(0, random.Next(1, 25))
                    .Select(_ =>
                    {
                        int bytes = random.Next(0, 120);
                        return sort switch
                        {
                            "uncorrelated" => new Option(bytes, random.NextDouble()),
                            "convex" => new Option(
                                size * (bytes / 10),
                                size * Math.Pow(2, -bytes / 10) * (0.9 + 0.2 * random.NextDouble())
                            ),
                            "correlated" => new Option(bytes, 200 - bytes + random.Next(3)),
                            "negative" => new Option(bytes - 100, random.Next(20)),
                            "zeros" => new Option(bytes, random.Next(3) == 0 ? 0 : random.Next(5)),
                            _ => new Option(
                                bytes,
                                random.Next(3) == 0 ? double.PositiveInfinity
                                    : random.Next(4) == 0 ? double.NaN
                                    : random.NextDouble()
                            ),
                        };
                    }),
                new Option(random.Next(100, 120), 150),
            ];
        }
        return menus;
    }

    private static IEnumerable<Option> Usable(Option[] menu) => menu.Where(o => double.IsFinite(o.Loss));

    /// <summary>Element b: the least loss of a selection of at most <paramref name="least"/> + b bytes.</summary>
    private static double[] Table(Option[][] menus, long least)
    {
        long most = menus.Sum(m => Usable(m).Max(o => o.Bytes));
        var table = new double[most - least + 1];
        foreach (Option[] menu in menus)
        {
            long smallest = Usable(menu).Min(o => o.Bytes);
            var next = new double[table.Length];
            Array.Fill(next, double.PositiveInfinity);
            foreach (Option option in Usable(menu))
            {
                for (long b = option.Bytes - smallest; b < table.Length; b++)
                {
                    next[b] = Math.Min(next[b], table[b - (option.Bytes - smallest)] + option.Loss);
                }
            }
            table = next;
        }
        return table;
    }
}
