using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>All sites in a table that can be sorted.</summary>
internal static class SitesSection
{
    /// <summary>The table's id.</summary>
    public const string TableId = "sites-table";

    /// <summary>Rows at most, the largest sites; the JSON report has all.</summary>
    private const int MostRows = 2000;

    /// <summary>The section.</summary>
    public static Section Of(CompressionReport report)
    {
        if (report.Sites.Count == 0)
        {
            return new Section("sites", "Sites", Paragraph("No compressible weight."));
        }
        (SiteRow Row, int Index)[] sites = [.. Largest.Of([.. report.Sites.Select((s, i) => (s, i))], s => s.s.OriginalBytes, MostRows)];
        bool hasRanks = report.Sites.Any(s => s.Rank is not null);
        var table = new HtmlTable(
            TableId,
            Largest.Title("In graph order", sites.Length, report.Sites.Count, "site"),
            true,
            [
                "site",
                ">#",
                "kind",
                ">K × N",
                "stored as",
                "method",
                ">bits",
                .. hasRanks ? new[] { ">rank", ">factor bits" } : [],
                ">before",
                ">after",
                ">bits per weight",
                ">output error ℓ",
                ">weight ω",
                ">predicted loss",
                ">candidates",
                ">menu time",
                "notes",
            ]
        );
        foreach ((SiteRow site, int i) in sites)
        {
            table.RowAt(NetworkSection.Place(i, report.Sites.Count), Row(site, i + 1, hasRanks));
        }
        return new Section(
            "sites",
            "Sites",
            Paragraph(
                "ℓ is the site's own relative output error, ω what one unit of it costs at the model's outputs; ω·ℓ is its part of the predicted loss. Press a heading to sort by it."
            ),
            table.Build()
        );
    }

    private static IEnumerable<Cell> Row(SiteRow s, int number, bool hasRanks)
    {
        yield return Name(s.Name);
        yield return Cell.Whole(number);
        yield return s.Kind;
        yield return new Cell(
            $"{Figures.Whole(s.K)} × {Figures.Whole(s.N)}" + (s.Groups > 1 ? $" in {Figures.Count(s.Groups, "group")}" : ""),
            s.Count
        );
        yield return s.Encoding;
        yield return MethodShare.MethodOf(s);
        yield return Cell.Whole(s.Bits);
        if (hasRanks)
        {
            yield return Cell.Whole(s.Rank);
            yield return Cell.Whole(s.FactorBits);
        }
        yield return Cell.Bytes(s.OriginalBytes);
        yield return Cell.Bytes(s.WrittenBytes);
        yield return new Cell(Figures.OneDecimal(s.BitsPerWeight), s.BitsPerWeight);
        yield return Cell.Loss(s.RelativeError);
        yield return Cell.Loss(s.Weight);
        yield return Cell.Loss(s.PredictedLoss);
        yield return Cell.Whole(s.Candidates);
        yield return new Cell(Figures.Seconds(s.MenuSeconds), s.MenuSeconds);
        yield return string.Join("; ", (s.Uses > 1 ? [$"tied: {s.Uses} uses"] : Array.Empty<string>()).Concat(s.Notes));
    }
}
