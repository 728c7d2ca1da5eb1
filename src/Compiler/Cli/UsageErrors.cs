using System.CommandLine;
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
        string[] options =
        [
            .. command.Options.SelectMany(o => o.Aliases.Prepend(o.Name)),
            .. command.Parents.OfType<Command>().SelectMany(p => p.Options).Select(o => o.Name),
        ];
        foreach (string token in parsed.UnmatchedTokens)
        {
            if (token.StartsWith('-'))
            {
                return Catalogue.UnknownOption.With(token, NearestName.Hint(token, options));
            }
            string[] commands = [.. command.Subcommands.Select(c => c.Name)];
            return commands.Length > 0
                ? Catalogue.UnknownOption.With(token, NearestName.Hint(token, commands))
                : Catalogue.WrongUsage.With($"'{token}' is one argument too many", command.Name);
        }
        return Catalogue.WrongUsage.With(parsed.Errors[0].Message.TrimEnd('.'), command.Name);
    }
}
