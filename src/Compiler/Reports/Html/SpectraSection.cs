using System.Xml.Linq;
using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>How much a low-rank matrix of every rank misses of each site.</summary>
internal static class SpectraSection
{
    private const string TableId = "spectra-table";
    private const double Height = 110;

    /// <summary>So many are shown at once; the rest opens on demand.</summary>
    private const int Open = 12;

    /// <summary>So many have a picture of their own at all.</summary>
    private const int MostPictures = 60;

    /// <summary>So many are lines of the chart of all.</summary>
    private const int MostLines = 400;

    /// <summary>So many are in the table; the JSON report has all.</summary>
    private const int MostRows = 500;

    private const double OverviewHeight = 240;

    /// <summary>Less is drawn as this: stored factors are not so exact.</summary>
    private const double Least = 1e-6;

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
        // Where the plan has a low-rank part first.
        SpectrumFacts[] sites = [.. report.Spectra.OrderBy(s => s.ChosenRank is null).Take(MostPictures)];
        XElement[] pictures = [.. sites.Select((s, i) => Draw(s, i, x, y, report))];
        SpectrumFacts[] listed = [.. Largest.Of(report.Spectra, s => s.ChosenRank ?? 0, MostRows)];
        return new Section(
            "spectra",
            "Spectra",
            Figure.Of(
                "What share of a weight's effect on its output a low-rank matrix misses, by rank; one line per site, both axes logarithmic. A line that falls early is a weight with structure: low rank pays there.",
                Overview(report.Spectra, x, y),
                Figure.Legend(Marks(report.Spectra))
            ),
            El("h3", "Site by site"),
            El("div", Class("multiples"), pictures.Take(Open)),
            pictures.Length <= Open
                ? null
                : Figure.Data(
                    Rest(pictures.Length - Open, report.Spectra.Count - pictures.Length),
                    El("div", Class("multiples"), pictures.Skip(Open))
                ),
            Figure.Data("Data of these charts", Table(listed, report.Spectra.Count))
        );
    }

    private static string Rest(int more, int left) =>
        left == 0
            ? $"The other {Figures.Count(more, "site")}"
            : $"{Figures.Count(more, "more site")}; {Figures.Whole(left)} without a picture of their own are in the chart above";

    private static IEnumerable<(string, string)> Marks(IReadOnlyList<SpectrumFacts> spectra)
    {
        yield return ("spectrum", "a site without a low-rank part");
        if (spectra.Any(s => s.ChosenRank > 0))
        {
            yield return ("front-line", "a site with one");
            yield return ("chosen", "its rank");
        }
    }

    /// <summary>All sites in one picture; those with a low-rank part in front.</summary>
    private static XElement Overview(IReadOnlyList<SpectrumFacts> spectra, Scale x, Scale y)
    {
        double Down(double left) => OverviewHeight * (1 - y.Position(left));
        Plot plot = new Plot(OverviewHeight).Rows(y, 0, OverviewHeight, Figures.Tick).Columns(x, Figures.Tick);
        plot.Label("axis-title", 0, -10, "start", "share missed").Label("axis-title", 1, OverviewHeight + 36, "end", "rank");
        SpectrumFacts[] drawn = [.. Largest.Of(spectra, s => s.ChosenRank ?? 0, MostLines)];
        foreach (SpectrumFacts s in drawn.OrderBy(s => s.ChosenRank is not null))
        {
            plot.Curve(s.ChosenRank > 0 ? "front-line" : "spectrum", Points(s).Select(p => (x.Position(p.Rank), Down(p.Left))));
        }
        foreach (SpectrumFacts s in drawn)
        {
            if (s.ChosenRank is int rank and > 0 && At([.. Points(s)], rank) is double left)
            {
                plot.Dot("chosen", x.Position(rank), Down(left), 5);
            }
        }
        int chosen = spectra.Count(s => s.ChosenRank > 0);
        return plot.Build(
            "spectra-chart",
            "axes",
            "Spectra of all sites",
            $"{Figures.Count(spectra.Count, "site")}, {Figures.Whole(chosen)} with a low-rank part.",
            TableId
        );
    }

    private static IEnumerable<(int Rank, double Left)> Points(SpectrumFacts s) =>
        s.Ranks.Zip(s.Values).Where(p => p.First > 0 && double.IsFinite(p.Second)).Select(p => (p.First, Math.Max(p.Second, Least)));

    private static XElement Draw(SpectrumFacts s, int index, Scale x, Scale y, CompressionReport report)
    {
        double Down(double left) => Height * (1 - y.Position(left));
        (int Rank, double Left)[] points = [.. Points(s)];
        Plot plot = new Plot(Height).Rows(y, 0, Height, Figures.Tick).Columns(x, Figures.Tick);
        plot.Curve(s.ChosenRank > 0 ? "front-line" : "spectrum", points.Select(p => (x.Position(p.Rank), Down(p.Left))));
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
            string codes = report.Sites.FirstOrDefault(r => r.Name == s.Site)?.Method ?? "";
            chosen =
                codes.Length > 0
                    ? $"rank {rank} beside the codes"
                    : $"rank {rank}" + (value is double l ? $", {Figures.Loss(l)} missed" : "");
        }
        string id = $"spectrum-{index + 1}";
        return El(
            "figure",
            El("figcaption", Name(s.Site), El("span", Class("chosen-text"), chosen)),
            El(
                "div",
                Class("picture"),
                plot.Build(id, "axes small", $"Spectrum of {s.Site}", $"Share missed by rank; chosen: {chosen}.", TableId)
            )
        );
    }

    /// <summary>The share missed at a rank, between two known ranks on the straight line that the picture draws there.</summary>
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

    private static XElement Table(IReadOnlyList<SpectrumFacts> spectra, int all)
    {
        var table = new HtmlTable(
            TableId,
            Largest.Title("Share missed by rank", spectra.Count, all, "site"),
            false,
            "site",
            ">chosen rank",
            "rank: share missed"
        );
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
