namespace Lorq.Numerics;

/// <summary>Sets of the numbers 0…count−1 that grow by joining.</summary>
internal sealed class DisjointSets
{
    private readonly int[] parents;

    /// <summary>Every number in a set of its own.</summary>
    public DisjointSets(int count) => parents = [.. Enumerable.Range(0, count)];

    /// <summary>The smallest number of a number's set.</summary>
    public int Find(int item)
    {
        while (parents[item] != item)
        {
            item = parents[item] = parents[parents[item]];
        }
        return item;
    }

    /// <summary>Makes the sets of two numbers one.</summary>
    public void Join(int a, int b)
    {
        (a, b) = (Find(a), Find(b));
        parents[Math.Max(a, b)] = Math.Min(a, b);
    }
}
