using System.Xml.Linq;
using Lorq.Reports;
using Lorq.Reports.Html;

namespace Lorq.Tests.Reports;

/// <summary>The front of a sweep as an SVG file.</summary>
[Collection(SharedBrowser.Name)]
public sealed class FrontPictureTests(HtmlBrowser browser)
{
    private static readonly SweepReport sweep = new(
        "models/<script>window.hacked=1;&.onnx",
        90_360_000,
        "ort",
        "relative-mse",
        [new(8_200_000, 2.5, 0.0412, null, 0), new(9_900_000, 3, 0.0151, 0.0163, 1e-6), new(26_000_000, 8, 4.1e-5, null, 0)],
        [new("2b·32", 9_100_000, 0.31, null), new("4b·32", 14_658_000, 0.0101, null)],
        []
    );

    [Fact]
    public void DrawsEveryPlanAtItsPlace()
    {
        XElement svg = XElement.Parse(FrontPicture.Write(sweep));
        Assert.Equal("http://www.w3.org/2000/svg", svg.Name.NamespaceName);
        Assert.All(svg.Descendants(), e => Assert.Equal(svg.Name.Namespace, e.Name.Namespace));
        XElement[] Marks(string style) =>
            [.. svg.Element(svg.Name.Namespace + "svg")!.Descendants().Where(e => (string?)e.Attribute("class") == style)];
        double[] Places(string style) =>
            [
                .. Marks(style)
                    .Select(e => double.Parse(e.Attribute("cx")!.Value.TrimEnd('%'), System.Globalization.CultureInfo.InvariantCulture)),
            ];
        string line = Assert.Single(Marks("front-line")).Attribute("d")!.Value;
        double[] at =
        [
            .. line.Split('M', 'L').Skip(1).Select(p => double.Parse(p.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture)),
        ];
        Assert.Equal(3, at.Length);
        // Equal factors of bytes are equal steps along the width.
        double unit = (at[2] - at[0]) / Math.Log(26.0 / 8.2);
        Assert.Equal(at[0] + unit * Math.Log(9.9 / 8.2), at[1], 2);
        Assert.Equal(at[1], Assert.Single(Places("front-dot")), 2);
        Assert.Equal(
            [at[0] + unit * Math.Log(9.1 / 8.2), at[0] + unit * Math.Log(14.658 / 8.2)],
            Places("uniform-open"),
            (a, b) => Math.Abs(a - b) < 0.01
        );
    }

    [Fact]
    public void IsTheSameTwiceAndRefersToNothing()
    {
        string text = FrontPicture.Write(sweep);
        Assert.Equal(text, FrontPicture.Write(sweep));
        Assert.DoesNotContain("url(", text, StringComparison.Ordinal);
        Assert.DoesNotContain("href", text, StringComparison.Ordinal);
        Assert.Equal(1, text.Split("http").Length - 1);
    }

    [Fact]
    public void ASweepWithoutLossesIsAPictureToo() =>
        XElement.Parse(FrontPicture.Write(sweep with { Points = [new(1_000, 2, 0, null, 0)], Uniform = [] }));

    [SkippableFact]
    public async Task OpensInABrowserAndNothingOverlaps()
    {
        HtmlBrowser.Require();
        await using OpenPage open = await browser.OpenFile(FrontPicture.Write(sweep), "svg");
        Assert.Empty(open.Complaints);
        Assert.Single(open.Requests);
        Assert.False(await open.Ask<bool>("'hacked' in window"));
        Assert.Contains("<script>", await open.Ask<string>("document.querySelector('.chart-title').textContent"));
        string[] faults = await open.Ask<string[]>(
            """
            (() => {
              const t = [...document.querySelectorAll('text')].map(e => [e.textContent, e.getBoundingClientRect()]);
              const page = document.documentElement.getBoundingClientRect();
              return t.flatMap(([a, p], i) => t.slice(i + 1).filter(([, q]) =>
                p.left < q.right && q.left < p.right && p.top + 2 < q.bottom && q.top + 2 < p.bottom).map(([b]) => `${a} / ${b}`))
                .concat(t.filter(([, p]) => p.left < page.left || p.right > page.right || p.bottom > page.bottom).map(([a]) => `${a} leaves`));
            })()
            """
        );
        Assert.Empty(faults);
    }
}
