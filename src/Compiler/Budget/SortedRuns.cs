using System.Runtime.CompilerServices;

namespace Lorq.Budget;

/// <summary>
/// Where the sorted runs of a buffer of states begin, and their merge into one run by rising bytes, then loss; equal states
/// keep their order, so results do not depend on how the buffer was cut.
/// </summary>
internal sealed class SortedRuns
{
    private readonly List<int> starts = [];

    /// <summary>Forgets all runs.</summary>
    public void Clear() => starts.Clear();

    /// <summary>Begins a run at a position; at 0 the whole buffer before it counts as one run.</summary>
    public void Restart(int position)
    {
        if (position == 0)
        {
            starts.Clear();
        }
        if (starts.Count == 0 || starts[^1] < position)
        {
            starts.Add(position);
        }
    }

    /// <summary>Merges the runs of <paramref name="buffer"/>[0..count); the two arrays may change places.</summary>
    public void Merge(ref State[] buffer, ref State[] scratch, int count)
    {
        while (starts.Count > 1)
        {
            int written = 0;
            for (int r = 0; r < starts.Count; r += 2)
            {
                int begin = starts[r];
                int middle = r + 1 < starts.Count ? starts[r + 1] : count;
                int end = r + 2 < starts.Count ? starts[r + 2] : count;
                MergeTwo(buffer.AsSpan(begin, middle - begin), buffer.AsSpan(middle, end - middle), scratch.AsSpan(begin));
                starts[written++] = begin;
            }
            starts.RemoveRange(written, starts.Count - written);
            (buffer, scratch) = (scratch, buffer);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MergeTwo(ReadOnlySpan<State> a, ReadOnlySpan<State> b, Span<State> target)
    {
        int i = 0;
        int j = 0;
        int t = 0;
        while (i < a.Length && j < b.Length)
        {
            bool second = b[j].Cost < a[i].Cost || (b[j].Cost == a[i].Cost && b[j].Loss < a[i].Loss);
            target[t++] = second ? b[j++] : a[i++];
        }
        a[i..].CopyTo(target[t..]);
        b[j..].CopyTo(target[(t + a.Length - i)..]);
    }
}
