using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Lorq.Reports.Html;

/// <summary>
/// Elements of the page. They are XML trees, so that no text can become markup and no tag stays open; what is written is HTML
/// that is well-formed XML too.
/// </summary>
internal static class Markup
{
    /// <summary>Elements that HTML closes by itself; all others need an end tag even when they are empty.</summary>
    private static readonly HashSet<string> Void = ["meta", "link", "br", "input", "rect", "circle", "line", "path"];

    /// <summary>An element.</summary>
    /// <param name="name">Its tag.</param>
    /// <param name="content">Attributes, elements, lists of them, texts (made safe, one line); nulls are left out.</param>
    public static XElement El(string name, params object?[] content)
    {
        var element = new XElement(name);
        foreach (object? part in content)
        {
            element.Add(part is string text ? SafeText.Line(text) : part);
        }
        if (element.IsEmpty && !Void.Contains(name))
        {
            element.Add("");
        }
        return element;
    }

    /// <summary>An attribute.</summary>
    public static XAttribute At(string name, string value) => new(name, SafeText.Line(value));

    /// <summary>The class attribute.</summary>
    public static XAttribute Class(string names) => At("class", names);

    /// <summary>The id attribute.</summary>
    public static XAttribute Id(string id) => At("id", id);

    /// <summary>A name from the model or a path: in code type, free to break anywhere, and kept from turning the text around it.</summary>
    public static XElement Name(string name) => El("bdi", Class("name"), name);

    /// <summary>A paragraph.</summary>
    public static XElement Paragraph(params object?[] content) => El("p", content);

    /// <summary>The text of a page.</summary>
    public static string Write(XElement html)
    {
        var text = new StringBuilder("<!DOCTYPE html>\n");
        var settings = new XmlWriterSettings
        {
            OmitXmlDeclaration = true,
            // \n stays \n on every system.
            NewLineHandling = NewLineHandling.None,
        };
        using (var writer = XmlWriter.Create(text, settings))
        {
            html.WriteTo(writer);
        }
        return text.Append('\n').ToString();
    }
}
