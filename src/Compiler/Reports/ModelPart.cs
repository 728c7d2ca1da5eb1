namespace Lorq.Reports;

/// <summary>A part of the model in summaries: all sites of one kind, or everything that is no site.</summary>
/// <param name="Name">The kind, or <c>everything else</c>.</param>
/// <param name="Sites">Number of sites.</param>
/// <param name="Count">Number of weights; 0 for the rest.</param>
/// <param name="OriginalBytes">Bytes before.</param>
/// <param name="WrittenBytes">Bytes after.</param>
/// <param name="Encodings">Weights per encoding, the most bytes first.</param>
internal sealed record ModelPart(
    string Name,
    int Sites,
    long Count,
    long OriginalBytes,
    long WrittenBytes,
    IReadOnlyList<EncodingShare> Encodings
)
{
    /// <summary>Written bits per weight; 0 for the rest.</summary>
    public double BitsPerWeight => Count == 0 ? 0 : 8.0 * WrittenBytes / Count;

    /// <summary>The parts, in the order in which their kinds first appear, then the rest.</summary>
    public static IReadOnlyList<ModelPart> Of(CompressionReport report)
    {
        var parts = new List<ModelPart>();
        foreach (IGrouping<string, SiteRow> kind in report.Sites.GroupBy(s => s.Kind))
        {
            long count = kind.Sum(s => s.Count);
            EncodingShare[] encodings =
            [
                .. kind.GroupBy(Label)
                    .Select(g => new EncodingShare(g.Key, g.Count(), count == 0 ? 0 : (double)g.Sum(s => s.Count) / count))
                    .OrderByDescending(e => e.Share)
                    .ThenBy(e => e.Label, StringComparer.Ordinal),
            ];
            parts.Add(new(kind.Key, kind.Count(), count, kind.Sum(s => s.OriginalBytes), kind.Sum(s => s.WrittenBytes), encodings));
        }
        long before = report.Model.OriginalBytes - parts.Sum(p => p.OriginalBytes);
        long after = report.Model.WrittenBytes - parts.Sum(p => p.WrittenBytes);
        parts.Add(new("everything else", 0, 0, before, after, []));
        return parts;
    }

    private static string Label(SiteRow site) =>
        site.Rank is null ? Base(site)
        : site.Method.Length == 0 ? "low rank"
        : Base(site) + " + low rank";

    private static string Base(SiteRow site) =>
        site.Bits is int bits ? $"{bits}b"
        : site.Encoding is "keep" or "fp16" ? site.Encoding
        : "mixed";
}

/// <summary>How much of a part has one encoding.</summary>
/// <param name="Label">For example <c>4b</c>, <c>4b + low rank</c>, <c>low rank</c>, <c>fp16</c>, <c>keep</c>, <c>mixed</c>.</param>
/// <param name="Sites">Number of sites.</param>
/// <param name="Share">Share of the part's weights.</param>
internal sealed record EncodingShare(string Label, int Sites, double Share);
