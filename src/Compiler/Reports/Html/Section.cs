using System.Xml.Linq;
using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>A section of the page, which the table of contents lists.</summary>
/// <param name="Id">What links point to.</param>
/// <param name="Title">Its heading.</param>
/// <param name="Content">What is below the heading.</param>
internal sealed record Section(string Id, string Title, params IReadOnlyList<object?> Content)
{
    /// <summary>The section.</summary>
    public XElement Build() => El("section", At("aria-labelledby", Id), El("h2", At("id", Id), At("tabindex", "-1"), Title), Content);

    /// <summary>Its line in the table of contents.</summary>
    public XElement Entry() => El("li", El("a", At("href", "#" + Id), Title));
}
