using System.Xml;
using System.Xml.Linq;
using Microsoft.Build.Framework;

namespace Lorq.Build;

/// <summary>Where an item stands in its project file; MSBuild does not tell tasks.</summary>
/// <param name="file">The file.</param>
/// <param name="line">From 1; 0 when not found.</param>
/// <param name="column">From 1; 0 when not found.</param>
internal readonly struct ProjectPlace(string file, int line, int column)
{
    /// <summary>The project file, or one that it imports.</summary>
    public string File { get; } = file;

    /// <summary>The line, from 1; 0 when not found.</summary>
    public int Line { get; } = line;

    /// <summary>The column, from 1; 0 when not found.</summary>
    public int Column { get; } = column;

    /// <summary>
    /// Finds an item: of the elements whose Include or Update names it the one that says most of what the item says, else the first of its kind.
    /// </summary>
    /// <param name="item">The item.</param>
    /// <param name="project">The file to name when the item's is not known.</param>
    public static ProjectPlace Of(ITaskItem item, string project)
    {
        // CheckModels notes it: items that a target makes count as that target's.
        string file = new[] { item.GetMetadata("DefiningProjectFile"), item.GetMetadata("DefiningProjectFullPath"), project }.First(f =>
            f.Length > 0
        );
        try
        {
            XElement[] elements =
            [
                .. XDocument
                    .Load(file, LoadOptions.SetLineInfo)
                    .Descendants()
                    .Where(e => e.Name.LocalName is "CompressedModel" or "TypedModel" && Names(e).Length > 0),
            ];
            string spec = item.GetMetadata("OriginalItemSpec") is { Length: > 0 } original ? original : item.ItemSpec;
            IXmlLineInfo? found =
                elements
                    .Where(e => Names(e).Split(';').Any(i => Same(i.Trim(), spec)))
                    .OrderByDescending(e => Agreement(e, item))
                    .FirstOrDefault()
                ?? elements.FirstOrDefault();
            return found is null ? new(file, 0, 0) : new(file, found.LineNumber, Math.Max(found.LinePosition - 1, 1));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or XmlException)
        {
            return new(file, 0, 0);
        }
    }

    private static string Names(XElement element) => (element.Attribute("Include") ?? element.Attribute("Update"))?.Value ?? "";

    /// <summary>How many metadata an element gives as the item has them, less those that it gives otherwise; properties in them are not known here.</summary>
    private static int Agreement(XElement element, ITaskItem item) =>
        element
            .Attributes()
            .Where(a => a.Name.LocalName is not ("Include" or "Update" or "Condition"))
            .Select(a => (a.Name.LocalName, a.Value))
            .Concat(element.Elements().Select(e => (e.Name.LocalName, e.Value)))
            .Where(m => !m.Value.Contains("$("))
            .Sum(m => item.GetMetadata(m.LocalName).Trim() == m.Value.Trim() ? 1 : -1);

    private static bool Same(string include, string spec) => include.Replace('\\', '/') == spec.Replace('\\', '/');
}
