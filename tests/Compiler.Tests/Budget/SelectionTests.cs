using Lorq.Budget;

namespace Lorq.Tests.Budget;

public sealed class SelectionTests
{
    /// <summary>Sorting is the reference: random numbers, many equal ones, sorted and reversed ones, infinities.</summary>
    [Fact]
    public void IsWhatSortingFinds()
    {
        var random = new Random(1);
        for (int trial = 0; trial < 2000; trial++)
        {
            int count = random.Next(1, 200);
            double[] numbers = [.. Enumerable.Range(0, count).Select(i => Number(trial % 5, i, random))];
            double[] sorted = [.. numbers.Order()];
            int index = random.Next(count);
            Assert.Equal(sorted[index], Selection.Smallest(numbers, index));
            Assert.Equal(sorted, numbers.Order());
        }
    }

    private static double Number(int sort, int i, Random random) =>
        sort switch
        {
            0 => random.NextDouble(),
            1 => random.Next(3),
            2 => i,
            3 => -i,
            _ => random.Next(4) == 0 ? double.PositiveInfinity : random.Next(20),
        };
}
