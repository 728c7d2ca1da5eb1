using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>Run time before and after, and where it goes.</summary>
internal static class SpeedSection
{
    private const string TableId = "speed-table";
    private const int MostBars = 12;
    private const int MostRows = 200;

    /// <summary>The section; null when nothing was timed.</summary>
    public static Section? Of(CompressionReport report)
    {
        if (report.Speed is not { } s)
        {
            return null;
        }
        BarRow[] bars =
        [
            new("whole run", SpeedText.Ratio(s.Run), Bars(s.Run)),
            .. SpeedText.Rows(s, MostBars).Select(r => new BarRow(r.Name, SpeedText.Ratio(r.Time), Bars(r.Time))),
        ];
        return new Section(
            "speed",
            "Speed",
            Paragraph(SpeedText.Method(s)),
            Figure.Of(
                "Time of the weights' nodes, the slowest first; the whole width is the slower model's run. Weights that a node joins share a bar.",
                BarRows.Draw(
                    "speed-chart",
                    "Run time by weight",
                    string.Join("; ", bars.Take(4).Select(b => $"{b.Name} {b.Label}")) + ".",
                    TableId,
                    Math.Max(s.Run.Before, s.Run.After),
                    bars
                ),
                Figure.Legend(("before", "before"), ("after", "after")),
                Figure.Data("Data of this chart", Table(s).Build(), Operators(s).Build())
            )
        );
    }

    private static (string, double)[] Bars(TimePair time) => [("before", time.Before), ("after", time.After)];

    private static HtmlTable Table(SpeedFacts s)
    {
        var table = new HtmlTable(
            TableId,
            "Time per run by weight",
            true,
            "weights",
            "kind",
            ">bytes before",
            ">bytes after",
            ">time before",
            ">time after",
            ">ratio",
            ">of the run after",
            "nodes before",
            "nodes after"
        );
        foreach (SpeedRow r in SpeedText.Rows(s, MostRows))
        {
            table.Row(
                Name(r.Name),
                r.Kind,
                r.BytesBefore,
                r.BytesAfter,
                new Cell(Figures.Milliseconds(r.Time.Before), r.Time.Before),
                new Cell(Figures.Milliseconds(r.Time.After), r.Time.After),
                new Cell(SpeedText.Ratio(r.Time), r.Time.Ratio),
                new Cell(SpeedText.Share(s, r.Time), r.Time.After),
                r.NodesBefore,
                r.NodesAfter
            );
        }
        return table.Footer(
            "whole run",
            "",
            "",
            "",
            Figures.Milliseconds(s.Run.Before),
            Figures.Milliseconds(s.Run.After),
            SpeedText.Ratio(s.Run),
            SpeedText.Share(s, s.Run),
            "",
            ""
        );
    }

    private static HtmlTable Operators(SpeedFacts s)
    {
        var table = new HtmlTable(
            "speed-operators-table",
            "Time per run by operator",
            true,
            "operator",
            ">nodes before",
            ">nodes after",
            ">time before",
            ">time after"
        );
        foreach (OperatorTime o in s.Operators)
        {
            table.Row(
                o.Operator,
                Cell.Whole((long)o.NodesBefore),
                Cell.Whole((long)o.NodesAfter),
                new Cell(Figures.Milliseconds(o.Time.Before), o.Time.Before),
                new Cell(Figures.Milliseconds(o.Time.After), o.Time.After)
            );
        }
        return table;
    }
}
