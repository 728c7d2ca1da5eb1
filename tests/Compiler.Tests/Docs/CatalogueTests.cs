using System.Text.RegularExpressions;
using Lorq.Diagnostics;

namespace Lorq.Tests.Docs;

/// <summary>The error catalogue against the sources that use it.</summary>
public partial class CatalogueTests
{
    /// <summary>First two digits of the codes of each partial file.</summary>
    private static readonly Dictionary<string, string> Rooms = new()
    {
        ["Models"] = "01",
        ["Specs"] = "02",
        ["Sites"] = "03",
        ["Calibration"] = "04",
        ["Quantization"] = "05",
        ["Menu"] = "06",
        ["Rewriting"] = "07",
        ["Checks"] = "08",
        ["Cli"] = "090",
        ["Caching"] = "091",
        ["Files"] = "095",
        ["Build"] = "096",
        ["Generators"] = "10",
    };

    private static readonly string Sources = Path.Combine(TestData.Root, "src", "Compiler");

    [Fact]
    public void CodesAreWellFormedAndUnique()
    {
        Assert.All(Catalogue.All, d => Assert.Matches("^LORQ[0-9]{4}$", d.Id));
        Assert.Equal(Catalogue.All.Count, Catalogue.All.Select(d => d.Id).Distinct().Count());
        Assert.Equal(Catalogue.All.Count, Catalogue.All.Select(d => d.Title).Distinct().Count());
    }

    [Fact]
    public void TextsAreSentences()
    {
        foreach (Diagnostic d in Catalogue.All)
        {
            Assert.All(new[] { d.Title, d.MessageFormat, d.Cause, d.Fix }, t => Assert.False(string.IsNullOrWhiteSpace(t), d.Id));
            Assert.DoesNotContain('\n', d.MessageFormat + d.Title + d.Cause + d.Fix);
            Assert.True(d.Cause.EndsWith('.') && d.Fix.EndsWith('.') && !d.Title.EndsWith('.'), d.Id);
        }
    }

    [Fact]
    public void CodesLieInTheirRoom()
    {
        int entries = 0;
        foreach (string file in Directory.GetFiles(Path.Combine(Sources, "Diagnostics"), "Catalogue.*.cs"))
        {
            string room = Path.GetFileName(file).Split('.')[1];
            string[] ids = [.. Code().Matches(File.ReadAllText(file)).Select(m => m.Groups[1].Value)];
            Assert.All(ids, id => Assert.StartsWith("LORQ" + Rooms[room], id));
            entries += ids.Length;
        }
        Assert.Equal(Catalogue.All.Count, entries);
    }

    /// <summary>Places count up from {0}, and every use in the sources fills exactly them.</summary>
    [Fact]
    public void EveryUseFillsThePlacesOfTheMessage()
    {
        var entries = typeof(Catalogue).GetFields().Where(f => f.FieldType == typeof(Diagnostic)).ToDictionary(f => f.Name);
        int uses = 0;
        foreach (string file in SourceFiles())
        {
            string text = File.ReadAllText(file);
            foreach (Match use in Use().Matches(text))
            {
                var entry = (Diagnostic)entries[use.Groups[1].Value].GetValue(null)!;
                int given = Arguments(text, use.Index + use.Length) - (use.Groups[2].Value == "At" ? 1 : 0);
                Assert.True(given == Places(entry), $"{Path.GetFileName(file)}: {entry.Id} has {Places(entry)} places, but gets {given}.");
                uses++;
            }
        }
        Assert.True(uses >= 50, $"{uses} uses were found.");
    }

    [Fact]
    public void EveryEntryIsUsed()
    {
        string all = string.Concat(
            SourceFiles()
                .Where(f => !f.Contains("Diagnostics" + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                .Append(Path.Combine(TestData.Root, "build", "Lorq.Build.targets"))
                .Select(File.ReadAllText)
        );
        Assert.All(
            typeof(Catalogue).GetFields().Where(f => f.FieldType == typeof(Diagnostic)),
            f => Assert.Matches($@"\b({f.Name}|{((Diagnostic)f.GetValue(null)!).Id})\b", all)
        );
    }

    /// <summary>The compiler, the build package's tasks and the source generator, which share the catalogue.</summary>
    private static IEnumerable<string> SourceFiles() =>
        new[] { Sources, Path.Combine(TestData.Root, "build", "Tasks"), Path.Combine(TestData.Root, "src", "Generators") }
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
            .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal));

    private static int Places(Diagnostic d)
    {
        int[] places = [.. Place().Matches(d.MessageFormat).Select(m => int.Parse(m.Groups[1].Value)).Distinct().Order()];
        Assert.Equal(Enumerable.Range(0, places.Length), places);
        return places.Length;
    }

    /// <summary>Counts the arguments of a call whose opening bracket ends at <paramref name="start"/>.</summary>
    private static int Arguments(string text, int start)
    {
        int depth = 0;
        int commas = 0;
        bool any = false;
        for (int i = start; ; i++)
        {
            char c = text[i];
            if (c is '"' or '\'')
            {
                i = EndOfLiteral(text, i);
                any = true;
            }
            else if (c is '(' or '[' or '{')
            {
                depth++;
            }
            else if (c is ')' or ']' or '}')
            {
                if (depth-- == 0)
                {
                    return any ? commas + 1 : 0;
                }
            }
            else if (c == ',' && depth == 0)
            {
                commas++;
            }
            any |= !char.IsWhiteSpace(c);
        }
    }

    /// <summary>The closing quote of a literal; the holes of an interpolated one may hold literals again.</summary>
    private static int EndOfLiteral(string text, int open)
    {
        bool interpolated = text[open - 1] == '$';
        int depth = 0;
        int i = open + 1;
        while (depth > 0 || text[i] != text[open])
        {
            if (depth > 0 && text[i] == '"')
            {
                i = EndOfLiteral(text, i);
            }
            else if (text[i] == '\\')
            {
                i++;
            }
            else if (interpolated)
            {
                depth += text[i] switch
                {
                    '{' => 1,
                    '}' => -1,
                    _ => 0,
                };
            }
            i++;
        }
        return i;
    }

    [GeneratedRegex("\"(LORQ[0-9]+)\"")]
    private static partial Regex Code();

    [GeneratedRegex(@"Catalogue\s*\.(\w+)\s*\.(With|At)\(")]
    private static partial Regex Use();

    [GeneratedRegex(@"\{([0-9]+)\}")]
    private static partial Regex Place();
}
