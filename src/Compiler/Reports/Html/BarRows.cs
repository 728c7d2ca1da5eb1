using System.Xml.Linq;

namespace Lorq.Reports.Html;

/// <summary>Bars that lie below one another, each with its name above at the left and its value above at the right.</summary>
internal static class BarRows
{
    private const double TextHeight = 20;
    private const double Thickness = 8;
    private const double Space = 14;

    /// <summary>Longer names are cut: on a phone the value must fit beside them.</summary>
    private const int NameLength = 22;

    /// <summary>A bar that is not empty is at least this share of the width.</summary>
    private const double Sliver = 0.003;

    /// <summary>The picture.</summary>
    /// <param name="id">Begins its ids.</param>
    /// <param name="title">What it is.</param>
    /// <param name="description">What it shows.</param>
    /// <param name="table">The id of the table with its data.</param>
    /// <param name="whole">What the whole width stands for; 0 for the largest value.</param>
    /// <param name="rows">The rows.</param>
    public static XElement Draw(string id, string title, string description, string table, double whole, IReadOnlyList<BarRow> rows)
    {
        double most = Math.Max(1e-300, rows.SelectMany(r => r.Bars).Select(b => Length(b.Value)).Append(Length(whole)).Max());
        var plot = new Plot(Math.Max(1, rows.Sum(Height)));
        double y = 0;
        foreach (BarRow row in rows)
        {
            plot.Label("name-label", 0, y + TextHeight - 6, "start", Figures.Shorten(SafeText.Line(row.Name), NameLength));
            plot.Label("value-label", 1, y + TextHeight - 6, "end", row.Label);
            double top = y + TextHeight;
            foreach ((string mark, double value) in row.Bars)
            {
                // The whole width stays visible behind, to see the share at a glance.
                plot.Bar("track", 0, 1, top, top + Thickness, Thickness / 2);
                if (Length(value) > 0)
                {
                    plot.Bar("bar " + mark, 0, Math.Max(Sliver, value / most), top, top + Thickness, Thickness / 2);
                }
                top += Thickness + 3;
            }
            y += Height(row);
        }
        return plot.Build(id, "bars", title, description, table);
    }

    private static double Length(double value) => double.IsFinite(value) ? Math.Max(0, value) : 0;

    private static double Height(BarRow row) => TextHeight + row.Bars.Count * (Thickness + 3) + Space;
}

/// <summary>A row of <see cref="BarRows"/>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Label">Its values as text.</param>
/// <param name="Bars">The style of each bar and its value, in one unit for all rows; what is negative or not finite has no bar.</param>
internal sealed record BarRow(string Name, string Label, IReadOnlyList<(string Mark, double Value)> Bars);
