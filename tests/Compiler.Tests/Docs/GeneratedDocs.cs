using System.CommandLine;
using System.Text;
using Lorq.Diagnostics;
using Lorq.Specs;

namespace Lorq.Tests.Docs;

/// <summary>Every file below docs/ that is made from declarations: error pages, command pages, the spec's schema and table.</summary>
internal static class GeneratedDocs
{
    private const int HelpWidth = 100;
    private const string TableStart = "<!-- keys: generated -->\n";
    private const string TableEnd = "<!-- end of keys -->";

    /// <summary>Folders with nothing but generated files: what is not in <see cref="All"/> is a leftover.</summary>
    public static IReadOnlyList<string> Folders { get; } = ["docs/errors", "docs/commands"];

    /// <summary>Path below the repository and content of each.</summary>
    public static IReadOnlyDictionary<string, string> All()
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["docs/lorq-spec.schema.json"] = SpecDocs.Schema(),
            ["docs/spec.md"] = SpecPage(),
            ["docs/errors/README.md"] = DiagnosticDocs.Index(),
            ["docs/commands/README.md"] = CommandPage("lorq", [], []),
        };
        foreach (Diagnostic d in Catalogue.All)
        {
            files[$"docs/errors/{d.Id}.md"] = DiagnosticDocs.Page(d);
        }
        foreach (Command c in Lorq.Cli.Program.Root().Subcommands)
        {
            files[$"docs/commands/{c.Name}.md"] = CommandPage("lorq " + c.Name, [c.Name], [.. c.Subcommands]);
        }
        return files;
    }

    /// <summary>The help of a command, wrapped at a width.</summary>
    public static string Help(string[] command, int width = HelpWidth)
    {
        using var output = new StringWriter { NewLine = "\n" };
        int code = Lorq.Cli.Program.Root(width).Parse([.. command, "--help"]).Invoke(new InvocationConfiguration { Output = output });
        Assert.Equal(0, code);
        // The name of the test host stands where the tool's would.
        // Usage starts with the name of the running program, which is the test host's here.
        string help = output.ToString().Replace($"  {RootCommand.ExecutableName} ", "  lorq ", StringComparison.Ordinal);
        return string.Join('\n', help.Split('\n').Select(l => l.TrimEnd())).TrimEnd('\n') + "\n";
    }

    private static string CommandPage(string title, string[] command, Command[] parts)
    {
        var text = new StringBuilder($"# {title}\n\n```text\n{Help(command)}```\n");
        foreach (Command part in parts)
        {
            text.Append($"\n## {title} {part.Name}\n\n```text\n{Help([.. command, part.Name])}```\n");
        }
        if (command.Length == 0)
        {
            text.Append('\n');
            foreach (Command c in Lorq.Cli.Program.Root().Subcommands)
            {
                text.Append($"* [lorq {c.Name}]({c.Name}.md)\n");
            }
            text.Append(
                """

                Exit codes: 0 done; 1 an error with a [code](../errors/README.md); 70 an internal error; 130 stopped by Ctrl-C or SIGTERM,
                with nothing left behind.

                """.ReplaceLineEndings("\n")
            );
        }
        return text.ToString();
    }

    /// <summary>The page is written by hand but for its table.</summary>
    private static string SpecPage()
    {
        string page = File.ReadAllText(Path.Combine(TestData.Root, "docs/spec.md")).ReplaceLineEndings("\n");
        int start = page.IndexOf(TableStart, StringComparison.Ordinal) + TableStart.Length;
        int end = page.IndexOf(TableEnd, StringComparison.Ordinal);
        return page[..start] + SpecDocs.Table() + page[end..];
    }
}
