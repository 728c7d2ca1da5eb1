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
            Paragraph(Class("eyebrow"), $"Lorq compression report · target {report.Target}"),
            El("h1", El("bdi", m.Name)),
            Paragraph(
                Class("headline"),
                El("span", Class("before"), Figures.Bytes(m.OriginalBytes)),
                El("span", Class("arrow"), " → "),
                El("strong", Figures.Bytes(m.WrittenBytes))
            ),
            SizeBar(report),
            El(
                "dl",
                Class("tiles"),
                Tiles(report)
                    .Select(t => El("div", El("dt", t.Name), El("dd", El("strong", Unbroken(t.Figure)), El("span", Unbroken(t.Remark)))))
            ),
            El(
                "dl",
                Class("files"),
                El("div", El("dt", "original"), El("dd", Name(m.Path), $" {Figures.Whole(m.OriginalBytes)} bytes")),
                El("div", El("dt", "written"), El("dd", Name(m.WrittenPath), $" {Figures.Whole(m.WrittenBytes)} bytes"))
            )
        );
    }

    /// <summary>The new size within the old one, and where the budget ends.</summary>
    private static XElement SizeBar(CompressionReport r)
    {
        double whole = Math.Max(1, Math.Max(r.Model.OriginalBytes, r.Model.WrittenBytes));
        var plot = new Plot(BarHeight);
        plot.Bar("track", 0, r.Model.OriginalBytes / whole, 0, BarHeight, 3);
        plot.Bar("bar after", 0, r.Model.WrittenBytes / whole, 0, BarHeight, 3);
        double budget = r.Budget.Bytes / whole;
        string description = $"The written file has {Figures.Percent(Share(r))} of the original's bytes";
        if (budget is > 0 and < 1)
        {
            plot.Line("budget", budget, -3, budget, BarHeight + 3);
            description += $"; the budget allows {Figures.Percent(budget)}";
        }
        return El("div", Class("picture"), plot.Build("size", "size", "File size before and after", description + ".", "parts-table"));
    }

    private static IEnumerable<(string Name, string Figure, string Remark)> Tiles(CompressionReport r)
    {
        double share = Share(r);
        yield return (
            "of the original size",
            Figures.Percent(share),
            r.Model.WrittenBytes == 0 ? "" : $"{Figures.Factor((double)r.Model.OriginalBytes / r.Model.WrittenBytes)} smaller"
        );
        yield return r.Loss.Measured is double measured
            ? (
                "measured loss",
                Figures.Loss(measured),
                $"{r.Loss.Metric} on {Figures.Count(r.Calibration.HeldOutSamples, "held-out sample")}; {Figures.Loss(r.Loss.Predicted)} predicted"
            )
            : ("predicted loss", Figures.Loss(r.Loss.Predicted), $"{r.Loss.Metric}; not measured");
        long unspent = r.Budget.Bytes - r.Model.WrittenBytes;
        yield return (
            "budget",
            unspent >= 0 ? "met" : "missed",
            $"{r.Budget.Text} = {Figures.Whole(r.Budget.Bytes)} bytes; "
                + (unspent >= 0 ? $"{Figures.Whole(unspent)} unspent" : $"{Figures.Whole(-unspent)} too many")
        );
        if (r.BestUniform is { } uniform)
        {
            double own = r.Loss.Measured ?? r.Loss.Predicted;
            yield return (
                "loss of the best uniform plan",
                own > 0 && double.IsFinite(uniform.Loss) ? Figures.Factor(uniform.Loss / own) : Figures.Loss(uniform.Loss),
                $"{uniform.Name}: {Figures.Loss(uniform.Loss)} at {Figures.Whole(uniform.Bytes)} bytes"
            );
        }
        if (r.Solver is { } solver)
        {
            yield return (
                "certified gap",
                Figures.Loss(solver.Gap),
                $"no plan from this menu is predicted to lose less than {Figures.Loss(solver.Bound)}"
            );
        }
        yield return ("run time", Figures.Seconds(r.Stages.Sum(s => s.Seconds)), $"peak memory {Figures.Bytes(r.PeakMemoryBytes)}");
    }

    /// <summary>Keeps digits and units on one line.</summary>
    private static string Unbroken(string text) => SpaceInNumber().Replace(text, "\u00a0");

    [GeneratedRegex(@"(?<=\d) (?=[\d%]|[kMG]?B\b|bytes\b)")]
    private static partial Regex SpaceInNumber();

    private static double Share(CompressionReport r) =>
        r.Model.OriginalBytes == 0 ? 1 : (double)r.Model.WrittenBytes / r.Model.OriginalBytes;
}
