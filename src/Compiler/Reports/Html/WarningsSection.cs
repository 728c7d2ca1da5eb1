using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>What the user should know.</summary>
internal static class WarningsSection
{
    /// <summary>The section; null without warnings.</summary>
    public static Section? Of(CompressionReport report) =>
        report.Warnings.Count == 0
            ? null
            : new Section("warnings", "Warnings", El("ul", Class("warnings"), report.Warnings.Select(w => El("li", El("bdi", w)))));
}
