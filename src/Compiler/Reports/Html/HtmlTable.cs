using System.Globalization;
using System.Xml.Linq;
using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>A table with a caption, headings of columns and, in the first cell of each row, a heading of the row.</summary>
internal sealed class HtmlTable
{
    private readonly string id;
    private readonly string caption;
    private readonly string[] columns;
    private readonly bool isSortable;
    private readonly List<XElement> rows = [];
    private readonly List<XElement> footer = [];

    /// <summary>Starts a table.</summary>
    /// <param name="id">Its id; charts refer to it.</param>
    /// <param name="caption">What it shows.</param>
    /// <param name="isSortable">True to let the reader sort it by any column.</param>
    /// <param name="columns">Headings; one that starts with <c>&gt;</c> is aligned to the right.</param>
    public HtmlTable(string id, string caption, bool isSortable, params string[] columns)
    {
        this.id = id;
        this.caption = caption;
        this.isSortable = isSortable;
        this.columns = columns;
    }

    /// <summary>Adds a row.</summary>
    public HtmlTable Row(params IEnumerable<Cell> cells)
    {
        rows.Add(Cells(cells));
        return this;
    }

    /// <summary>Adds a row that a chart's cursor stops at.</summary>
    /// <param name="share">Where it stands in the chart, 0 at the left and 1 at the right.</param>
    /// <param name="cells">The row.</param>
    public HtmlTable RowAt(double share, params IEnumerable<Cell> cells)
    {
        XElement row = Cells(cells);
        row.Add(At("data-x", SvgNumber.Percent(share).TrimEnd('%')));
        rows.Add(row);
        return this;
    }

    /// <summary>Adds a closing row, which stays last however the table is sorted.</summary>
    public HtmlTable Footer(params IEnumerable<Cell> cells)
    {
        footer.Add(Cells(cells));
        return this;
    }

    /// <summary>The table, in a box that scrolls when it is too wide.</summary>
    public XElement Build()
    {
        string captionId = id + "-caption";
        return El(
            "div",
            Class("scroll"),
            At("role", "region"),
            At("tabindex", "0"),
            At("aria-labelledby", captionId),
            El(
                "table",
                Id(id),
                isSortable ? Class("sortable") : null,
                El("caption", Id(captionId), caption),
                El("thead", El("tr", columns.Select(Heading))),
                El("tbody", rows),
                footer.Count == 0 ? null : El("tfoot", footer)
            )
        );
    }

    private static XElement Heading(string column) =>
        El("th", At("scope", "col"), column.StartsWith('>') ? Class("number") : null, column.TrimStart('>'));

    private XElement Cells(IEnumerable<Cell> cells)
    {
        Cell[] all = [.. cells];
        if (all.Length != columns.Length)
        {
            throw new ArgumentException($"'{caption}' has {columns.Length} columns, the row has {all.Length} cells.", nameof(cells));
        }
        return El("tr", all.Select((c, i) => Data(c, i)));
    }

    private XElement Data(Cell cell, int column) =>
        El(
            column == 0 ? "th" : "td",
            column == 0 ? At("scope", "row") : null,
            columns[column].StartsWith('>') ? Class("number") : null,
            isSortable && cell.Order is double order
                ? At("data-order", order.ToString(order == Math.Truncate(order) ? "R" : "G6", CultureInfo.InvariantCulture))
                : null,
            cell.Content
        );
}

/// <summary>A cell of a table.</summary>
/// <param name="Content">A text or elements.</param>
/// <param name="Order">What the column is sorted by; null to sort by the text.</param>
internal readonly record struct Cell(object Content, double? Order = null)
{
    /// <summary>A cell with a text.</summary>
    public static implicit operator Cell(string text) => new(text);

    /// <summary>A cell with an element.</summary>
    public static implicit operator Cell(XElement content) => new(content);

    /// <summary>A loss or error, or a dash.</summary>
    public static Cell Loss(double? value) => new(Figures.Loss(value), value);

    /// <summary>A size.</summary>
    public static Cell Bytes(long value) => new(Figures.Bytes(value), value);

    /// <summary>A whole number.</summary>
    public static Cell Whole(long value) => new(Figures.Whole(value), value);

    /// <summary>A whole number, or a dash.</summary>
    public static Cell Whole(long? value) => new(Figures.Whole(value), value);
}
