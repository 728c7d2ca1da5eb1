using System.Xml.Linq;

namespace Lorq.Reports.Html;

/// <summary>Which loss every file size costs.</summary>
internal static class FrontSection
{
    private const string TableId = "front-table";
    private const double Height = 320;

    /// <summary>The section; null when no front was drawn up.</summary>
    public static Section? Of(CompressionReport report)
    {
        IReadOnlyList<PlanPoint> marks = PlanPoint.Of(report);
        if (report.Front is null || !marks.SelectMany(Losses).Any())
        {
            return null;
        }
        // Plans without a place on the axis of losses do not stretch the axis of sizes.
        var x = LinearScale.Over(marks.Where(m => Losses(m).Any()).Select(m => (double)m.Bytes));
        var y = LogScale.Decimal(marks.SelectMany(Losses));
        var table = new HtmlTable(TableId, "Plans by size", false, "plan", ">bytes", ">size", ">predicted loss", ">measured loss");
        foreach (PlanPoint m in marks)
        {
            table.RowAt(
                Math.Clamp(x.Position(m.Bytes), 0, 1),
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
                Caption(report, marks),
                Draw(report, marks, x, y),
                Figure.Legend(Legend(marks)),
                Figure.Cursor(
                    "front-cursor",
                    TableId,
                    "Walk along the plans",
                    "axes",
                    marks.ToList().FindIndex(m => m.Kind == PlanKind.Chosen)
                ),
                Figure.Data("Data of this chart", table.Build())
            )
        );
    }

    private static string Caption(CompressionReport report, IReadOnlyList<PlanPoint> marks)
    {
        int absent = marks.Count(m => !Losses(m).Any());
        return $"The least loss that every file size allows ({report.Loss.Metric}, logarithmic), and plans that treat all sites alike."
            + (absent == 0 ? "" : $" {Figures.Count(absent, "plan")} without a positive loss: in the data only.");
    }

    private static IEnumerable<double> Losses(PlanPoint mark) =>
        new[] { mark.Predicted, mark.Measured }.Where(PlanPoint.IsDrawn).Select(l => l!.Value);

    private static IEnumerable<(string, string)> Legend(IReadOnlyList<PlanPoint> marks)
    {
        yield return ("chosen", "this file");
        yield return ("front-line", "front, predicted");
        if (marks.Any(m => m.Kind == PlanKind.Front && PlanPoint.IsDrawn(m.Measured)))
        {
            yield return ("front-dot", "front, measured");
        }
        if (marks.Any(m => m.Kind == PlanKind.Uniform && PlanPoint.IsDrawn(m.Predicted)))
        {
            yield return ("uniform-open", "uniform plan, predicted");
        }
        if (marks.Any(m => m.Kind == PlanKind.Uniform && PlanPoint.IsDrawn(m.Measured)))
        {
            yield return ("uniform-dot", "uniform plan, measured");
        }
        yield return ("budget-line", "budget");
    }

    private static XElement Draw(CompressionReport report, IReadOnlyList<PlanPoint> marks, Scale x, Scale y)
    {
        double Down(double loss) => Height * (1 - y.Position(loss));
        Plot plot = new Plot(Height).Rows(y, 0, Height, Figures.Tick).Columns(x, Figures.TickBytes);
        double budget = x.Position(report.Budget.Bytes);
        if (budget is >= 0 and <= 1)
        {
            plot.Line("budget", budget, 0, budget, Height);
        }
        plot.Curve(
            "front-line",
            marks
                .Where(m => m.Kind == PlanKind.Front && PlanPoint.IsDrawn(m.Predicted))
                .Select(m => (x.Position(m.Bytes), Down(m.Predicted!.Value)))
        );
        foreach (PlanPoint m in marks.OrderBy(m => m.Kind == PlanKind.Front ? 1 : (int)m.Kind * 2))
        {
            double at = x.Position(m.Bytes);
            if (m.Kind == PlanKind.Chosen)
            {
                double? loss = PlanPoint.IsDrawn(m.Measured) ? m.Measured : m.Predicted;
                if (PlanPoint.IsDrawn(loss))
                {
                    plot.Dot("chosen", at, Down(loss!.Value), 7);
                    // The front falls: free is what is above at the right, and what is below at the left.
                    (string side, string anchor, double shift) = at > 0.75 ? ("left", "end", 20) : ("right", "start", -12);
                    plot.Label("mark-label " + side, at, Down(loss.Value) + shift, anchor, "this file");
                }
                continue;
            }
            if (PlanPoint.IsDrawn(m.Predicted) && m.Kind == PlanKind.Uniform)
            {
                plot.Dot("uniform-open", at, Down(m.Predicted!.Value), 4);
            }
            if (PlanPoint.IsDrawn(m.Measured))
            {
                plot.Dot(m.Kind == PlanKind.Front ? "front-dot" : "uniform-dot", at, Down(m.Measured!.Value), 4);
            }
        }
        return plot.Build("front-chart", "axes", "Size–loss front", Describe(report, marks), TableId);
    }

    private static string Describe(CompressionReport r, IReadOnlyList<PlanPoint> marks)
    {
        PlanPoint[] front = [.. marks.Where(m => m.Kind == PlanKind.Front)];
        string text =
            front.Length == 0
                ? "The front has no points"
                : $"Over {Figures.Count(front.Length, "plan")} from {Figures.Bytes(front[0].Bytes)} to {Figures.Bytes(front[^1].Bytes)} the predicted loss goes from {Figures.Loss(front[0].Predicted)} to {Figures.Loss(front[^1].Predicted)}";
        return $"{text}. This file has {Figures.Bytes(r.Model.WrittenBytes)}: {MarkdownReport.LossSentence(r)}.";
    }
}
