using Microsoft.Playwright;

namespace Lorq.Tests.Reports;

/// <summary>How the page looks, as far as figures can tell: contrast, width, print, motion.</summary>
[Collection(SharedBrowser.Name)]
public sealed class HtmlAppearanceTests(HtmlBrowser browser)
{
    /// <summary>Every element with a text of its own whose contrast with what is behind it is too low (WCAG 2.2, 1.4.3).</summary>
    private const string Faint = """
        (() => {
          const parse = c => { const n = c.match(/[\d.]+/g).map(Number); return { rgb: n.slice(0, 3), a: n.length > 3 ? n[3] : 1 }; };
          const luminance = rgb => rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
          const behind = e => { for (; e; e = e.parentElement) { const b = parse(getComputedStyle(e).backgroundColor); if (b.a === 1) return b.rgb; } return [255, 255, 255]; };
          document.querySelectorAll('details').forEach(d => d.open = true);
          let seen = 0;
          const faint = [];
          for (const e of document.querySelectorAll('body *')) {
            if (!e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || e.matches('script, title, desc')) continue;
            const s = getComputedStyle(e), c = parse(e instanceof SVGElement ? s.fill : s.color);
            const [x, y] = [luminance(c.rgb), luminance(behind(e))].sort((p, q) => q - p);
            seen++;
            if ((x + 0.05) / (y + 0.05) < 4.5 || c.a < 1 || s.opacity !== '1') faint.push(e.tagName + '.' + e.getAttribute('class') + ' ' + e.textContent.slice(0, 30) + ' ' + (x + 0.05) / (y + 0.05));
          }
          return [String(seen), ...new Set(faint)];
        })()
        """;

    [SkippableTheory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task EveryTextStandsOut(ColorScheme scheme)
    {
        HtmlBrowser.Require();
        await using OpenPage open = await browser.Open(SampleReport.Full, scheme: scheme);
        // The pointer marks rows with a ground of its own.
        await open.Page.Locator("#network-cursor").PressAsync("ArrowRight");
        string[] faint = await open.Ask<string[]>(Faint);
        Assert.True(int.Parse(faint[0], System.Globalization.CultureInfo.InvariantCulture) > 300);
        Assert.Empty(faint.Skip(1));
        string ground = await open.Ask<string>("getComputedStyle(document.body).backgroundColor");
        Assert.Equal(scheme == ColorScheme.Dark, ground != "rgb(255, 255, 255)");
        Assert.Equal(
            scheme == ColorScheme.Dark ? "dark" : "light",
            await open.Ask<string>("getComputedStyle(document.documentElement).colorScheme")
        );
    }

    /// <summary>Marks that carry meaning stand out by 3 to 1 (WCAG 2.2, 1.4.11).</summary>
    [SkippableTheory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task EveryMarkStandsOut(ColorScheme scheme)
    {
        HtmlBrowser.Require();
        await using OpenPage open = await browser.Open(SampleReport.Full, scheme: scheme);
        string[] faint = await open.Ask<string[]>(
            """
            (() => {
              const rgb = c => c.match(/[\d.]+/g).slice(0, 3).map(Number);
              const luminance = c => rgb(c).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                .reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
              const ground = luminance(getComputedStyle(document.body).backgroundColor);
              return [...document.querySelectorAll('.bar, circle, path.front-line, path.diagonal, .budget, .chosen-rule')].filter(e => {
                const s = getComputedStyle(e);
                return ![s.fill, s.stroke].filter(c => c !== 'none').map(luminance)
                  .some(l => (Math.max(l, ground) + 0.05) / (Math.min(l, ground) + 0.05) >= 3);
              }).map(e => e.outerHTML);
            })()
            """
        );
        Assert.Empty(faint);
    }

    [SkippableTheory]
    [InlineData("full", 360)]
    [InlineData("full", 320)]
    [InlineData("free", 360)]
    [InlineData("hostile", 360)]
    [InlineData("large", 360)]
    [InlineData("broken", 360)]
    [InlineData("full", 768)]
    [InlineData("hostile", 1280)]
    public async Task NothingIsWiderThanTheWindow(string sample, int width)
    {
        HtmlBrowser.Require();
        await using OpenPage open = await browser.Open(HtmlReportTests.Sample(sample), width);
        await open.Ask<object>("document.querySelectorAll('details').forEach(d => d.open = true)");
        // Nothing is cut off either, but for what can be scrolled.
        string[] cut = await open.Ask<string[]>(
            "[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, pre') && e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.outerHTML.slice(0, 120))"
        );
        Assert.Empty(cut);
        Assert.InRange(await open.Ask<int>("document.documentElement.scrollWidth"), 1, width);
    }

    /// <summary>Texts in pictures neither overlap nor leave the page, on a wide screen and on a phone.</summary>
    [SkippableTheory]
    [InlineData(1280)]
    [InlineData(360)]
    public async Task LabelsInPicturesDoNotOverlap(int width)
    {
        HtmlBrowser.Require();
        await using OpenPage open = await browser.Open(SampleReport.Full, width);
        await open.Ask<object>("document.querySelectorAll('details').forEach(d => d.open = true)");
        string[] overlaps = await open.Ask<string[]>(
            """
            [...document.querySelectorAll('svg[role=img]')].flatMap(s => {
              const t = [...s.querySelectorAll('text')].map(e => [e.textContent, e.getBoundingClientRect()]);
              return t.flatMap(([a, p], i) => t.slice(i + 1).filter(([, q]) =>
                p.left < q.right && q.left < p.right && p.top + 2 < q.bottom && q.top + 2 < p.bottom).map(([b]) => `${s.id}: ${a} / ${b}`))
                .concat(t.filter(([, p]) => p.left < 0 || p.right > innerWidth).map(([a]) => `${s.id}: ${a} leaves`));
            })
            """
        );
        Assert.Empty(overlaps);
    }

    [SkippableTheory]
    [InlineData("full")]
    [InlineData("large")]
    public async Task PrintShowsEverythingOnWhite(string sample)
    {
        HtmlBrowser.Require();
        await using OpenPage open = await browser.Open(HtmlReportTests.Sample(sample), scheme: ColorScheme.Dark);
        await open.Page.EmulateMediaAsync(new() { Media = Media.Print });
        string[] hidden = await open.Ask<string[]>(
            """
            [...document.querySelectorAll('table, svg[role=img], pre, details > *')].filter(e =>
              !e.checkVisibility({ contentVisibilityAuto: true }) || e.getBoundingClientRect().height === 0).map(e => e.outerHTML.slice(0, 100))
            """
        );
        Assert.Empty(hidden);
        string[] scrolled = await open.Ask<string[]>(
            "[...document.querySelectorAll('.scroll, pre')].filter(e => getComputedStyle(e).overflowY !== 'visible' || getComputedStyle(e).maxHeight !== 'none').map(e => e.outerHTML.slice(0, 100))"
        );
        Assert.Empty(scrolled);
        Assert.Equal(0, await open.Page.Locator("nav:visible, button[data-copy]:visible, .cursor:visible").CountAsync());
        Assert.Equal("rgb(255, 255, 255)", await open.Ask<string>("getComputedStyle(document.body).backgroundColor"));
        Assert.Empty((await open.Ask<string[]>(Faint)).Skip(1));
        byte[] pdf = await open.Page.PdfAsync(new() { Format = "A4" });
        Assert.True(pdf.Length > 20_000);
    }

    [SkippableTheory]
    [InlineData(ReducedMotion.NoPreference, "smooth")]
    [InlineData(ReducedMotion.Reduce, "auto")]
    public async Task NothingMovesForThoseWhoDoNotWantIt(ReducedMotion motion, string scrolling)
    {
        HtmlBrowser.Require();
        await using OpenPage open = await browser.Open(SampleReport.Full, motion: motion);
        Assert.Equal(scrolling, await open.Ask<string>("getComputedStyle(document.documentElement).scrollBehavior"));
        bool isMoving = await open.Ask<bool>(
            "[...document.querySelectorAll('*')].some(e => parseFloat(getComputedStyle(e).transitionDuration) > 0)"
        );
        Assert.Equal(motion == ReducedMotion.NoPreference, isMoving);
    }
}
