using System.Text.RegularExpressions;
using System.Xml.Linq;
using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>The head of the page: what became of the file, in the figures one asks for first.</summary>
internal static partial class PageHeader
{
    private const double BarHeight = 14;

    /// <summary>The head.</summary>
    public static XElement Of(CompressionReport report)
    {
        ModelFacts m = report.Model;
        return El(
            "header",
            El("h1", El("bdi", Title(m))),
            Paragraph(Class("files"), "Compressed by Lorq: ", Name(m.Path), " → ", Name(m.WrittenPath), $", target {report.Target}"),
            Paragraph(
                Class("headline"),
                El("span", Class("before"), Figures.Bytes(m.OriginalBytes)),
                El("span", Class("arrow"), " → "),
                El("strong", Figures.Bytes(m.WrittenBytes)),
                " ",
                El("span", Class("ratio"), Unbroken(Ratio(m)))
            ),
            SizeBar(report),
            El(
                "dl",
                Class("tiles"),
                Tiles(report)
                    .Select(t => El("div", El("dt", t.Name), El("dd", El("strong", Unbroken(t.Figure)), El("span", Unbroken(t.Remark)))))
            )
        );
    }

    /// <summary>The model's name; with its folder when it is called what most exports are called.</summary>
    internal static string Title(ModelFacts m) =>
        m.Name == "model" && Path.GetFileName(Path.GetDirectoryName(m.Path)) is { Length: > 0 } folder ? $"{folder}/{m.Name}" : m.Name;

    private static string Ratio(ModelFacts m) =>
        $"{Figures.Percent(Share(m))} of the original"
        + (m.WrittenBytes > 0 && m.WrittenBytes < m.OriginalBytes ? $", {Times(m.OriginalBytes, m.WrittenBytes)} smaller" : "");

    /// <summary>How often one value goes into another: <c>6.96 times</c>.</summary>
    private static string Times(double value, double unit) => Figures.Factor(value / unit)[1..] + " times";

    /// <summary>The new size within the old one, and where the budget ends.</summary>
    private static XElement SizeBar(CompressionReport r)
    {
        double whole = Math.Max(1, Math.Max(r.Model.OriginalBytes, r.Model.WrittenBytes));
        var plot = new Plot(BarHeight);
        plot.Bar("track", 0, r.Model.OriginalBytes / whole, 0, BarHeight, 3);
        plot.Bar("bar after", 0, r.Model.WrittenBytes / whole, 0, BarHeight, 3);
        double budget = r.Budget.Bytes / whole;
        string description = $"The written file has {Figures.Percent(Share(r.Model))} of the original's bytes";
        if (budget is > 0 and < 1)
        {
            plot.Line("budget", budget, -3, budget, BarHeight + 3);
            description += $"; the budget allows {Figures.Percent(budget)}";
        }
        return El("div", Class("picture"), plot.Build("size", "size", "File size before and after", description + ".", "parts-table"));
    }

    private static IEnumerable<(string Name, string Figure, string Remark)> Tiles(CompressionReport r)
    {
        string metric = MetricText.Of(r.Loss.Metric);
        yield return r.Loss.Measured is double measured
            ? (
                "measured loss",
                Figures.Loss(measured),
                (r.Loss.Limit is { } limit ? $"{Figures.Loss(limit)} allowed; " : $"{Figures.Loss(r.Loss.Predicted)} predicted; ")
                    + $"{metric}, on {Figures.Count(r.Calibration.HeldOutSamples, "held-out sample")}"
            )
            : ("predicted loss", Figures.Loss(r.Loss.Predicted), $"{metric}; not measured");
        if (r.Solver is { } solver)
        {
            yield return (
                "certified gap",
                Gap(solver.Gap),
                $"proven: no choice from this menu is predicted to lose less than {Figures.Loss(solver.Bound)}"
                    + (solver.Instead is null ? "" : $"; that is the solver's plan, but {solver.Instead} measured better and was taken")
            );
        }
        if (r.BestUniform is { } uniform)
        {
            double own = r.Loss.Probed ?? r.Loss.Predicted;
            yield return (
                "same bits everywhere",
                own > 0 && double.IsFinite(uniform.Loss) ? Times(uniform.Loss, own) : Figures.Loss(uniform.Loss),
                $"the loss: {Figures.Loss(uniform.Loss)} with {uniform.Name} for all sites that may have it, {Figures.Bytes(uniform.Bytes)}; this plan {Figures.Loss(own)}, both before refinement"
            );
        }
        if (r.LowRank?.Gain is double gain)
        {
            yield return (
                "low rank saves",
                Figures.Percent(gain),
                $"of the predicted loss; {Figures.Whole(r.Sites.Count(s => s.Rank is not null))} of {Figures.Count(r.Sites.Count, "site")} have a low-rank part"
            );
        }
        long unspent = r.Budget.Bytes - r.Model.WrittenBytes;
        yield return (
            "budget",
            unspent >= 0 ? "met" : "missed",
            (r.Budget.Text == $"{r.Budget.Bytes}" ? "" : $"{r.Budget.Text}: ")
                + $"{Figures.Whole(r.Budget.Bytes)} bytes, "
                + (unspent >= 0 ? $"{Figures.Whole(unspent)} unspent" : $"{Figures.Whole(-unspent)} too many")
        );
        yield return ("run time", Figures.Seconds(r.Stages.Sum(s => s.Seconds)), $"peak memory {Figures.Bytes(r.PeakMemoryBytes)}");
    }

    /// <summary>A gap as a share; what rounding makes of exact solutions is not a figure.</summary>
    private static string Gap(double gap) => gap is >= 0 and < 1e-9 ? "0 %" : Figures.Loss(100 * gap) + " %";

    /// <summary>Keeps digits and units on one line.</summary>
    private static string Unbroken(string text) => SpaceInNumber().Replace(text, "\u00a0");

    [GeneratedRegex(@"(?<=\d) (?=[\d%]|[kMG]?B\b|bytes\b)")]
    private static partial Regex SpaceInNumber();

    private static double Share(ModelFacts m) => m.OriginalBytes == 0 ? 1 : (double)m.WrittenBytes / m.OriginalBytes;
}
