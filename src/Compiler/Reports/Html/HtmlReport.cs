using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>
/// The report as one HTML page, <c>&lt;name&gt;.report.html</c>: styles, script and pictures are in the file, nothing is loaded
/// from anywhere, and the page's own content policy forbids it. The same report gives the same text.
/// </summary>
public static class HtmlReport
{
    /// <summary>Writes the report.</summary>
    /// <param name="report">What to show.</param>
    public static string Write(CompressionReport report)
    {
        Section[] sections =
        [
            .. new[]
            {
                FrontSection.Of(report),
                WarningsSection.Of(report),
                PartsSection.Of(report),
                NetworkSection.Of(report),
                MethodsSection.Of(report),
                SpectraSection.Of(report),
                SitesSection.Of(report),
                AgreementSection.Of(report),
                OutputsSection.Of(report),
                SpeedSection.Of(report),
                LeftAloneSection.Of(report),
                RunSection.Of(report),
                TimeSection.Of(report),
                ReproduceSection.Of(report),
            }.OfType<Section>(),
        ];
        var assets = new PageAssets();
        return Markup.Write(
            El(
                "html",
                At("lang", "en"),
                El(
                    "head",
                    El("meta", At("charset", "utf-8")),
                    El("meta", At("http-equiv", "Content-Security-Policy"), At("content", assets.Policy)),
                    El("meta", At("name", "viewport"), At("content", "width=device-width, initial-scale=1")),
                    El("meta", At("name", "color-scheme"), At("content", "light dark")),
                    El("meta", At("name", "generator"), At("content", "Lorq " + report.Versions.Lorq)),
                    El("title", $"{PageHeader.Title(report.Model)}: {Summary(report)}"),
                    El("link", At("rel", "icon"), At("href", "data:,")),
                    assets.Style
                ),
                El(
                    "body",
                    El("a", Class("skip"), At("href", "#main"), "Skip to the report"),
                    El("nav", At("aria-label", "Sections"), El("ul", sections.Select(s => s.Entry()))),
                    PageHeader.Of(report),
                    El("main", Id("main"), At("tabindex", "-1"), sections.Select(s => s.Build())),
                    El(
                        "footer",
                        El("p", $"Written by Lorq {report.Versions.Lorq}. This file is complete: it loads nothing and sends nothing.")
                    ),
                    assets.Script
                )
            )
        );
    }

    /// <summary>The sizes before and after.</summary>
    internal static string Summary(CompressionReport report) =>
        $"{Figures.Bytes(report.Model.OriginalBytes)} → {Figures.Bytes(report.Model.WrittenBytes)}";
}
