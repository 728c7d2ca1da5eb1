using Lorq.Reports;
using Lorq.Reports.Html;
using Microsoft.Playwright;

namespace Lorq.Tests.Reports;

/// <summary>A headless Chromium for all tests of the page, driven by Playwright, whose driver comes with its package and loads no browser.</summary>
public sealed class HtmlBrowser : IAsyncLifetime
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("lorq-html");
    private IPlaywright? playwright;
    private IBrowser? browser;

    /// <summary>The installed browser; null when there is none.</summary>
    private static string? Executable { get; } =
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(p => new[] { "chromium", "chromium-browser", "google-chrome" }.Select(n => Path.Combine(p, n)))
            .FirstOrDefault(File.Exists);

    public async Task InitializeAsync()
    {
        if (Executable is null)
        {
            return;
        }
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Executable, Args = ["--no-sandbox"] });
    }

    public async Task DisposeAsync()
    {
        if (browser is not null)
        {
            await browser.CloseAsync();
        }
        playwright?.Dispose();
        folder.Delete(recursive: true);
    }

    /// <summary>Skips the test where no browser is installed.</summary>
    public static void Require() => Skip.If(Executable is null, "No chromium is installed: 'apt-get install chromium' runs this test.");

    /// <summary>Writes a report's page and opens it.</summary>
    internal Task<OpenPage> Open(
        CompressionReport report,
        int width = 1280,
        ColorScheme scheme = ColorScheme.Light,
        ReducedMotion motion = ReducedMotion.NoPreference,
        string script = "",
        bool isScripted = true
    ) => OpenFile(HtmlReport.Write(report), "html", width, scheme, motion, script, isScripted);

    /// <summary>Writes a text to a file and opens it.</summary>
    internal async Task<OpenPage> OpenFile(
        string text,
        string extension,
        int width = 1280,
        ColorScheme scheme = ColorScheme.Light,
        ReducedMotion motion = ReducedMotion.NoPreference,
        string script = "",
        bool isScripted = true
    )
    {
        string file = Path.Combine(folder.FullName, $"{Guid.NewGuid():N}.{extension}");
        await File.WriteAllTextAsync(file, text);
        IBrowserContext context = await browser!.NewContextAsync(
            new()
            {
                ViewportSize = new() { Width = width, Height = 800 },
                ColorScheme = scheme,
                ReducedMotion = motion,
                JavaScriptEnabled = isScripted,
            }
        );
        IPage page = await context.NewPageAsync();
        if (script.Length > 0)
        {
            await page.AddInitScriptAsync(script);
        }
        var open = new OpenPage(context, page);
        page.Console += (_, m) => open.Complaints.Add($"{m.Type}: {m.Text}");
        page.PageError += (_, e) => open.Complaints.Add(e);
        page.Request += (_, r) => open.Requests.Add(r.Url);
        await page.GotoAsync(new Uri(file).AbsoluteUri);
        return open;
    }
}

/// <summary>A page that is open, and what it said and asked for.</summary>
internal sealed record OpenPage(IBrowserContext Context, IPage Page) : IAsyncDisposable
{
    public List<string> Complaints { get; } = [];

    public List<string> Requests { get; } = [];

    public Task<T> Ask<T>(string script) => Page.EvaluateAsync<T>(script);

    public async ValueTask DisposeAsync() => await Context.CloseAsync();
}

/// <summary>The tests that use the browser, which is started once.</summary>
[CollectionDefinition(Name)]
public sealed class SharedBrowser : ICollectionFixture<HtmlBrowser>
{
    public const string Name = "browser";
}
