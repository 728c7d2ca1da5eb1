namespace Lorq.Reports;

/// <summary>What a method won: the sites that the plan gives to it.</summary>
/// <param name="Name">For example <c>gptq</c>, <c>gptq + exact</c>, <c>exact alone</c>, <c>fp16</c>, <c>keep</c>.</param>
/// <param name="Sites">Number of sites.</param>
/// <param name="SiteShare">Share of all sites.</param>
/// <param name="WrittenBytes">Bytes of these sites in the written file.</param>
/// <param name="ByteShare">Share of the written bytes of all sites.</param>
/// <param name="OriginalBytes">Bytes of these sites in the original file.</param>
public sealed record MethodShare(string Name, int Sites, double SiteShare, long WrittenBytes, double ByteShare, long OriginalBytes)
{
    /// <summary>The methods, the one with the most written bytes first.</summary>
    public static IReadOnlyList<MethodShare> Of(CompressionReport report)
    {
        long all = report.Sites.Sum(s => s.WrittenBytes);
        return
        [
            .. report
                .Sites.GroupBy(MethodOf)
                .Select(g => new MethodShare(
                    g.Key,
                    g.Count(),
                    (double)g.Count() / report.Sites.Count,
                    g.Sum(s => s.WrittenBytes),
                    all == 0 ? 0 : (double)g.Sum(s => s.WrittenBytes) / all,
                    g.Sum(s => s.OriginalBytes)
                ))
                .OrderByDescending(m => m.WrittenBytes)
                .ThenBy(m => m.Name, StringComparer.Ordinal),
        ];
    }

    /// <summary>The methods behind one site.</summary>
    public static string MethodOf(SiteRow site) =>
        (site.Method, site.Decomposition) switch
        {
            ("", "") => site.Encoding,
            ("", var pair) => pair + " alone",
            (var codes, "") => codes,
            var (codes, pair) => $"{codes} + {pair}",
        };
}
