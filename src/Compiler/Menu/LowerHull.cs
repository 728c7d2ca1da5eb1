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
    {
        foreach (Candidate c in candidates.Where(c => double.IsFinite(c.Loss)).OrderBy(c => c.Bytes).ThenBy(c => c.Loss))
        {
            if (corners.Count > 0 && c.Loss >= corners[^1].Loss)
            {
                continue;
            }
            while (corners.Count > 1 && IsAbove(corners[^2], corners[^1], (c.Bytes, c.Loss)))
            {
                corners.RemoveAt(corners.Count - 1);
            }
            corners.Add((c.Bytes, c.Loss));
        }
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
