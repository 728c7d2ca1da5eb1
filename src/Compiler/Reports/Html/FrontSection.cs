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
        IReadOnlyList<FrontMark> marks = FrontMark.Of(report);
        if (report.Front is null || !marks.SelectMany(Losses).Any())
        {
            return null;
        }
        var x = LinearScale.Over(marks.Select(m => (double)m.Bytes));
        var y = LogScale.Decimal(marks.SelectMany(Losses));
        var table = new HtmlTable(TableId, "Plans by size", false, "plan", ">bytes", ">size", ">predicted loss", ">measured loss");
        foreach (FrontMark m in marks)
        {
            table.RowAt(
                x.Position(m.Bytes),
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
                $"The least loss that every file size allows ({report.Loss.Metric}, logarithmic), and plans that treat all sites alike.",
                Draw(report, marks, x, y),
                Figure.Legend(Legend(marks)),
                Figure.Cursor("front-cursor", TableId, "Walk along the plans"),
                Figure.Data("Data of this chart", table.Build())
            )
        );
    }

    private static IEnumerable<double> Losses(FrontMark mark) =>
        new[] { mark.Predicted, mark.Measured }.Where(FrontMark.IsDrawn).Select(l => l!.Value);

    private static IEnumerable<(string, string)> Legend(IReadOnlyList<FrontMark> marks)
    {
        yield return ("chosen", "this file");
        yield return ("front-line", "front, predicted");
        if (marks.Any(m => m.Kind == FrontMarkKind.Front && FrontMark.IsDrawn(m.Measured)))
        {
            yield return ("front-dot", "front, measured");
        }
        if (marks.Any(m => m.Kind == FrontMarkKind.Uniform && FrontMark.IsDrawn(m.Predicted)))
        {
            yield return ("uniform-open", "uniform plan, predicted");
        }
        if (marks.Any(m => m.Kind == FrontMarkKind.Uniform && FrontMark.IsDrawn(m.Measured)))
        {
            yield return ("uniform-dot", "uniform plan, measured");
        }
        yield return ("budget-line", "budget");
    }

    private static XElement Draw(CompressionReport report, IReadOnlyList<FrontMark> marks, Scale x, Scale y)
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
                .Where(m => m.Kind == FrontMarkKind.Front && FrontMark.IsDrawn(m.Predicted))
                .Select(m => (x.Position(m.Bytes), Down(m.Predicted!.Value)))
        );
        foreach (FrontMark m in marks.OrderBy(m => m.Kind == FrontMarkKind.Front ? 1 : (int)m.Kind * 2))
        {
            double at = x.Position(m.Bytes);
            if (m.Kind == FrontMarkKind.Chosen)
            {
                double? loss = FrontMark.IsDrawn(m.Measured) ? m.Measured : m.Predicted;
                if (FrontMark.IsDrawn(loss))
                {
                    plot.Dot("chosen", at, Down(loss!.Value), 7);
                    bool isRight = at > 0.6;
                    plot.Label(
                        isRight ? "mark-label left" : "mark-label right",
                        at,
                        Down(loss.Value) - 14,
                        isRight ? "end" : "start",
                        "this file"
                    );
                }
                continue;
            }
            if (FrontMark.IsDrawn(m.Predicted) && m.Kind == FrontMarkKind.Uniform)
            {
                plot.Dot("uniform-open", at, Down(m.Predicted!.Value), 4);
            }
            if (FrontMark.IsDrawn(m.Measured))
            {
                plot.Dot(m.Kind == FrontMarkKind.Front ? "front-dot" : "uniform-dot", at, Down(m.Measured!.Value), 4);
            }
        }
        return plot.Build("front-chart", "axes", "Size–loss front", Describe(report, marks), TableId);
    }

    private static string Describe(CompressionReport r, IReadOnlyList<FrontMark> marks)
    {
        FrontMark[] front = [.. marks.Where(m => m.Kind == FrontMarkKind.Front)];
        string text =
            front.Length == 0
                ? "The front has no points"
                : $"Over {Figures.Count(front.Length, "plan")} from {Figures.Bytes(front[0].Bytes)} to {Figures.Bytes(front[^1].Bytes)} the predicted loss goes from {Figures.Loss(front[0].Predicted)} to {Figures.Loss(front[^1].Predicted)}";
        return $"{text}. This file has {Figures.Bytes(r.Model.WrittenBytes)}: {MarkdownReport.LossSentence(r)}.";
    }
}
