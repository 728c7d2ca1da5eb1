using System.Text.RegularExpressions;
using Lorq.Diagnostics;

namespace Lorq.Tests.Docs;

public partial class GeneratedDocsTests
{
    private const string Refresh = "LORQ_UPDATE_DOCS=1 dotnet test tests/Compiler.Tests --filter GeneratedDocs";

    [Fact]
    public void AreCurrent()
    {
        IReadOnlyDictionary<string, string> expected = GeneratedDocs.All();
        string[] leftovers =
        [
            .. GeneratedDocs
                .Folders.SelectMany(f => Directory.GetFiles(Full(f)))
                .Select(f => Path.GetRelativePath(TestData.Root, f).Replace('\\', '/'))
                .Where(f => !expected.ContainsKey(f)),
        ];
        if (Environment.GetEnvironmentVariable("LORQ_UPDATE_DOCS") == "1")
        {
            foreach ((string path, string text) in expected)
            {
                File.WriteAllText(Full(path), text);
            }
            Array.ForEach(leftovers, f => File.Delete(Full(f)));
            return;
        }
        string[] stale = [.. expected.Where(e => Read(e.Key) != e.Value).Select(e => e.Key)];
        Assert.True(stale.Length + leftovers.Length == 0, $"Not current: {string.Join(", ", stale.Concat(leftovers))}. Run: {Refresh}");
    }

    [Fact]
    public void EveryErrorHasAllItsParts()
    {
        Assert.Equal(Catalogue.All.Count, Catalogue.All.Select(d => d.Id).Distinct().Count());
        Assert.All(
            Catalogue.All,
            d =>
            {
                Assert.Matches("^LORQ[0-9]{4}$", d.Id);
                Assert.All([d.Title, d.MessageFormat, d.Cause, d.Fix], text => Assert.False(string.IsNullOrWhiteSpace(text), d.Id));
                // A format that string.Format refuses would hide the error behind a FormatException.
                object[] names = [.. Enumerable.Range(0, 8).Select(i => "name" + i)];
                Assert.NotEmpty(string.Format(System.Globalization.CultureInfo.InvariantCulture, d.MessageFormat, names));
            }
        );
    }

    [Fact]
    public void LinksBetweenThePagesLead()
    {
        foreach (string file in Directory.GetFiles(Full("docs"), "*.md", SearchOption.AllDirectories))
        {
            foreach (Match link in Link().Matches(File.ReadAllText(file)))
            {
                string target = Path.Combine(Path.GetDirectoryName(file)!, link.Groups[1].Value);
                Assert.True(Path.Exists(target), $"{file}: {link.Value}");
            }
        }
    }

    private static string Full(string path) => Path.Combine(TestData.Root, path);

    private static string Read(string path) => File.Exists(Full(path)) ? File.ReadAllText(Full(path)).ReplaceLineEndings("\n") : "";

    [GeneratedRegex(@"\]\((?!https?:)([^)#]+)")]
    private static partial Regex Link();
}
