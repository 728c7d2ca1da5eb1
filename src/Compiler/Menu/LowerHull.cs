namespace Lorq.Menu;

/// <summary>
/// The lower convex hull of a menu in bytes and loss. With many sites the budget solver mixes neighbouring corners of the hull, so a
/// candidate above it hardly ever pays.
/// </summary>
internal sealed class LowerHull
{
    private readonly List<(long Bytes, double Loss)> corners = [];

    /// <summary>Builds the hull.</summary>
    public LowerHull(IReadOnlyList<Candidate> candidates)
        : this(candidates.Select(c => (c.Bytes, c.Loss))) { }

    /// <summary>Builds the hull of bytes and losses.</summary>
    public LowerHull(IEnumerable<(long Bytes, double Loss)> points)
    {
        foreach ((long Bytes, double Loss) c in points.Where(c => double.IsFinite(c.Loss)).OrderBy(c => c.Bytes).ThenBy(c => c.Loss))
        {
            if (corners.Count > 0 && c.Loss >= corners[^1].Loss)
            {
                continue;
            }
            while (corners.Count > 1 && IsAbove(corners[^2], corners[^1], (c.Bytes, c.Loss)))
            {
                corners.RemoveAt(corners.Count - 1);
            }
            corners.Add(c);
        }
    }

    /// <summary>The corners, ascending in bytes.</summary>
    public IReadOnlyList<(long Bytes, double Loss)> Corners => corners;

    /// <summary>The hull of choosing on each of several hulls: their edges in order of loss saved per byte.</summary>
    /// <param name="hulls">None of them empty.</param>
    /// <param name="bytes">Paid once.</param>
    public static LowerHull Sum(IReadOnlyList<LowerHull> hulls, long bytes)
    {
        (long Bytes, double Loss) at = (bytes + hulls.Sum(h => h.corners[0].Bytes), hulls.Sum(h => h.corners[0].Loss));
        List<(long Bytes, double Loss)> points = [at];
        foreach (
            (long more, double saved) in hulls
                .SelectMany(h => h.corners.Zip(h.corners.Skip(1), (a, b) => (Bytes: b.Bytes - a.Bytes, Saved: a.Loss - b.Loss)))
                .OrderByDescending(e => e.Saved / e.Bytes)
        )
        {
            at = (at.Bytes + more, at.Loss - saved);
            points.Add(at);
        }
        return new LowerHull(points);
    }

    /// <summary>The loss of the hull at a size; infinite below the smallest candidate.</summary>
    public double LossAt(long bytes)
    {
        int above = corners.FindIndex(c => c.Bytes > bytes);
        if (above == 0 || corners.Count == 0)
        {
            return double.PositiveInfinity;
        }
        if (above < 0)
        {
            return corners[^1].Loss;
        }
        ((long low, double left), (long high, double right)) = (corners[above - 1], corners[above]);
        return left + (right - left) * (bytes - low) / (high - low);
    }

    private static bool IsAbove((long Bytes, double Loss) a, (long Bytes, double Loss) middle, (long Bytes, double Loss) b) =>
        (middle.Loss - a.Loss) * (b.Bytes - a.Bytes) >= (b.Loss - a.Loss) * (middle.Bytes - a.Bytes);
}
