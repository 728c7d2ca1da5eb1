namespace Lorq.Reports.Html;

/// <summary>Which method won what share of the sites and of the bytes.</summary>
internal static class MethodsSection
{
    private const string TableId = "methods-table";

    /// <summary>The section; null without sites.</summary>
    public static Section? Of(CompressionReport report)
    {
        if (report.Sites.Count == 0)
        {
            return null;
        }
        IReadOnlyList<MethodShare> methods = MethodShare.Of(report);
        var table = new HtmlTable(
            TableId,
            "Methods in the plan",
            false,
            "method",
            ">sites",
            ">of the sites",
            ">before",
            ">after",
            ">of the written bytes"
        );
        foreach (MethodShare m in methods)
        {
            table.Row(
                m.Name,
                Figures.Whole(m.Sites),
                Figures.Percent(m.SiteShare),
                Figures.Bytes(m.OriginalBytes),
                Figures.Bytes(m.WrittenBytes),
                Figures.Percent(m.ByteShare)
            );
        }
        BarRow[] rows =
        [
            .. methods.Select(m => new BarRow(
                m.Name,
                $"{Figures.Percent(m.SiteShare)}, {Figures.Percent(m.ByteShare)}",
                [("before", m.SiteShare), ("after", m.ByteShare)]
            )),
        ];
        return new Section(
            "methods",
            "Methods",
            MenuText.LowRank(report) is { } gain ? Markup.Paragraph(gain) : null,
            Figure.Of(
                "How often the solver chose each method: of all sites, and of the bytes that sites have in the written file.",
                BarRows.Draw(
                    "methods-chart",
                    "Shares of the methods",
                    string.Join(
                        "; ",
                        methods.Select(m =>
                            $"{m.Name} has {Figures.Percent(m.SiteShare)} of the sites and {Figures.Percent(m.ByteShare)} of the bytes"
                        )
                    ) + ".",
                    TableId,
                    1,
                    rows
                ),
                Figure.Legend(("before", "share of the sites"), ("after", "share of the written bytes")),
                Figure.Data("Data of this chart", table.Build())
            )
        );
    }
}
