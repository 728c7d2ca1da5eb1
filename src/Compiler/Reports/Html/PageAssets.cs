using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;

namespace Lorq.Reports.Html;

/// <summary>The page's style sheet and script, and the policy that allows them and nothing else.</summary>
internal sealed class PageAssets
{
    /// <summary>Reads them from the assembly.</summary>
    public PageAssets()
    {
        // XML would escape the signs < and & that both need; in comments of the two languages the marks of a CDATA section let
        // the page be HTML and XML at once.
        (string style, Style) = Inline("style", PlotStyle + Read("Report.css"), "/*", "*/");
        (string script, Script) = Inline("script", Read("Report.js"), "//", "");
        Policy = $"default-src 'none'; img-src data:; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'";
    }

    /// <summary>The part of the style sheet that pictures need, also outside the page.</summary>
    public static string PlotStyle => Read("Plot.css");

    /// <summary>The style sheet.</summary>
    public XElement Style { get; }

    /// <summary>The script.</summary>
    public XElement Script { get; }

    /// <summary>The content security policy: only this style sheet and this script, known by their hashes; no connection at all.</summary>
    public string Policy { get; }

    private static (string Hash, XElement Element) Inline(string tag, string text, string open, string close)
    {
        var before = new XText(open);
        var data = new XCData($"{close}\n{text}{open}");
        var after = new XText(close);
        string whole = $"{before.Value}<![CDATA[{data.Value}]]>{after.Value}";
        string hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(whole)));
        return ("sha256-" + hash, new XElement(tag, before, data, after));
    }

    private static string Read(string name)
    {
        using Stream stream = typeof(PageAssets).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
