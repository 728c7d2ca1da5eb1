using System.CommandLine;
using System.CommandLine.Parsing;
using Lorq.Diagnostics;
using Lorq.Specs;

namespace Lorq.Cli;

/// <summary>Turns what the command line's parser complains about into one catalogue entry.</summary>
internal static class UsageErrors
{
    /// <summary>The first complaint; an unknown option is answered with the nearest known one.</summary>
    public static LorqException From(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        IEnumerable<string> path = command
            .Parents.OfType<Command>()
            .Reverse()
            .Append(command)
            .Where(c => c is not RootCommand)
            .Select(c => c.Name);
        string help = string.Join(' ', path.Prepend("lorq"));
        string[] options =
        [
            .. command.Options.SelectMany(o => o.Aliases.Prepend(o.Name)),
            .. command.Parents.OfType<Command>().SelectMany(p => p.Options).Where(o => o.Recursive).Select(o => o.Name),
        ];
        foreach (string token in parsed.UnmatchedTokens)
        {
            if (token.StartsWith('-'))
            {
                return Catalogue.UnknownOption.With(SpecNode.Excerpt(token), NearestName.Hint(token, options));
            }
            string[] commands = [.. command.Subcommands.Select(c => c.Name)];
            return commands.Length > 0
                ? Catalogue.UnknownOption.With(SpecNode.Excerpt(token), NearestName.Hint(token, commands))
                : Catalogue.WrongUsage.With($"'{SpecNode.Excerpt(token)}' is one argument too many", help);
        }
        return Catalogue.WrongUsage.With(Unchosen(command, help) ?? Swallowed(parsed) ?? parsed.Errors[0].Message.TrimEnd('.'), help);
    }

    /// <summary>A command that only has others: name them.</summary>
    private static string? Unchosen(Command command, string path) =>
        command.Action is null && command.Subcommands.Count > 0
            ? $"'{path}' is not complete without one of {string.Join(", ", command.Subcommands.Select(c => c.Name))}"
            : null;

    /// <summary>An option that takes several values takes an argument written after it too: say which.</summary>
    private static string? Swallowed(ParseResult parsed)
    {
        Argument? missing = parsed.CommandResult.Command.Arguments.FirstOrDefault(a => parsed.GetResult(a) is null or { Tokens.Count: 0 });
        OptionResult? greedy = parsed
            .CommandResult.Children.OfType<OptionResult>()
            .FirstOrDefault(o => o.Option.AllowMultipleArgumentsPerToken && o.Tokens.Count > 1);
        return missing is not null && greedy is not null
            ? $"the argument '{missing.Name}' is missing: '{greedy.Tokens[^1].Value}' was read as a value of {greedy.Option.Name}, so write '{missing.Name}' before it"
            : null;
    }
}
