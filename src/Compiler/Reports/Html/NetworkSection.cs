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

    /// <summary>More sites than this share bars: a screen has no more pixels.</summary>
    private const int MostBars = 1000;

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
        (
            Run(r) == 1
                ? $"One bar per site, {Figures.Whole(r.Sites.Count)} in graph order: what it costs in the file"
                : $"{Figures.Whole(r.Sites.Count)} sites in graph order, {Figures.Whole(Run(r))} neighbours to a bar: what they cost in the file"
        )
        + (HasRanks(r) ? ", the rank of a low-rank part" : "")
        + " and the share of the predicted loss. The same figures are in the table of sites.";

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
        SiteRow[][] bars = [.. r.Sites.Chunk(Run(r))];
        double[] bits = [.. bars.Select(b => 8.0 * b.Sum(s => s.WrittenBytes) / Math.Max(1, b.Sum(s => s.Count)))];
        double total = r.Sites.Sum(s => s.PredictedLoss);
        double[] shares = [.. bars.Select(b => total > 0 && double.IsFinite(total) ? b.Sum(s => s.PredictedLoss) / total : 0)];
        Scale bitScale =
            bits.Max() <= LinearUpTo
                ? LinearScale.FromZero(bits)
                : LogScale.Binary([.. bits.Where(b => b > 0).Select(b => Math.Max(b, 0.125)), 1]);
        bool hasRanks = HasRanks(r);
        double[] ranks = [.. bars.Select(b => (double)b.Max(s => s.Rank ?? 0))];
        double height = TitleHeight + BitsHeight + (hasRanks ? TitleHeight + SmallHeight : 0) + TitleHeight + SmallHeight;
        var panels = new Panels(new Plot(height), [.. bars.Select(b => b.Any(IsCompressed))], Slot(r.Sites.Count) * Run(r));
        string unit = bitScale is LogScale ? "bits per weight, logarithmic" : "bits per weight";
        panels.Add(unit, bits, bitScale, BitsHeight, Figures.Tick);
        if (hasRanks)
        {
            panels.Add("rank", ranks, new EndsOf(LinearScale.FromZero(ranks)), SmallHeight, Figures.Tick);
        }
        panels.Add(
            "share of the predicted loss",
            shares,
            new EndsOf(LinearScale.FromZero(shares)),
            SmallHeight,
            t => Figures.Tick(Math.Round(100 * t, 6)) + "%"
        );
        Numbers(panels.Plot, r.Sites.Count);
        return panels.Plot.Build("network-chart", "strip", "Bits and ranks along the network", Describe(r), SitesSection.TableId);
    }

    /// <summary>Neighbouring sites to a bar.</summary>
    private static int Run(CompressionReport r) => (r.Sites.Count + MostBars - 1) / MostBars;

    /// <summary>Rows of bars below one another.</summary>
    private sealed class Panels(Plot plot, bool[] isCompressed, double slot)
    {
        private double bottom;

        /// <summary>The picture.</summary>
        public Plot Plot => plot;

        /// <summary>Adds a row below.</summary>
        public void Add(string title, double[] values, Scale scale, double height, Func<double, string> format)
        {
            double top = bottom + TitleHeight;
            bottom = top + height;
            plot.Label("panel-title", 0, top - 10, "start", title);
            plot.Rows(scale, top, bottom, format);
            string Style(int i) => isCompressed[i] ? "bar after" : "bar kept";
            double Top(int i) => bottom - Math.Max(1, Math.Clamp(scale.Position(values[i]), 0, 1) * height);
            int[] drawn = [.. Enumerable.Range(0, values.Length).Where(i => values[i] > 0 && scale.Position(values[i]) > 0)];
            if (values.Length > MostWithGaps)
            {
                foreach (IGrouping<string, int> style in drawn.GroupBy(Style))
                {
                    plot.Bars(style.Key, style.Select(i => (i * slot, slot, Top(i), bottom)));
                }
                return;
            }
            double gap = 0.18 * slot;
            foreach (int i in drawn)
            {
                plot.Bar(Style(i), i * slot + gap / 2, slot - gap, Top(i), bottom);
            }
        }
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
