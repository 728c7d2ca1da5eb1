using System.Globalization;
using System.Text;
using System.Xml.Linq;
using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>
/// Draws into a box that is as wide as the page allows: places along the width are shares of it, places along the height are
/// pixels, so that texts keep their size on every screen. Labels stand outside the box, in margins that the style sheet makes.
/// </summary>
/// <param name="height">Height of the box in pixels.</param>
internal sealed class Plot(double height)
{
    /// <summary>Space between the box and a label, in pixels.</summary>
    private const double Gap = 8;

    /// <summary>From a text's middle to its base line, in pixels.</summary>
    private const double HalfText = 4;

    private readonly List<XElement> marks = [];

    /// <summary>Height of the box in pixels.</summary>
    public double Height => height;

    /// <summary>Lines across the box with labels at their left.</summary>
    /// <param name="scale">The scale, upwards.</param>
    /// <param name="top">Where its end is, in pixels from the top.</param>
    /// <param name="bottom">Where its start is.</param>
    /// <param name="format">Labels a tick.</param>
    public Plot Rows(Scale scale, double top, double bottom, Func<double, string> format)
    {
        foreach (double tick in scale.Ticks)
        {
            double y = bottom - scale.Position(tick) * (bottom - top);
            Line("grid", 0, y, 1, y);
            marks.Add(Text("tick", SvgNumber.Pixels(-Gap), y + HalfText, "end", format(tick)));
        }
        return this;
    }

    /// <summary>Short lines below the box with labels.</summary>
    public Plot Columns(Scale scale, Func<double, string> format)
    {
        for (int i = 0; i < scale.Ticks.Count; i++)
        {
            double tick = scale.Ticks[i];
            double x = scale.Position(tick);
            Line("grid", x, 0, x, height);
            // Labels at the ends stay within the box, so that they never leave a narrow page.
            string anchor =
                x < 0.02 ? "start"
                : x > 0.98 ? "end"
                : "middle";
            // A narrow page shows every second one.
            string classes = i % 2 == 1 && scale.Ticks.Count > 3 ? "tick minor" : "tick";
            marks.Add(Text(classes, SvgNumber.Percent(x), height + 2 * Gap + HalfText / 2, anchor, format(tick)));
        }
        return this;
    }

    /// <summary>A straight line.</summary>
    public Plot Line(string classes, double x1, double y1, double x2, double y2)
    {
        marks.Add(
            El(
                "line",
                Class(classes),
                At("x1", SvgNumber.Percent(x1)),
                At("y1", SvgNumber.Pixels(y1)),
                At("x2", SvgNumber.Percent(x2)),
                At("y2", SvgNumber.Pixels(y2))
            )
        );
        return this;
    }

    /// <summary>A bar from its top down.</summary>
    public Plot Bar(string classes, double x, double width, double top, double bottom, double radius = 0)
    {
        marks.Add(
            El(
                "rect",
                Class(classes),
                At("x", SvgNumber.Percent(x)),
                At("width", SvgNumber.Percent(width)),
                At("y", SvgNumber.Pixels(top)),
                At("height", SvgNumber.Pixels(bottom - top)),
                radius == 0 ? null : At("rx", SvgNumber.Pixels(radius))
            )
        );
        return this;
    }

    /// <summary>Many bars of one style as a single shape: a tenth of the text that as many elements take.</summary>
    public Plot Bars(string classes, IEnumerable<(double X, double Width, double Top, double Bottom)> bars)
    {
        var path = new StringBuilder();
        foreach ((double x, double width, double top, double bottom) in bars)
        {
            path.Append(
                CultureInfo.InvariantCulture,
                $"M{SvgNumber.Percent(x).TrimEnd('%')} {SvgNumber.Pixels(bottom)}V{SvgNumber.Pixels(top)}h{SvgNumber.Percent(width).TrimEnd('%')}V{SvgNumber.Pixels(bottom)}"
            );
        }
        if (path.Length > 0)
        {
            marks.Add(Stretched(classes, path + "Z"));
        }
        return this;
    }

    /// <summary>A point.</summary>
    public Plot Dot(string classes, double x, double y, double radius)
    {
        marks.Add(
            El("circle", Class(classes), At("cx", SvgNumber.Percent(x)), At("cy", SvgNumber.Pixels(y)), At("r", SvgNumber.Pixels(radius)))
        );
        return this;
    }

    /// <summary>A curve, or an area when <paramref name="isClosed"/>.</summary>
    public Plot Curve(string classes, IEnumerable<(double X, double Y)> points, bool isClosed = false)
    {
        var path = new StringBuilder();
        foreach ((double x, double y) in points)
        {
            path.Append(path.Length == 0 ? 'M' : 'L')
                .Append(CultureInfo.InvariantCulture, $"{SvgNumber.Percent(x).TrimEnd('%')} {SvgNumber.Pixels(y)}");
        }
        if (path.Length > 0)
        {
            marks.Add(Stretched(classes, path + (isClosed ? "Z" : "")));
        }
        return this;
    }

    /// <summary>A text in the box.</summary>
    /// <param name="classes">Its style.</param>
    /// <param name="x">Where it begins, or ends when <paramref name="anchor"/> is <c>end</c>.</param>
    /// <param name="y">Its base line.</param>
    /// <param name="anchor">start, middle or end.</param>
    /// <param name="text">The text.</param>
    public Plot Label(string classes, double x, double y, string anchor, string text)
    {
        marks.Add(Text(classes, SvgNumber.Percent(x), y, anchor, text));
        return this;
    }

    /// <summary>The box alone, for a picture in a file of its own.</summary>
    /// <param name="x">Where it begins there, in pixels.</param>
    /// <param name="y">Its top there.</param>
    /// <param name="width">Its width.</param>
    public XElement Inner(double x, double y, double width) =>
        El(
            "svg",
            Class("plot"),
            At("x", SvgNumber.Pixels(x)),
            At("y", SvgNumber.Pixels(y)),
            At("width", SvgNumber.Pixels(width)),
            At("height", SvgNumber.Pixels(height)),
            marks
        );

    /// <summary>The picture.</summary>
    /// <param name="id">Begins its ids.</param>
    /// <param name="classes">Its style: which margins it needs.</param>
    /// <param name="title">What it is.</param>
    /// <param name="description">What it shows, for those who do not see it.</param>
    /// <param name="table">The id of the table with its data.</param>
    public XElement Build(string id, string classes, string title, string description, string table) =>
        El(
            "svg",
            Id(id),
            Class("plot " + classes),
            At("role", "img"),
            At("width", "100%"),
            At("height", SvgNumber.Pixels(height)),
            At("aria-labelledby", $"{id}-title {id}-desc"),
            At("aria-details", table),
            El("title", Id(id + "-title"), title),
            El("desc", Id(id + "-desc"), description),
            marks
        );

    /// <summary>Paths have no shares of the width: an inner picture of 100 units is stretched, its lines are not.</summary>
    private XElement Stretched(string classes, string path) =>
        El(
            "svg",
            Class("stretch"),
            At("aria-hidden", "true"),
            At("viewBox", $"0 0 100 {SvgNumber.Pixels(height)}"),
            At("width", "100%"),
            At("height", SvgNumber.Pixels(height)),
            At("preserveAspectRatio", "none"),
            El("path", Class(classes), At("d", path))
        );

    private static XElement Text(string classes, string x, double y, string anchor, string text) =>
        El("text", Class(classes), At("x", x), At("y", SvgNumber.Pixels(y)), anchor == "start" ? null : At("text-anchor", anchor), text);
}
