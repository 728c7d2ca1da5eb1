using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>Weights that were left alone, and why.</summary>
internal static class LeftAloneSection
{
    /// <summary>Rows of the full list at most, the largest weights; the JSON report has all.</summary>
    private const int MostRows = 1000;

    /// <summary>The section; null when there are none.</summary>
    public static Section? Of(CompressionReport report)
    {
        if (report.LeftAlone.Count == 0)
        {
            return null;
        }
        var reasons = new HtmlTable("reasons-table", "Reasons", false, "reason", ">weights", ">bytes");
        foreach (
            IGrouping<string, LeftAloneRow> reason in report.LeftAlone.GroupBy(w => w.Reason).OrderByDescending(g => g.Sum(w => w.Bytes))
        )
        {
            reasons.Row(new Cell(El("bdi", reason.Key)), Figures.Whole(reason.Count()), Figures.Bytes(reason.Sum(w => w.Bytes)));
        }
        var weights = new HtmlTable("left-alone-table", "Weights left alone", true, "weight", "shape", ">bytes", "read by", "reason");
        LeftAloneRow[] listed = [.. Largest.Of(report.LeftAlone, w => w.Bytes, MostRows)];
        foreach (LeftAloneRow w in listed)
        {
            weights.Row(
                Name(w.Name),
                new Cell(w.Shape.Count == 0 ? "scalar" : string.Join(" × ", w.Shape), w.Shape.Aggregate(1.0, (a, b) => a * b)),
                Cell.Bytes(w.Bytes),
                Name(w.Node),
                El("bdi", w.Reason)
            );
        }
        return new Section(
            "left-alone",
            "Left alone",
            Paragraph(
                $"{Figures.Count(report.LeftAlone.Count, "weight")} with {Figures.Bytes(report.LeftAlone.Sum(w => w.Bytes))} stay as they are in the original file of {Figures.Bytes(report.Model.OriginalBytes)}."
            ),
            reasons.Build(),
            Figure.Data(Largest.Title("Full list", listed.Length, report.LeftAlone.Count, "weight"), weights.Build())
        );
    }
}
