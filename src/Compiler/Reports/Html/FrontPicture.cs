using System.Xml.Linq;
using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>The size–loss front of a sweep as an SVG file that needs nothing else: <c>lorq sweep --svg</c>.</summary>
public static class FrontPicture
{
    private const double Width = 800;
    private const double Left = 72;
    private const double Right = 32;
    private const double Top = 84;

    /// <summary>From the chart's bottom to the first line of the legend: the axis lies between.</summary>
    private const double AxisSpace = 64;

    private const double LegendLine = 24;

    /// <summary>Space from one entry of the legend to the next; two fit beside each other.</summary>
    private const double LegendColumn = 320;

    /// <summary>Writes the picture.</summary>
    public static string Write(SweepReport report)
    {
        IReadOnlyList<PlanPoint> plans = PlanPoint.Of(report);
        FrontChart? chart = FrontChart.Of(plans, null);
        Plot plot = chart?.Draw(MetricText.Of(report.Metric)) ?? new Plot(0);
        (string Mark, string Meaning)[] legend = [.. chart?.Legend() ?? []];
        double bottom = Top + plot.Height + AxisSpace;
        double height = bottom + (legend.Length + 1) / 2 * LegendLine;
        string name = Path.GetFileName(report.Model);
        string range =
            report.Points.Count == 0
                ? "no plan"
                : $"{Figures.Count(report.Points.Count, "plan")} from {Figures.Bytes(report.Points[0].Bytes)} to {Figures.Bytes(report.Points[^1].Bytes)}, original {Figures.Bytes(report.OriginalBytes)}";
        XElement svg = El(
            "svg",
            At("width", SvgNumber.Pixels(Width)),
            At("height", SvgNumber.Pixels(height)),
            At("viewBox", $"0 0 {SvgNumber.Pixels(Width)} {SvgNumber.Pixels(height)}"),
            At("role", "img"),
            At("aria-labelledby", "title desc"),
            El("title", Id("title"), "Size–loss front of " + name),
            El("desc", Id("desc"), Describe(report, range)),
            new XElement("style", PageAssets.PlotStyle),
            El("rect", Class("paper"), At("width", "100%"), At("height", "100%")),
            Text("chart-title", Left, 32, Figures.Shorten(SafeText.Line(name), 60)),
            Text("chart-note", Left, 54, $"Loss against file size, target {report.Target}; {range}"),
            plot.Inner(Left, Top, Width - Left - Right),
            legend.Select((e, i) => Entry(e.Mark, e.Meaning, Left + i % 2 * LegendColumn, bottom + i / 2 * LegendLine))
        );
        XNamespace space = "http://www.w3.org/2000/svg";
        foreach (XElement element in svg.DescendantsAndSelf())
        {
            element.Name = space + element.Name.LocalName;
        }
        return svg.ToString(SaveOptions.DisableFormatting).ReplaceLineEndings("\n") + "\n";
    }

    private static string Describe(SweepReport report, string range) =>
        report.Points.Count == 0
            ? "No plan was found."
            : $"The predicted loss ({report.Metric}) goes from {Figures.Loss(report.Points[0].PredictedLoss)} to {Figures.Loss(report.Points[^1].PredictedLoss)} over {range}.";

    private static XElement Entry(string mark, string meaning, double x, double y) =>
        El(
            "g",
            Class("plot"),
            mark == "front-line"
                ? El("path", Class(mark), At("d", $"M{SvgNumber.Pixels(x)} {SvgNumber.Pixels(y - 4)}h20"))
                : El("circle", Class(mark), At("cx", SvgNumber.Pixels(x + 10)), At("cy", SvgNumber.Pixels(y - 4)), At("r", "4")),
            Text("tick", x + 30, y, meaning)
        );

    private static XElement Text(string classes, double x, double y, string text) =>
        El("text", Class(classes), At("x", SvgNumber.Pixels(x)), At("y", SvgNumber.Pixels(y)), text);
}
