using System.Runtime.CompilerServices;

namespace Lorq.Budget;

/// <summary>The k-th smallest of many numbers without sorting them all (Hoare 1961, "Algorithm 65: Find").</summary>
internal static class Selection
{
    /// <summary>The number that would stand at <paramref name="index"/> if the numbers were sorted; they are reordered.</summary>
    /// <param name="numbers">No NaN among them.</param>
    /// <param name="index">From 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Smallest(Span<double> numbers, int index)
    {
        // Every halving that goes wrong is paid for by sorting what is left.
        for (int rounds = 2 * BitLength(numbers.Length); numbers.Length > 16 && rounds > 0; rounds--)
        {
            double pivot = Median(numbers[0], numbers[numbers.Length / 2], numbers[^1]);
            int left = 0;
            int right = numbers.Length - 1;
            while (left <= right)
            {
                while (numbers[left] < pivot)
                {
                    left++;
                }
                while (numbers[right] > pivot)
                {
                    right--;
                }
                if (left <= right)
                {
                    (numbers[left], numbers[right]) = (numbers[right], numbers[left]);
                    left++;
                    right--;
                }
            }
            if (index <= right)
            {
                numbers = numbers[..(right + 1)];
            }
            else if (index >= left)
            {
                numbers = numbers[left..];
                index -= left;
            }
            else
            {
                return pivot;
            }
        }
        numbers.Sort();
        return numbers[index];
    }

    private static int BitLength(int n) => 32 - int.LeadingZeroCount(n);

    private static double Median(double a, double b, double c) => Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
}
