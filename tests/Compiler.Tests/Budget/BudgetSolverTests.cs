using Lorq.Budget;

namespace Lorq.Tests.Budget;

public sealed class BudgetSolverTests
{
    [Fact]
    public void AgreesWithBruteForceOnThousandsOfSmallMenus()
    {
        for (int seed = 0; seed < 6000; seed++)
        {
            var random = new Random(seed);
            Option[][] menus = Instances.Small(random);
            long least = menus.Sum(m => m.Min(o => o.Bytes));
            long most = menus.Sum(m => m.Max(o => o.Bytes));
            long budget = random.NextInt64(least - 2, most + 2);
            Solution? solution = BudgetSolver.Solve(menus, budget);
            (double Loss, long Bytes)? optimum = BruteForce(menus, budget);
            if (optimum is not { } o)
            {
                Assert.Null(solution);
                continue;
            }
            Assert.NotNull(solution);
            Verify(menus, budget, solution);
            double tolerance = 1e-9 * (1 + o.Loss);
            Assert.True(solution.Loss <= o.Loss + tolerance, $"seed {seed}: {solution.Loss} > {o.Loss}");
            Assert.True(solution.Bound <= o.Loss + tolerance, $"seed {seed}: bound {solution.Bound} > {o.Loss}");
            Assert.True(solution.Gap <= 1e-9, $"seed {seed}: gap {solution.Gap}");
            if (Math.Abs(solution.Loss - o.Loss) <= 1e-13 * o.Loss)
            {
                Assert.True(solution.Bytes <= o.Bytes, $"seed {seed}: {solution.Bytes} bytes, {o.Bytes} would do");
            }
        }
    }

    public static TheoryData<string> Families => [.. Instances.Families];

    [Theory]
    [MemberData(nameof(Families))]
    public void TwoThousandMenusReachTheGapInTwoSeconds(string family)
    {
        Option[][] menus = Instances.Large(family, 2000, 200, new Random(1));
        foreach (double share in new[] { 0.03, 0.25, 0.9 })
        {
            long budget = Instances.Budget(menus, share);
            TimeSpan before = ThreadClock.Now;
            Solution solution = BudgetSolver.Solve(menus, budget)!;
            TimeSpan took = ThreadClock.Now - before;
            Verify(menus, budget, solution);
            Assert.True(solution.Gap <= 1e-4, $"{family} at {share}: gap {solution.Gap}");
            Assert.True(took < TimeSpan.FromSeconds(2), $"{family} at {share}: {took}");
        }
    }

    [Theory]
    [InlineData("quantizer", 1e-9)]
    [InlineData("random", 1e-9)]
    [InlineData("identical", 1e-9)]
    [InlineData("coarse", 1e-9)]
    [InlineData("equal-ratio", 1e-9)]
    [InlineData("even-bytes", 1e-9)]
    [InlineData("correlated", 1e-6)]
    public void PlansOfModelSizeAreProvenOptimal(string family, double gap)
    {
        for (int seed = 0; seed < 4; seed++)
        {
            Option[][] menus = Instances.Large(family, 40, 300, new Random(seed));
            foreach (double share in new[] { 0.03, 0.25, 0.5, 0.9 })
            {
                long budget = Instances.Budget(menus, share);
                TimeSpan before = ThreadClock.Now;
                Solution solution = BudgetSolver.Solve(menus, budget)!;
                TimeSpan took = ThreadClock.Now - before;
                Verify(menus, budget, solution);
                Assert.True(solution.Gap <= gap, $"{family} seed {seed} at {share}: gap {solution.Gap}");
                Assert.True(took < TimeSpan.FromSeconds(1), $"{family} seed {seed} at {share}: {took}");
            }
        }
    }

    [Fact]
    public void SpendsWhatTheRelaxationLeavesUnused()
    {
        // One large menu whose hull step does not fit leaves a hull answer far below the budget.
        Option[][] menus = Instances.Large("quantizer", 30, 60, new Random(3));
        menus[0] = [.. menus[0].Select(o => new Option(o.Bytes * 40, o.Loss * 40))];
        for (double share = 0.1; share < 0.9; share += 0.1)
        {
            long budget = Instances.Budget(menus, share);
            Solution solution = BudgetSolver.Solve(menus, budget)!;
            Assert.True(solution.Gap <= 1e-9);
            Assert.True(budget - solution.Bytes < budget / 1000, $"{budget - solution.Bytes} of {budget} bytes unused");
        }
    }

    [Fact]
    public void ABoundStaysValidWhenTheSearchIsCutShort()
    {
        Option[][] menus = Instances.Large("correlated", 40, 300, new Random(0));
        long budget = Instances.Budget(menus, 0.25);
        Solution cut = BudgetSolver.Solve(menus, budget, timeLimit: TimeSpan.Zero)!;
        Solution full = BudgetSolver.Solve(menus, budget)!;
        Verify(menus, budget, cut);
        Assert.True(cut.Bound <= full.Loss);
        Assert.True(full.Bound <= full.Loss);
        Assert.True(full.Loss < cut.Loss);
        Assert.True(cut.Bound <= full.Bound);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void IsDeterministicAndIndifferentToTheOrderOfOptions(string family)
    {
        Option[][] menus = Instances.Large(family, 25, 50, new Random(5));
        long budget = Instances.Budget(menus, 0.3);
        Solution a = BudgetSolver.Solve(menus, budget)!;
        Solution b = BudgetSolver.Solve(menus, budget)!;
        Assert.Equal(a.Chosen, b.Chosen);
        Option[][] reversed = [.. menus.Select(m => m.Reverse().ToArray())];
        Solution c = BudgetSolver.Solve(reversed, budget)!;
        Assert.Equal(a.Bytes, c.Bytes);
        Assert.Equal(a.Loss, c.Loss);
        Assert.Equal(a.Chosen.Select((j, i) => menus[i][j]), c.Chosen.Select((j, i) => reversed[i][j]));
    }

    [Fact]
    public void TiesGoToFewerBytesThenToTheLowerIndex()
    {
        Option[] menu = [new(10, 1), new(8, 1), new(8, 1), new(20, 1)];
        Assert.Equal([1, 1], BudgetSolver.Solve([menu, menu], 100)!.Chosen);
        // 1 + 3 and 3 + 1 lose the same; 5 bytes suffice for one of them only.
        Solution solution = BudgetSolver.Solve(
            [
                [new(2, 3), new(4, 1)],
                [new(1, 3), new(4, 1)],
            ],
            6
        )!;
        Assert.Equal(4, solution.Loss);
        Assert.Equal(5, solution.Bytes);
    }

    [Fact]
    public void TakesTheLeastLossWhenEverythingFits()
    {
        Solution solution = BudgetSolver.Solve(
            [
                [new(5, 2), new(9, 0.5), new(12, 0.5)],
                [new(1, 0)],
            ],
            long.MaxValue
        )!;
        Assert.Equal([1, 0], solution.Chosen);
        Assert.Equal(0.5, solution.Bound);
        Assert.Equal(0, solution.Gap);
    }

    [Fact]
    public void SaysWhenNothingFits()
    {
        Option[][] menus =
        [
            [new(5, 2), new(9, 1)],
            [new(-3, 1), new(7, 0)],
        ];
        Assert.Equal(2, BudgetSolver.SmallestBytes(menus));
        Assert.Null(BudgetSolver.Solve(menus, 1));
        Assert.Null(BudgetSolver.Solve(menus, long.MinValue));
        Assert.Equal([0, 0], BudgetSolver.Solve(menus, 2)!.Chosen);
    }

    [Fact]
    public void IgnoresOptionsWithoutAFiniteLoss()
    {
        Option[] menu = [new(1, double.NaN), new(2, double.PositiveInfinity), new(3, 7), new(0, double.NegativeInfinity)];
        Solution solution = BudgetSolver.Solve([menu], 10)!;
        Assert.Equal([2], solution.Chosen);
        Assert.Equal(3, BudgetSolver.SmallestBytes([menu]));
    }

    [Fact]
    public void RejectsUnusableMenus()
    {
        Assert.Throws<ArgumentException>(() =>
            BudgetSolver.Solve(
                [
                    [new(1, 1)],
                    [],
                ],
                10
            )
        );
        Assert.Throws<ArgumentException>(() =>
            BudgetSolver.Solve(
                [
                    [new(1, double.NaN)],
                ],
                10
            )
        );
        Assert.Throws<ArgumentException>(() =>
            BudgetSolver.Solve(
                [
                    [new(1, -1)],
                ],
                10
            )
        );
        Assert.Throws<ArgumentException>(() =>
            BudgetSolver.Solve(
                [
                    [new(long.MaxValue, 1)],
                ],
                10
            )
        );
    }

    [Fact]
    public void NoMenusNeedNothing()
    {
        Solution solution = BudgetSolver.Solve([], 0)!;
        Assert.Empty(solution.Chosen);
        Assert.Equal(0, solution.Gap);
        Assert.Null(BudgetSolver.Solve([], -1));
    }

    [Fact]
    public void AllZeroLossesTakeTheFewestBytes()
    {
        Option[] menu = [new(4, 0), new(2, 0), new(9, 0)];
        Solution solution = BudgetSolver.Solve([menu, menu, menu], 50)!;
        Assert.Equal(6, solution.Bytes);
        Assert.Equal(0, solution.Gap);
    }

    [Fact]
    public void StopsWhenCancelled()
    {
        Option[][] menus = Instances.Large("equal-ratio", 40, 300, new Random(0));
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() =>
            BudgetSolver.Solve(menus, Instances.Budget(menus, 0.5), cancellationToken: source.Token)
        );
    }

    private static void Verify(Option[][] menus, long budget, Solution solution)
    {
        Assert.Equal(menus.Length, solution.Chosen.Count);
        Assert.Equal(menus.Select((m, i) => m[solution.Chosen[i]].Bytes).Sum(), solution.Bytes);
        Assert.Equal(menus.Select((m, i) => m[solution.Chosen[i]].Loss).Sum(), solution.Loss, 1e-12 * (1 + solution.Loss));
        Assert.True(solution.Bytes <= budget);
        Assert.True(solution.Bound <= solution.Loss);
        Assert.True(solution.Bound >= 0);
    }

    private static (double Loss, long Bytes)? BruteForce(Option[][] menus, long budget)
    {
        (double Loss, long Bytes)? best = null;
        void Go(int i, double loss, long bytes)
        {
            if (i == menus.Length)
            {
                if (bytes <= budget && (best is not { } b || loss < b.Loss || (loss == b.Loss && bytes < b.Bytes)))
                {
                    best = (loss, bytes);
                }
                return;
            }
            foreach (Option o in menus[i])
            {
                Go(i + 1, loss + o.Loss, bytes + o.Bytes);
            }
        }
        Go(0, 0, 0);
        return best;
    }
}
