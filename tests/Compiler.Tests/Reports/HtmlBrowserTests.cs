using System.Text.Json;
using Lorq.Reports;
using Lorq.Reports.Html;
using Microsoft.Playwright;

namespace Lorq.Tests.Reports;

/// <summary>The page in a real browser: its structure, and everything a reader can do with it.</summary>
[Collection(SharedBrowser.Name)]
public sealed class HtmlBrowserTests(HtmlBrowser browser)
{
    [SkippableTheory]
    [MemberData(nameof(HtmlReportTests.Samples), MemberType = typeof(HtmlReportTests))]
    public async Task LoadsWithoutAComplaintAndAsksForNothing(string sample)
    {
        HtmlBrowser.Require();
        await using OpenPage open = await browser.Open(HtmlReportTests.Sample(sample));
        Assert.Empty(open.Complaints);
        Assert.StartsWith("file:", Assert.Single(open.Requests));
        Assert.Equal("CSS1Compat", await open.Ask<string>("document.compatMode"));
        Assert.False(await open.Ask<bool>("'hacked' in window"));
        Assert.Equal(0, await open.Page.Locator("img, iframe, svg[onload], [onmouseover]").CountAsync());
        Assert.Equal(1, await open.Page.Locator("script").CountAsync());
    }

    [SkippableFact]
    public async Task HostileNamesAreReadAsTheyAre()
    {
        HtmlBrowser.Require();
        await using OpenPage open = await browser.Open(HtmlSamples.Hostile);
        string[] names = [.. HtmlSamples.Names.Select(SafeText.Line)];
        Assert.Equal(names, await Texts(open, "#sites-table tbody th"));
        Assert.Equal(names, await Texts(open, "#left-alone-table tbody th"));
        Assert.Equal(names, await Texts(open, ".warnings li"));
        Assert.Equal(names, await Texts(open, ".multiples figcaption .name"));
        Assert.Equal(names[0], await open.Page.Locator("h1").TextContentAsync());
        Assert.StartsWith(names[0] + ": ", await open.Page.TitleAsync());
        // Names that run from right to left do not turn the page around.
        Assert.Equal("ltr", await open.Ask<string>("getComputedStyle(document.body).direction"));
        await open.Page.Locator("#network-cursor").PressAsync("End");
        Assert.Equal(names[^1], await open.Page.Locator("#network output strong, output[for=network-cursor] strong").TextContentAsync());
        Assert.False(await open.Ask<bool>("'hacked' in window"));
        Assert.Empty(open.Complaints);
    }

    [SkippableFact]
    public async Task TheStructureFollowsTheData()
    {
        HtmlBrowser.Require();
        CompressionReport r = SampleReport.Full;
        await using OpenPage open = await browser.Open(r);
        int Count(string selector) => open.Page.Locator(selector).CountAsync().GetAwaiter().GetResult();
        Assert.Equal(r.Sites.Count, Count("#sites-table tbody tr"));
        Assert.Equal(r.LeftAlone.Count, Count("#left-alone-table tbody tr"));
        Assert.Equal(r.Stages.Count, Count("#stages-table tbody tr"));
        Assert.Equal(r.Divergence!.Outputs.Count, Count("#outputs-table tbody tr"));
        Assert.Equal(r.Divergence.WorstSamples.Count, Count("#worst-table tbody tr"));
        Assert.Equal(r.Divergence.WorstSamples.Count, Count("#worst-chart .bar"));
        Assert.Equal(r.Spectra.Count, Count("#spectra-table tbody tr"));
        Assert.Equal(r.Spectra.Count, Count(".multiples svg[role=img]"));
        Assert.Equal(r.Spectra.Count(s => s.ChosenRank is not null), Count(".multiples circle.chosen"));
        Assert.Equal(r.Front!.Points.Count + r.Front.Uniform.Count + 1, Count("#front-table tbody tr"));
        Assert.Equal(r.Front.Points.Count(p => p.MeasuredLoss is not null), Count("#front-chart .front-dot"));
        Assert.Equal(r.Front.Uniform.Count(p => p.MeasuredLoss is not null), Count("#front-chart .uniform-dot"));
        Assert.Equal(r.Front.Uniform.Count, Count("#front-chart .uniform-open"));
        Assert.Equal(1, Count("#front-chart .chosen"));
        Assert.Equal(r.RoundHistory.Count(h => h.Measured is not null), Count("#agreement-chart .round-dot"));
        Assert.Equal(
            r.Sites.Count(s => s.WrittenBytes > 0) + r.Sites.Count(s => s.Rank is not null) + r.Sites.Count(s => s.PredictedLoss > 0),
            Count("#network-chart .bar")
        );
        Assert.Equal(2 * MethodShare.Of(r).Count, Count("#methods-chart .bar"));
        Assert.Equal(r.Stages.Count(s => s.PeakBytes > 0), Count("#memory-chart .bar"));
        Assert.Equal(r.Reproduce.Spec, await open.Page.Locator("#spec").TextContentAsync());
        Assert.Equal(r.Reproduce.CommandLine, await open.Page.Locator("#command").TextContentAsync());
        Assert.Contains("met", await Texts(open, ".tiles dd strong"));
        // Bars are as high as their values say.
        double[] heights = await open.Ask<double[]>("[...document.querySelectorAll('#parts-chart .bar')].map(b => b.getBBox().width)");
        double[] bytes = [.. ModelPart.Of(r).SelectMany(p => new double[] { p.OriginalBytes, p.WrittenBytes })];
        Assert.Equal(
            bytes.OrderDescending().Select(b => b / bytes.Max()).Where(s => s > 0.01),
            heights.OrderDescending().Select(h => h / heights.Max()).Where(s => s > 0.01),
            (a, b) => Math.Abs(a - b) < 1e-3
        );
    }

    [SkippableTheory]
    [InlineData("full")]
    [InlineData("free")]
    [InlineData("hostile")]
    public async Task HeadingsLandmarksTablesAndPicturesHaveNames(string sample)
    {
        HtmlBrowser.Require();
        await using OpenPage open = await browser.Open(HtmlReportTests.Sample(sample));
        IPage page = open.Page;
        foreach (AriaRole role in new[] { AriaRole.Banner, AriaRole.Main, AriaRole.Contentinfo, AriaRole.Navigation })
        {
            Assert.Equal(1, await page.GetByRole(role).CountAsync());
        }
        int[] levels = await open.Ask<int[]>("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])");
        Assert.Equal(1, levels[0]);
        Assert.Single(levels, 1);
        Assert.All(levels.Zip(levels.Skip(1)), p => Assert.True(p.Second <= p.First + 1));
        Assert.Equal(await Texts(open, "nav a"), await Texts(open, "main h2"));
        // Every picture is an image with a title, a description and a table of its data.
        Assert.Equal(
            "",
            await open.Ask<string>(
                """
                [...document.querySelectorAll('svg')].filter(s => !s.closest('svg[role=img]') || (s.getAttribute('role') === 'img' && (
                  s.firstElementChild.tagName !== 'title' || !s.firstElementChild.textContent
                  || s.children[1].tagName !== 'desc' || !s.children[1].textContent
                  || !document.getElementById(s.getAttribute('aria-details'))?.matches('table')))).map(s => s.id).join()
                """
            )
        );
        Assert.Equal(
            await page.Locator("svg[role=img]").CountAsync(),
            await page.GetByRole(AriaRole.Img).CountAsync() + await page.Locator("details:not([open]) svg[role=img]").CountAsync()
        );
        // Every table has a caption, and its heading cells say what they head.
        Assert.Equal(
            0,
            await open.Ask<int>(
                """
                [...document.querySelectorAll('table')].filter(t => !t.caption?.textContent
                  || [...t.tHead.rows[0].cells].some(c => c.scope !== 'col')
                  || [...t.tBodies[0].rows].some(r => r.cells[0].scope !== 'row' || r.cells.length !== t.tHead.rows[0].cells.length)).length
                """
            )
        );
    }

    [SkippableFact]
    public async Task EveryColumnIsSortedWithTheKeyboard()
    {
        HtmlBrowser.Require();
        await using OpenPage open = await browser.Open(SampleReport.Full);
        ILocator buttons = open.Page.Locator("#sites-table thead button");
        int columns = await buttons.CountAsync();
        Assert.Equal(await open.Page.Locator("#sites-table thead th").CountAsync(), columns);
        string[] original = await Texts(open, "#sites-table tbody th");
        for (int c = 0; c < columns; c++)
        {
            foreach ((string key, string direction) in new[] { ("Enter", "ascending"), ("Space", "descending") })
            {
                await buttons.Nth(c).FocusAsync();
                await open.Page.Keyboard.PressAsync(key);
                Assert.Equal(
                    [direction],
                    await open.Ask<string[]>("[...document.querySelectorAll('#sites-table th[aria-sort]')].map(h => h.ariaSort)")
                );
                string json = await open.Ask<string>(
                    $"JSON.stringify([...document.querySelectorAll('#sites-table tbody tr')].map(r => r.cells[{c}]).map(c => c.dataset.order ? +c.dataset.order : ['', '–'].includes(c.textContent) ? null : c.textContent))"
                );
                JsonElement[] keys = JsonSerializer.Deserialize<JsonElement[]>(json)!;
                Assert.Equal(original.Length, keys.Length);
                int known = keys.TakeWhile(k => k.ValueKind != JsonValueKind.Null).Count();
                Assert.All(keys.Skip(known), k => Assert.Equal(JsonValueKind.Null, k.ValueKind));
                double[] numbers = [.. keys.Take(known).Where(k => k.ValueKind == JsonValueKind.Number).Select(k => k.GetDouble())];
                Assert.Equal(direction == "ascending" ? numbers.Order() : numbers.OrderDescending(), numbers);
            }
        }
        // By number, ascending: graph order again.
        await buttons.Nth(1).PressAsync("Enter");
        Assert.Equal(original, await Texts(open, "#sites-table tbody th"));
    }

    [SkippableFact]
    public async Task TheCursorFollowsKeysAndPointer()
    {
        HtmlBrowser.Require();
        CompressionReport r = SampleReport.Full;
        await using OpenPage open = await browser.Open(r, motion: ReducedMotion.Reduce);
        ILocator slider = open.Page.Locator("#network-cursor");
        ILocator shown = open.Page.Locator("output[for=network-cursor]");
        Assert.Equal(r.Sites[0].Name, await shown.Locator("strong").TextContentAsync());
        await slider.PressAsync("ArrowRight");
        Assert.Equal(r.Sites[1].Name, await shown.Locator("strong").TextContentAsync());
        string text = (await slider.GetAttributeAsync("aria-valuetext"))!;
        Assert.Contains("rank 16", text);
        Assert.Contains("bits 4", text);
        Assert.Contains("rank16", await shown.TextContentAsync());
        await slider.PressAsync("End");
        Assert.Equal(r.Sites[^1].Name, await shown.Locator("strong").TextContentAsync());
        // Sorting the table does not change which site a bar is.
        await open.Page.Locator("#sites-table thead button").First.PressAsync("Enter");
        for (int i = 0; i < r.Sites.Count; i++)
        {
            ILocator bar = open.Page.Locator("#network-chart .bar").Nth(i);
            await bar.HoverAsync(new() { Force = true });
            Assert.Equal(r.Sites[i].Name, await shown.Locator("strong").TextContentAsync());
        }
        Assert.Equal(1, await open.Page.Locator("#sites-table tr.here").CountAsync());
        ILocator plan = open.Page.Locator("output[for=front-cursor] strong");
        Assert.Equal("this file", await plan.TextContentAsync());
        await open.Page.Locator("#front-cursor").PressAsync("Home");
        Assert.Equal("on the front", await plan.TextContentAsync());
    }

    [SkippableFact]
    public async Task TheKeyboardReachesEverythingAndShowsWhereItIs()
    {
        HtmlBrowser.Require();
        await using OpenPage open = await browser.Open(SampleReport.Full, motion: ReducedMotion.Reduce);
        int wanted = await open.Ask<int>(
            "[...document.querySelectorAll('a[href], button, input, summary, [tabindex=\"0\"]')].filter(e => e.checkVisibility({ contentVisibilityAuto: true })).length"
        );
        var seen = new HashSet<string>();
        for (int i = 0; i < wanted; i++)
        {
            await open.Page.Keyboard.PressAsync("Tab");
            string[] focused = await open.Ask<string[]>(
                """
                (() => {
                  const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();
                  e.dataset.stop ??= document.querySelectorAll('[data-stop]').length;
                  return [e.dataset.stop, s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 && b.width > 0 && b.bottom > 0 && b.top < innerHeight ? '' : e.outerHTML.slice(0, 120)];
                })()
                """
            );
            Assert.Equal("", focused[1]);
            Assert.True(seen.Add(focused[0]), "the focus came back before it was everywhere");
        }
        Assert.True(wanted > 40);
    }

    [SkippableFact]
    public async Task TheFirstStopSkipsToTheReport()
    {
        HtmlBrowser.Require();
        await using OpenPage open = await browser.Open(SampleReport.Full);
        await open.Page.Keyboard.PressAsync("Tab");
        Assert.Equal("Skip to the report", await open.Ask<string>("document.activeElement.textContent"));
        await open.Page.Keyboard.PressAsync("Enter");
        Assert.Equal("main", await open.Ask<string>("document.activeElement.id"));
    }

    [SkippableTheory]
    [InlineData("navigator.clipboard.writeText = t => { window.copied = t; return Promise.resolve(); }", "Copied")]
    [InlineData("navigator.clipboard.writeText = () => Promise.reject(new Error())", "Selected; copy it with the keyboard")]
    [InlineData("Object.defineProperty(navigator, 'clipboard', { value: undefined })", "Selected; copy it with the keyboard")]
    public async Task TheSpecIsCopiedOrSelected(string clipboard, string status)
    {
        HtmlBrowser.Require();
        await using OpenPage open = await browser.Open(SampleReport.Full, script: clipboard);
        await open.Page.GetByRole(AriaRole.Button, new() { Name = "Copy the spec" }).PressAsync("Enter");
        await Assertions.Expect(open.Page.Locator("#reproduce ~ .copyable .copied").Last).ToHaveTextAsync(status);
        string got = await open.Ask<string>("window.copied ?? getSelection().toString()");
        Assert.Equal(SampleReport.Full.Reproduce.Spec, got);
        Assert.Empty(open.Complaints);
    }

    [SkippableFact]
    public async Task TwoThousandSitesAreShown()
    {
        HtmlBrowser.Require();
        await using OpenPage open = await browser.Open(HtmlSamples.Large(2000));
        Assert.Equal(2000, await open.Page.Locator("#sites-table tbody tr").CountAsync());
        await open.Page.Locator("#network-cursor").PressAsync("End");
        Assert.Equal("encoder.layer.1999.weight", await open.Page.Locator("output[for=network-cursor] strong").TextContentAsync());
        Assert.True(
            await open.Ask<bool>(
                "document.querySelector('#network-chart').getBBox().width <= document.querySelector('#network-chart').clientWidth + 60"
            )
        );
        Assert.Empty(open.Complaints);
    }

    [SkippableFact]
    public async Task WithoutAScriptEverythingIsThereToRead()
    {
        HtmlBrowser.Require();
        await using OpenPage open = await browser.Open(SampleReport.Full, isScripted: false);
        Assert.Equal(0, await open.Page.Locator("button:visible, input:visible").CountAsync());
        Assert.Equal(SampleReport.Full.Sites.Count, await open.Page.Locator("#sites-table tbody tr:visible").CountAsync());
        await open.Page.Locator("summary").First.PressAsync("Enter");
        Assert.Equal(1, await open.Page.Locator("details[open]").CountAsync());
    }

    private static async Task<string[]> Texts(OpenPage open, string selector) =>
        [.. await open.Page.Locator(selector).AllTextContentsAsync()];
}
