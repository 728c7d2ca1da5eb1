using System.Text.RegularExpressions;
using System.Xml.Linq;
using Lorq.Reports;
using Lorq.Reports.Html;

namespace Lorq.Tests.Reports;

/// <summary>The page as text: whatever the report holds, it is well-formed, refers only to itself, and is the same twice.</summary>
public class HtmlReportTests
{
    public static TheoryData<string> Samples => ["full", "free", "hostile", "large", "bare", "broken"];

    internal static CompressionReport Sample(string name) =>
        name switch
        {
            "full" => SampleReport.Full,
            "free" => SampleReport.DataFree,
            "hostile" => HtmlSamples.Hostile,
            "large" => HtmlSamples.Large(300),
            "bare" => SampleReport.DataFree with { Stages = [], Model = new("", "", 0, "", 0, []), Budget = new("", 0) },
            _ => Broken,
        };

    /// <summary>Losses and sizes that no axis can show.</summary>
    private static CompressionReport Broken { get; } =
        SampleReport.Full with
        {
            Loss = new("relative-mse", double.NaN, double.PositiveInfinity),
            BestUniform = new("4b·32", 1, double.NegativeInfinity),
            Front = new([new(0, 0, double.NaN), new(long.MaxValue, 1e-320, 1e308)], [new("u", -5, double.PositiveInfinity, null)]),
            Spectra = [new("s", [0, -1, 1], [double.NaN, -2, double.PositiveInfinity], -3), new("t", [], [], 7), new("u", [4, 2], [1], 9)],
            RoundHistory = [new(1, double.NaN, 0), new(2, 0, 1)],
            Sites =
            [
                .. SampleReport.Full.Sites.Select(s =>
                    s with
                    {
                        K = 0,
                        RelativeError = double.NaN,
                        PredictedLoss = double.PositiveInfinity,
                    }
                ),
            ],
            Speed = SampleReport.Full.Speed! with { Run = new(0, double.NaN), Other = new(-1, double.PositiveInfinity), Groups = [] },
            Stages = [new("a", double.NaN, -1), new("b", double.PositiveInfinity)],
            Model = SampleReport.Full.Model with { WrittenBytes = 100_000_000 },
        };

    [Theory]
    [MemberData(nameof(Samples))]
    public void IsWellFormedAndTheSameTwice(string sample)
    {
        string html = HtmlReport.Write(Sample(sample));
        Assert.StartsWith("<!DOCTYPE html>\n<html lang=\"en\">", html);
        Assert.Equal(html, HtmlReport.Write(Sample(sample)));
        Assert.Equal("html", XDocument.Parse(html).Root!.Name.LocalName);
        Assert.DoesNotContain('\r', html);
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void EveryIdIsThereOnceAndEveryReferenceFindsIt(string sample)
    {
        XElement root = XDocument.Parse(HtmlReport.Write(Sample(sample))).Root!;
        string[] ids = [.. root.Descendants().Attributes("id").Select(a => a.Value)];
        Assert.Equal(ids.Length, ids.Distinct().Count());
        string[] references = ["aria-labelledby", "aria-describedby", "aria-details", "for", "data-table", "data-copy"];
        foreach (XAttribute a in root.Descendants().Attributes().Where(a => references.Contains(a.Name.LocalName)))
        {
            Assert.All(a.Value.Split(' '), id => Assert.Contains(id, ids));
        }
        Assert.All(root.Descendants("a").Select(a => a.Attribute("href")!.Value), h => Assert.Contains(h[1..], ids));
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void EveryCoordinateIsANumberOfModerateSize(string sample)
    {
        XElement root = XDocument.Parse(HtmlReport.Write(Sample(sample))).Root!;
        string[] names = ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "width", "height", "d", "data-x"];
        foreach (XAttribute a in root.Descendants().Attributes().Where(a => names.Contains(a.Name.LocalName)))
        {
            foreach (Match number in Regex.Matches(a.Value, @"[^ MLVhZ%]+"))
            {
                double value = double.Parse(number.Value, System.Globalization.CultureInfo.InvariantCulture);
                Assert.InRange(value, a.Name == "width" || a.Name == "height" ? 0 : -50, 1_000_000);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void LoadsNothing(string sample)
    {
        XElement root = XDocument.Parse(HtmlReport.Write(Sample(sample))).Root!;
        string[] forbidden = ["img", "iframe", "object", "embed", "audio", "video", "base", "form", "foreignObject", "use", "image"];
        Assert.DoesNotContain(root.Descendants(), e => forbidden.Contains(e.Name.LocalName));
        Assert.DoesNotContain(root.Descendants().Attributes(), a => a.Name.LocalName.StartsWith("on", StringComparison.Ordinal));
        Assert.Equal("data:,", Assert.Single(root.Descendants("link")).Attribute("href")!.Value);
        Assert.Empty(root.Descendants().Attributes("src"));
        Assert.DoesNotContain("url(", Assert.Single(root.Descendants("style")).Value);
        Assert.DoesNotContain("@import", root.Descendants("style").Single().Value);
        string script = Assert.Single(root.Descendants("script")).Value;
        Assert.DoesNotMatch("fetch|XMLHttpRequest|WebSocket|sendBeacon|import|innerHTML|eval|localStorage", script);
        string policy = root.Descendants("meta").Single(m => m.Attribute("http-equiv") is not null).Attribute("content")!.Value;
        Assert.StartsWith("default-src 'none'", policy);
        Assert.DoesNotContain("unsafe", policy);
    }

    /// <summary>A page that can be sent: however many sites there are, it stays below 3 MB, and says what it left out.</summary>
    [Theory]
    [InlineData(2_000)]
    [InlineData(20_000)]
    public void IsNotLargeForManySites(int sites)
    {
        string page = HtmlReport.Write(HtmlSamples.Large(sites));
        Assert.InRange(page.Length, 500_000, 2_500_000);
        Assert.Equal(
            sites > 2_000,
            page.Contains($"The 2 000 largest of {sites / 1000} 000 sites; the JSON report has all", StringComparison.Ordinal)
        );
        Assert.Contains($"The 1 000 largest of {sites / 1000} 000 weights; the JSON report has all", page, StringComparison.Ordinal);
    }

    [Fact]
    public void NamesStayText()
    {
        XElement root = XDocument.Parse(HtmlReport.Write(HtmlSamples.Hostile)).Root!;
        XElement table = root.Descendants("table").Single(t => t.Attribute("id")!.Value == "sites-table");
        Assert.Equal(HtmlSamples.Names.Select(SafeText.Line), table.Element("tbody")!.Elements("tr").Select(r => r.Element("th")!.Value));
        Assert.DoesNotContain(root.Value, c => c is '\u202E' or '\u2066' or '\0' or '\u001b');
    }

    [Theory]
    [InlineData("plain.name/0:1", "plain.name/0:1")]
    [InlineData("a\u202Eb", "a\\u{202E}b")]
    [InlineData("a\nb\tc", "a\\u{000A}b\\u{0009}c")]
    [InlineData("\u0000\u0085\u2028", "\\u{0000}\\u{0085}\\u{2028}")]
    [InlineData("\uFFFE\uFFFF", "\\u{FFFE}\\u{FFFF}")]
    [InlineData("\uFEFFa\u200D\u200C", "\\u{FEFF}a\u200D\u200C")]
    [InlineData("שלום 🙂", "שלום 🙂")]
    public void SteeringCharactersAreSpelledOut(string text, string expected) => Assert.Equal(expected, SafeText.Line(text));

    [Fact]
    public void ALoneSurrogateIsReplaced() => Assert.Equal("a\uFFFDb", SafeText.Line("a" + (char)0xD83D + "b"));

    [Fact]
    public void BlocksKeepTheirLines() => Assert.Equal("a\n\tb\\u{202E}\nc", SafeText.Block("a\n\tb\u202E\r\nc"));

    /// <summary>A report of the first version, which lacks everything that came later.</summary>
    [Fact]
    public void AnOlderJsonReportCanBeShown()
    {
        string json = JsonReport.Write(SampleReport.DataFree);
        foreach (string member in new[] { "front", "spectra", "roundHistory" })
        {
            Assert.Contains($"\"{member}\"", json);
            json = Regex.Replace(json, $"  \"{member}\": (null|\\[\\]),\n", "");
            Assert.DoesNotContain($"\"{member}\"", json);
        }
        CompressionReport report = JsonReport.Read(json);
        Assert.Empty(report.Spectra);
        Assert.Empty(report.RoundHistory);
        Assert.Null(report.Front);
        Assert.Equal(HtmlReport.Write(SampleReport.DataFree), HtmlReport.Write(report));
        string site =
            "\"sites\": [{\"name\":\"w\",\"kind\":\"MatMul\",\"k\":2,\"n\":2,\"groups\":1,\"uses\":1,\"originalBytes\":16,"
            + "\"encoding\":\"keep\",\"method\":\"\",\"bits\":null,\"blockSize\":null,\"writtenBytes\":16,\"relativeError\":0,"
            + "\"weight\":null,\"predictedLoss\":0,\"notes\":[]}]";
        SiteRow row = Assert.Single(JsonReport.Read(json.Replace("\"sites\": []", site)).Sites);
        Assert.Equal(("", null, null), (row.Decomposition, row.Rank, row.FactorBits));
    }

    [Fact]
    public void MethodsShareOutAllSitesAndBytes()
    {
        IReadOnlyList<MethodShare> methods = MethodShare.Of(SampleReport.Full);
        Assert.Equal(SampleReport.Full.Sites.Count, methods.Sum(m => m.Sites));
        Assert.Equal(SampleReport.Full.Sites.Sum(s => s.WrittenBytes), methods.Sum(m => m.WrittenBytes));
        Assert.Equal(1, methods.Sum(m => m.SiteShare), 12);
        Assert.Equal(1, methods.Sum(m => m.ByteShare), 12);
        Assert.Equal(["gptq", "keep", "rtn", "gptq + exact", "svd alone", "fp16"], methods.Select(m => m.Name));
        Assert.Empty(MethodShare.Of(SampleReport.DataFree));
    }
}
