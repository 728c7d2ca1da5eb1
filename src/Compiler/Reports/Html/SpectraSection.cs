using System.Xml.Linq;
using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>How much loss every rank leaves, one small picture per site.</summary>
internal static class SpectraSection
{
    private const string TableId = "spectra-table";
    private const double Height = 110;

    /// <summary>So many are shown at once; the rest opens on demand.</summary>
    private const int Open = 12;

    /// <summary>The section; null when no site has a spectrum.</summary>
    public static Section? Of(CompressionReport report)
    {
        if (report.Spectra.Count == 0)
        {
            return null;
        }
        double[] left = [.. report.Spectra.SelectMany(Points).Select(p => p.Left)];
        double[] ranks =
        [
            .. report.Spectra.SelectMany(Points).Select(p => (double)p.Rank),
            .. report.Spectra.Select(s => s.ChosenRank).Where(r => r > 0).Select(r => (double)r!.Value),
        ];
        var x = LogScale.Binary([1, .. ranks]);
        var y = LogScale.Decimal([1, .. left]);
        XElement[] pictures = [.. report.Spectra.Select((s, i) => Draw(s, i, x, y))];
        return new Section(
            "spectra",
            "Spectra",
            Paragraph(
                "The share of a site's loss that is left beside a low-rank part of a given rank; both axes are logarithmic and the same for all sites. A curve that falls early is a weight with structure: low rank pays there."
            ),
            Figure.Legend(("front-line", "loss left"), ("chosen", "chosen rank")),
            El("div", Class("multiples"), pictures.Take(Open)),
            pictures.Length <= Open
                ? null
                : Figure.Data(
                    $"The other {Figures.Count(pictures.Length - Open, "site")}",
                    El("div", Class("multiples"), pictures.Skip(Open))
                ),
            Figure.Data("Data of these charts", Table(report.Spectra))
        );
    }

    private static IEnumerable<(int Rank, double Left)> Points(SpectrumFacts s) =>
        s.Ranks.Zip(s.Values).Where(p => p.First > 0 && PlanPoint.IsDrawn(p.Second));

    private static XElement Draw(SpectrumFacts s, int index, Scale x, Scale y)
    {
        double Down(double left) => Height * (1 - y.Position(left));
        (int Rank, double Left)[] points = [.. Points(s)];
        Plot plot = new Plot(Height).Rows(y, 0, Height, Figures.Tick).Columns(x, Figures.Tick);
        plot.Curve("front-line", points.Select(p => (x.Position(p.Rank), Down(p.Left))));
        string chosen = "no low-rank part";
        if (s.ChosenRank is int rank and > 0)
        {
            double at = x.Position(rank);
            plot.Line("chosen-rule", at, 0, at, Height);
            double? value = At(points, rank);
            if (value is double leftThere)
            {
                plot.Dot("chosen", at, Down(leftThere), 5);
            }
            chosen = $"rank {rank}" + (value is double l ? $", {Figures.Percent(l)} left" : "");
        }
        string id = $"spectrum-{index + 1}";
        return El(
            "figure",
            El("figcaption", Name(s.Site), El("span", Class("chosen-text"), chosen)),
            El(
                "div",
                Class("picture"),
                plot.Build(id, "axes small", $"Spectrum of {s.Site}", $"Loss left by rank; chosen: {chosen}.", TableId)
            )
        );
    }

    /// <summary>The loss left at a rank, between two known ranks on the straight line that the picture draws there.</summary>
    private static double? At((int Rank, double Left)[] points, int rank)
    {
        int next = Array.FindIndex(points, p => p.Rank >= rank);
        if (next < 0 || (next == 0 && points[0].Rank != rank))
        {
            return null;
        }
        (int Rank, double Left) high = points[next];
        if (high.Rank == rank)
        {
            return high.Left;
        }
        (int Rank, double Left) low = points[next - 1];
        double share = Math.Log((double)rank / low.Rank) / Math.Log((double)high.Rank / low.Rank);
        return Math.Exp(Math.Log(low.Left) + share * Math.Log(high.Left / low.Left));
    }

    private static XElement Table(IReadOnlyList<SpectrumFacts> spectra)
    {
        var table = new HtmlTable(TableId, "Loss left by rank", false, "site", ">chosen rank", "rank: share of the loss that is left");
        foreach (SpectrumFacts s in spectra)
        {
            table.Row(
                Name(s.Site),
                Cell.Whole(s.ChosenRank),
                string.Join(", ", s.Ranks.Zip(s.Values).Select(p => $"{p.First}: {Figures.Loss(p.Second)}"))
            );
        }
        return table.Build();
    }
}
