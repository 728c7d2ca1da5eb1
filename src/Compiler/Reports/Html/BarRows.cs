using System.Xml.Linq;

namespace Lorq.Reports.Html;

/// <summary>Bars that lie below one another, each with its name above at the left and its value above at the right.</summary>
internal static class BarRows
{
    private const double TextHeight = 20;
    private const double Thickness = 8;
    private const double Space = 14;

    /// <summary>The picture.</summary>
    /// <param name="id">Begins its ids.</param>
    /// <param name="title">What it is.</param>
    /// <param name="description">What it shows.</param>
    /// <param name="table">The id of the table with its data.</param>
    /// <param name="whole">What the whole width stands for; 0 for the largest value.</param>
    /// <param name="rows">The rows.</param>
    public static XElement Draw(string id, string title, string description, string table, double whole, IReadOnlyList<BarRow> rows)
    {
        double most = Math.Max(1e-300, Math.Max(whole, rows.SelectMany(r => r.Bars).Select(b => b.Value).DefaultIfEmpty(0).Max()));
        var plot = new Plot(Math.Max(1, rows.Sum(Height)));
        double y = 0;
        foreach (BarRow row in rows)
        {
            plot.Label("name-label", 0, y + TextHeight - 6, "start", row.Name);
            plot.Label("value-label", 1, y + TextHeight - 6, "end", row.Label);
            double top = y + TextHeight;
            foreach ((string mark, double value) in row.Bars)
            {
                // The whole width stays visible behind, to see the share at a glance.
                plot.Bar("track", 0, 1, top, top + Thickness, Thickness / 2);
                if (value > 0)
                {
                    plot.Bar("bar " + mark, 0, Math.Min(1, Math.Max(0.003, value / most)), top, top + Thickness, Thickness / 2);
                }
                top += Thickness + 3;
            }
            y += Height(row);
        }
        return plot.Build(id, "bars", title, description, table);
    }

    private static double Height(BarRow row) => TextHeight + row.Bars.Count * (Thickness + 3) + Space;
}

/// <summary>A row of <see cref="BarRows"/>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Label">Its values as text.</param>
/// <param name="Bars">The style of each bar and its value, not negative, in one unit for all rows.</param>
internal sealed record BarRow(string Name, string Label, IReadOnlyList<(string Mark, double Value)> Bars);
