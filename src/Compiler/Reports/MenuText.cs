namespace Lorq.Reports;

/// <summary>What the menus were like and what low rank gained, in sentences that Markdown and HTML share.</summary>
internal static class MenuText
{
    /// <summary>Candidates per site and the time they took; empty without sites.</summary>
    public static string Candidates(CompressionReport r)
    {
        if (r.Sites.Count == 0)
        {
            return "";
        }
        int[] counts = [.. r.Sites.Select(s => s.Candidates).Order()];
        SiteRow slowest = r.Sites.MaxBy(s => s.MenuSeconds)!;
        string each = counts[0] == counts[^1] ? Figures.Whole(counts[0]) : $"{Figures.Whole(counts[0])} to {Figures.Whole(counts[^1])}";
        return $"{Figures.Count(counts.Sum(c => (long)c), "candidate")} over {Figures.Count(counts.Length, "site")}, {each} per site (median {Figures.Whole(counts[counts.Length / 2])}); "
            + $"{Figures.Seconds(r.Sites.Sum(s => s.MenuSeconds) / counts.Length)} per site on average, {Figures.Seconds(slowest.MenuSeconds)} at most";
    }

    /// <summary>What low rank gained; null when no site was offered it.</summary>
    public static string? LowRank(CompressionReport r) =>
        r.LowRank is not { } gain ? null
        : gain.Without is not { } without ? "No plan without low-rank parts is as small as this file."
        : gain.Gain is not > 0.0005
            ? $"Low rank does not pay here: without it, the best plan of the same bytes is predicted to lose {Figures.Loss(without)}, no more than this one."
        : $"Low rank saves {Figures.Percent(gain.Gain.Value)} of the predicted loss: without it, the best plan of the same bytes is predicted to lose {Figures.Loss(without)} instead of {Figures.Loss(gain.With)}.";
}
