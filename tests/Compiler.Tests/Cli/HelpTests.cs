using System.CommandLine;
using Lorq.Cli;
using Lorq.Tests.Docs;
using Snapshooter.Xunit;

namespace Lorq.Tests.Cli;

public class HelpTests
{
    /// <summary>The overview; the commands' helps are in docs/commands, which a test keeps current.</summary>
    [Fact]
    public void OverviewIsAsItWas() => GeneratedDocs.Help([], 80).MatchSnapshot();

    [Fact]
    public void EveryCommandFitsEightyColumnsAndHasExamples()
    {
        foreach ((string[] path, Command command) in Commands())
        {
            string[] lines = GeneratedDocs.Help(path, 80).Split('\n');
            int examples = Array.IndexOf(lines, "Examples:");
            Assert.True(examples > 0, command.Name);
            Assert.Contains(lines[examples..], l => l.StartsWith($"  lorq {string.Join(' ', path)}", StringComparison.Ordinal));
            Assert.All(lines, l => Assert.InRange(l.Length, 0, 80));
            Assert.All(command.Options.Concat<Symbol>(command.Arguments), s => Assert.False(string.IsNullOrEmpty(s.Description), s.Name));
        }
    }

    /// <summary>An example that its own parser refuses would be worse than none.</summary>
    [Fact]
    public void ExamplesParse()
    {
        RootCommand root = Lorq.Cli.Program.Root();
        string[] examples =
        [
            .. Commands().Select(c => c.Command).OfType<ExampleCommand>().SelectMany(c => c.Examples.ReplaceLineEndings("\n").Split('\n')),
            .. Lorq.Cli.Program.RootExamples.ReplaceLineEndings("\n").Split('\n'),
        ];
        foreach (string line in examples)
        {
            string command = line.Split("   ")[0].Split(" > ")[0].Replace("\"", "");
            Assert.True(root.Parse(command["lorq ".Length..].Split(' ')).Errors.Count == 0, line);
        }
    }

    /// <summary>All commands, those of commands too.</summary>
    private static IEnumerable<(string[] Path, Command Command)> Commands() =>
        Lorq
            .Cli.Program.Root()
            .Subcommands.SelectMany(c => c.Subcommands.Select(part => ((string[])[c.Name, part.Name], part)).Prepend(([c.Name], c)));
}
