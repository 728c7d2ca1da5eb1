namespace Lorq.Reports.Html;

/// <summary>Which loss every file size costs.</summary>
internal static class FrontSection
{
    private const string TableId = "front-table";

    /// <summary>The section; null when no front was drawn up.</summary>
    public static Section? Of(CompressionReport report)
    {
        IReadOnlyList<PlanPoint> plans = PlanPoint.Of(report);
        if (report.Front is null || FrontChart.Of(plans, report.Budget.Bytes) is not { } chart)
        {
            return null;
        }
        var table = new HtmlTable(TableId, "Plans by size", false, "plan", ">bytes", ">size", ">predicted loss", ">measured loss");
        foreach (PlanPoint m in plans)
        {
            table.RowAt(
                chart.Place(m.Bytes),
                m.Name,
                Figures.Whole(m.Bytes),
                Figures.Bytes(m.Bytes),
                Figures.Loss(m.Predicted),
                Figures.Loss(m.Measured)
            );
        }
        return new Section(
            "front",
            "Size and loss",
            Figure.Of(
                "The least loss that each file size allows, and plans with the same bits everywhere: predicted, and measured on the samples of the probes where a plan was run. Both axes are logarithmic. Predictions are made for sizes near this file's: far from it they only rank plans.",
                chart
                    .Draw(MetricText.Of(report.Loss.Metric))
                    .Build("front-chart", "axes", "Size–loss front", Describe(report, plans), TableId),
                Figure.Legend(chart.Legend()),
                Figure.Cursor(
                    "front-cursor",
                    TableId,
                    "Walk along the plans",
                    "axes",
                    plans.ToList().FindIndex(m => m.Kind == PlanKind.Chosen)
                ),
                Figure.Data(
                    "Data of this chart" + (chart.Absent == 0 ? "" : $", with {Figures.Count(chart.Absent, "plan")} of next to no loss"),
                    table.Build()
                )
            )
        );
    }

    private static string Describe(CompressionReport r, IReadOnlyList<PlanPoint> plans)
    {
        PlanPoint[] front = [.. plans.Where(m => m.Kind == PlanKind.Front)];
        string text =
            front.Length == 0
                ? "The front has no points"
                : $"Over {Figures.Count(front.Length, "plan")} from {Figures.Bytes(front[0].Bytes)} to {Figures.Bytes(front[^1].Bytes)} the predicted loss goes from {Figures.Loss(front[0].Predicted)} to {Figures.Loss(front[^1].Predicted)}";
        return $"{text}. This file has {Figures.Bytes(r.Model.WrittenBytes)}: {MarkdownReport.LossSentence(r)}.";
    }
}
