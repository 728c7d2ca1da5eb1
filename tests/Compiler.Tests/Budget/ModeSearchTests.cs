using Lorq.Budget;

namespace Lorq.Tests.Budget;

/// <summary>Choices over modes of groups, against trying every mode and every option.</summary>
public sealed class ModeSearchTests
{
    [Fact]
    public void Agrees_with_trying_every_mode_and_option()
    {
        int shared = 0;
        int infeasible = 0;
        for (int seed = 0; seed < 3000; seed++)
        {
            var random = new Random(seed);
            Option[][] menus = Instances.Small(random);
            ModeGroup[] groups = Groups(menus, random);
            long least = menus.Sum(m => m.Min(o => o.Bytes));
            long most = menus.Sum(m => m.Max(o => o.Bytes));
            long budget = random.NextInt64(least - Math.Max(3, (most - least) / 4), most + 2);
            ModeSolution? found = ModeSearch.Solve(menus, groups, budget, gap: 0);
            double? optimum = BruteForce(menus, groups, budget);
            if (optimum is not { } loss)
            {
                Assert.Null(found);
                Assert.True(ModeSearch.SmallestBytes(menus, groups) > budget);
                infeasible++;
                continue;
            }
            Assert.NotNull(found);
            Verify(menus, groups, budget, found);
            double tolerance = 1e-9 * (1 + loss);
            Assert.True(found.Solution.Loss <= loss + tolerance, $"seed {seed}: {found.Solution.Loss} > {loss}");
            Assert.True(found.Solution.Bound <= loss + tolerance, $"seed {seed}: bound {found.Solution.Bound} > {loss}");
            Assert.True(found.Solution.Gap <= 1e-9, $"seed {seed}: gap {found.Solution.Gap}");
            shared += found.Modes.Any(m => m >= 0) ? 1 : 0;
        }
        // Neither side may win by default, or the test shows nothing.
        Assert.InRange(shared, 300, 2700);
        Assert.InRange(infeasible, 50, 1500);
    }

    [Fact]
    public void Without_groups_it_is_the_plain_solver()
    {
        Option[][] menus = Instances.Large("quantizer", 50, 30, new Random(3));
        long budget = Instances.Budget(menus, 0.3);
        Solution plain = BudgetSolver.Solve(menus, budget)!;
        Solution found = ModeSearch.Solve(menus, [], budget)!.Solution;
        Assert.Equal(plain.Chosen, found.Chosen);
        Assert.Equal(plain.Bound, found.Bound);
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.4)]
    [InlineData(0.8)]
    public void Hundreds_of_groups_are_certified_in_seconds(double share)
    {
        var random = new Random(5);
        Option[][] menus = Instances.Large("quantizer", 900, 60, random);
        var groups = new ModeGroup[300];
        for (int g = 0; g < groups.Length; g++)
        {
            int[] members = [3 * g, 3 * g + 1, 3 * g + 2];
            // A part that all pay for together, for less loss: about as good as independent, so that modes are hard to tell apart.
            groups[g] = new ModeGroup(
                members,
                [.. Enumerable.Range(1, 6).Select(rank => Together(menus, members, rank, 0.7 + 0.5 * random.NextDouble()))]
            );
        }
        long budget = Instances.Budget(menus, share);
        TimeSpan before = ThreadClock.Now;
        ModeSolution found = ModeSearch.Solve(menus, groups, budget)!;
        TimeSpan took = ThreadClock.Now - before;
        Verify(menus, groups, budget, found);
        Assert.True(found.Solution.Gap <= 1e-4, $"gap {found.Solution.Gap}");
        Assert.InRange(found.Modes.Count(m => m >= 0), 1, 299);
        Assert.True(took < TimeSpan.FromSeconds(5), $"{took}");
        Assert.Equal(found.Solution.Chosen, ModeSearch.Solve(menus, groups, budget)!.Solution.Chosen);
    }

    private static Mode Together(Option[][] menus, int[] members, int rank, double factor)
    {
        long step = menus[members[0]].Max(o => o.Bytes) / 40;
        double loss = factor * Math.Pow(0.8, rank);
        return new Mode(
            2 * rank * step,
            [.. members.Select(m => (IReadOnlyList<Option>)[.. menus[m].Select(o => new Option(o.Bytes + rank * step, o.Loss * loss))])]
        );
    }

    private static ModeGroup[] Groups(Option[][] menus, Random random)
    {
        var groups = new List<ModeGroup>();
        int next = 0;
        while (next + 2 <= menus.Length)
        {
            int count = Math.Min(random.Next(2, 4), menus.Length - next);
            int[] members = [.. Enumerable.Range(next, count)];
            next += count + random.Next(2);
            groups.Add(new ModeGroup(members, [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Random(menus, members, random))]));
        }
        return [.. groups];
    }

    private static Mode Random(Option[][] menus, int[] members, Random random)
    {
        long span = members.Max(m => menus[m].Max(o => o.Bytes) - menus[m].Min(o => o.Bytes));
        return new Mode(
            random.NextInt64(-span / 8, span / 2 + 1),
            [
                .. members.Select(m =>
                    (IReadOnlyList<Option>)
                        [
                            .. menus[m]
                                .Select(o => new Option(
                                    o.Bytes - random.NextInt64(0, span / 3 + 1),
                                    o.Loss * Math.Round(random.NextDouble() * 2, 1)
                                )),
                        ]
                ),
            ]
        );
    }

    private static void Verify(Option[][] menus, ModeGroup[] groups, long budget, ModeSolution found)
    {
        (long bytes, IReadOnlyList<Option>[] chosenMenus) = InModes(menus, groups, found.Modes);
        double loss = 0;
        for (int i = 0; i < menus.Length; i++)
        {
            Option option = chosenMenus[i][found.Solution.Chosen[i]];
            bytes += option.Bytes;
            loss += option.Loss;
        }
        Assert.True(bytes <= budget);
        Assert.Equal(bytes, found.Solution.Bytes);
        Assert.Equal(loss, found.Solution.Loss, 1e-9 * (1 + loss));
        Assert.True(found.Solution.Bound <= found.Solution.Loss);
    }

    private static (long Bytes, IReadOnlyList<Option>[] Menus) InModes(Option[][] menus, ModeGroup[] groups, IReadOnlyList<int> modes)
    {
        IReadOnlyList<Option>[] result = [.. menus];
        long bytes = 0;
        for (int g = 0; g < groups.Length; g++)
        {
            if (modes[g] >= 0)
            {
                Mode mode = groups[g].Modes[modes[g]];
                bytes += mode.Bytes;
                for (int m = 0; m < groups[g].Menus.Count; m++)
                {
                    result[groups[g].Menus[m]] = mode.Menus[m];
                }
            }
        }
        return (bytes, result);
    }

    private static double? BruteForce(Option[][] menus, ModeGroup[] groups, long budget)
    {
        double? best = null;
        int[] modes = new int[groups.Length];
        Array.Fill(modes, -1);
        while (true)
        {
            (long bytes, IReadOnlyList<Option>[] chosen) = InModes(menus, groups, modes);
            Descend(chosen, 0, bytes, 0);
            int g = 0;
            while (g < modes.Length && ++modes[g] == groups[g].Modes.Count)
            {
                modes[g++] = -1;
            }
            if (g == modes.Length)
            {
                return best;
            }
        }

        void Descend(IReadOnlyList<Option>[] options, int menu, long bytes, double loss)
        {
            if (menu == options.Length)
            {
                best = bytes <= budget && !(loss >= best) ? loss : best;
                return;
            }
            foreach (Option option in options[menu].Where(o => double.IsFinite(o.Loss)))
            {
                Descend(options, menu + 1, bytes + option.Bytes, loss + option.Loss);
            }
        }
    }
}
