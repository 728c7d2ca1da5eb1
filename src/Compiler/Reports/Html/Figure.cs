using System.Xml.Linq;
using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>A picture with its caption and its data.</summary>
internal static class Figure
{
    /// <summary>A figure.</summary>
    /// <param name="caption">What to see in it.</param>
    /// <param name="picture">The picture.</param>
    /// <param name="more">Legend, data, a cursor.</param>
    public static XElement Of(string caption, XElement picture, params object?[] more) =>
        El("figure", El("figcaption", caption), El("div", Class("picture"), picture), more);

    /// <summary>Tables that open on demand.</summary>
    public static XElement Data(string summary, params object?[] content) => El("details", El("summary", summary), content);

    /// <summary>What the marks of a picture mean.</summary>
    /// <param name="entries">The style of a mark, and its meaning.</param>
    public static XElement Legend(params IEnumerable<(string Mark, string Meaning)> entries) =>
        El("ul", Class("legend"), entries.Select(e => El("li", El("span", Class("key " + e.Mark), At("aria-hidden", "true")), e.Meaning)));

    /// <summary>
    /// A slider that walks along a picture and shows the row of the table that belongs to the place; the page's script runs it,
    /// and without a script it stays hidden.
    /// </summary>
    /// <param name="id">Its id.</param>
    /// <param name="table">The table, whose rows know where they stand.</param>
    /// <param name="label">What is walked along.</param>
    /// <param name="margins">The style of the picture, whose margins the slider keeps.</param>
    /// <param name="start">The row it begins at.</param>
    public static XElement Cursor(string id, string table, string label, string margins, int start) =>
        El(
            "div",
            Class($"cursor {margins}-cursor"),
            At("data-table", table),
            At("data-start", start.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            At("hidden", "hidden"),
            El("label", At("for", id), label),
            El("input", Id(id), At("type", "range"), At("min", "0"), At("step", "1")),
            El("output", At("for", id))
        );
}
