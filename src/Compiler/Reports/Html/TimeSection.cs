using System.Xml.Linq;
using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>Time and memory of every stage.</summary>
internal static class TimeSection
{
    private const string TableId = "stages-table";

    /// <summary>The section; null without stages.</summary>
    public static Section? Of(CompressionReport report)
    {
        if (report.Stages.Count == 0)
        {
            return null;
        }
        bool hasMemory = report.Stages.Any(s => s.PeakBytes > 0);
        var table = new HtmlTable(TableId, "Stages", false, "stage", ">time", ">peak memory");
        foreach (StageTime s in report.Stages)
        {
            table.Row(s.Stage, Figures.Seconds(s.Seconds), s.PeakBytes > 0 ? Figures.Bytes(s.PeakBytes) : "–");
        }
        table.Footer("total", Figures.Seconds(report.Stages.Sum(s => s.Seconds)), Figures.Bytes(report.PeakMemoryBytes));
        return new Section(
            "time",
            "Time and memory",
            El(
                "div",
                Class(hasMemory ? "pair" : "single"),
                Chart(
                    "time-chart",
                    "Time by stage; the whole width is the whole time.",
                    report.Stages.Sum(s => s.Seconds),
                    report.Stages,
                    s => s.Seconds,
                    s => Figures.Seconds(s.Seconds)
                ),
                hasMemory
                    ? Chart(
                        "memory-chart",
                        "Peak memory by stage; the whole width is the peak over all.",
                        report.PeakMemoryBytes,
                        report.Stages,
                        s => s.PeakBytes,
                        s => s.PeakBytes > 0 ? Figures.Bytes(s.PeakBytes) : "–"
                    )
                    : null
            ),
            report.IsEarlier ? El("p", MarkdownReport.Earlier) : null,
            Figure.Data("Data of these charts", table.Build())
        );
    }

    private static XElement Chart(
        string id,
        string title,
        double whole,
        IReadOnlyList<StageTime> stages,
        Func<StageTime, double> value,
        Func<StageTime, string> text
    )
    {
        BarRow[] rows = [.. stages.Select(s => new BarRow(s.Stage, text(s), [("after", value(s))]))];
        string description = string.Join("; ", rows.Select(r => $"{r.Name} {r.Label}")) + ".";
        return Figure.Of(title, BarRows.Draw(id, title, description, TableId, whole, rows));
    }
}
