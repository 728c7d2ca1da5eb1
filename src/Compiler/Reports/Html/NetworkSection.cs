using System.Xml.Linq;

namespace Lorq.Reports.Html;

/// <summary>Chosen bits and ranks, site by site, in graph order.</summary>
internal static class NetworkSection
{
    private const double LinearUpTo = 16;
    private const double BitsHeight = 150;
    private const double SmallHeight = 64;
    private const double TitleHeight = 42;

    /// <summary>Above this many sites bars touch and are drawn as one shape: gaps would be thinner than a pixel.</summary>
    private const int MostWithGaps = 240;

    /// <summary>Few sites get bars of this width at most, as a share of the picture.</summary>
    private const double WidestBar = 0.05;

    /// <summary>The section; null without sites.</summary>
    public static Section? Of(CompressionReport report) =>
        report.Sites.Count == 0
            ? null
            : new Section(
                "network",
                "Along the network",
                Figure.Of(
                    Caption(report),
                    Draw(report),
                    Figure.Legend(Marks(report)),
                    Figure.Cursor("network-cursor", SitesSection.TableId, "Walk along the sites", "strip", 0)
                )
            );

    /// <summary>Where a site stands, 0…1.</summary>
    public static double Place(int index, int count) => (index + 0.5) * Slot(count);

    private static double Slot(int count) => Math.Min(1.0 / count, WidestBar);

    private static string Caption(CompressionReport r) =>
        $"One bar per site, {Figures.Whole(r.Sites.Count)} in graph order: what it costs in the file"
        + (HasRanks(r) ? ", the rank of its low-rank part" : "")
        + " and its share of the predicted loss. The same figures are in the table of sites.";

    private static bool HasRanks(CompressionReport r) => r.Sites.Any(s => s.Rank is not null);

    private static IEnumerable<(string, string)> Marks(CompressionReport r)
    {
        yield return ("after", "quantized or low rank");
        if (r.Sites.Any(s => !IsCompressed(s)))
        {
            yield return ("kept", "kept or fp16");
        }
    }

    private static bool IsCompressed(SiteRow site) => site.Method.Length > 0 || site.Rank is not null;

    private static XElement Draw(CompressionReport r)
    {
        double[] bits = [.. r.Sites.Select(s => s.BitsPerWeight)];
        double total = r.Sites.Sum(s => s.PredictedLoss);
        double[] shares = [.. r.Sites.Select(s => total > 0 && double.IsFinite(total) ? s.PredictedLoss / total : 0)];
        Scale bitScale =
            bits.Max() <= LinearUpTo
                ? LinearScale.FromZero(bits)
                : LogScale.Binary([.. bits.Where(b => b > 0).Select(b => Math.Max(b, 0.125)), 1]);
        bool hasRanks = HasRanks(r);
        double[] ranks = [.. r.Sites.Select(s => (double)(s.Rank ?? 0))];
        double height = TitleHeight + BitsHeight + (hasRanks ? TitleHeight + SmallHeight : 0) + TitleHeight + SmallHeight;
        var plot = new Plot(height);
        string unit = bitScale is LogScale ? "bits per weight, logarithmic" : "bits per weight";
        double top = Panel(plot, r, unit, bits, bitScale, 0, BitsHeight, Figures.Tick);
        if (hasRanks)
        {
            top = Panel(plot, r, "rank", ranks, LinearScale.FromZero(ranks), top, SmallHeight, Figures.Tick, showEnds: true);
        }
        Panel(
            plot,
            r,
            "share of the predicted loss",
            shares,
            LinearScale.FromZero(shares),
            top,
            SmallHeight,
            t => Figures.Tick(Math.Round(100 * t, 6)) + "%",
            showEnds: true
        );
        Numbers(plot, r.Sites.Count);
        return plot.Build("network-chart", "strip", "Bits and ranks along the network", Describe(r), SitesSection.TableId);
    }

    private static double Panel(
        Plot plot,
        CompressionReport r,
        string title,
        double[] values,
        Scale scale,
        double top,
        double height,
        Func<double, string> format,
        bool showEnds = false
    )
    {
        top += TitleHeight;
        double bottom = top + height;
        plot.Label("panel-title", 0, top - 10, "start", title);
        plot.Rows(showEnds ? new EndsOf(scale) : scale, top, bottom, format);
        double slot = Slot(values.Length);
        double gap = values.Length > MostWithGaps ? 0 : 0.18 * slot;
        double Top(int i) => bottom - Math.Max(1, Math.Clamp(scale.Position(values[i]), 0, 1) * height);
        int[] drawn = [.. Enumerable.Range(0, values.Length).Where(i => values[i] > 0 && scale.Position(values[i]) > 0)];
        foreach (IGrouping<string, int> style in drawn.GroupBy(i => IsCompressed(r.Sites[i]) ? "bar after" : "bar kept"))
        {
            if (values.Length > MostWithGaps)
            {
                plot.Bars(style.Key, style.Select(i => (i * slot, slot, Top(i), bottom)));
                continue;
            }
            foreach (int i in style)
            {
                plot.Bar(style.Key, i * slot + gap / 2, slot - gap, Top(i), bottom);
            }
        }
        return bottom;
    }

    /// <summary>Which site a bar is, for a few of them.</summary>
    private static void Numbers(Plot plot, int count)
    {
        int step = Math.Max(1, (count + 3) / 4);
        for (int i = 0; i < count; i += step)
        {
            plot.Label("tick", Place(i, count), plot.Height + 18, i == 0 ? "start" : "middle", "#" + Figures.Whole(i + 1));
        }
    }

    private static string Describe(CompressionReport r)
    {
        double[] bits = [.. r.Sites.Select(s => s.BitsPerWeight)];
        string text =
            $"From {Figures.OneDecimal(bits.Min())} to {Figures.OneDecimal(bits.Max())} bits per weight over {Figures.Count(bits.Length, "site")}";
        int[] ranks = [.. r.Sites.Select(s => s.Rank).OfType<int>()];
        return ranks.Length == 0
            ? text + "."
            : $"{text}; {Figures.Count(ranks.Length, "site")} with ranks from {ranks.Min()} to {ranks.Max()}.";
    }

    /// <summary>A scale that labels only its ends, for low panels.</summary>
    private sealed class EndsOf(Scale scale) : Scale
    {
        /// <inheritdoc />
        public override IReadOnlyList<double> Ticks { get; } = [scale.Ticks[0], scale.Ticks[^1]];

        /// <inheritdoc />
        public override double Position(double value) => scale.Position(value);
    }
}
