using System.CommandLine;
using Lorq.Diagnostics;
using Lorq.Specs;

namespace Lorq.Cli;

/// <summary>Commands that print texts: <c>lorq schema</c> and <c>lorq explain</c>.</summary>
internal static class TextCommands
{
    /// <summary><c>lorq schema</c>.</summary>
    public static Command Schema()
    {
        var command = new ExampleCommand(
            "schema",
            "Prints the JSON Schema of the spec, for editors.",
            """
            lorq schema > lorq-spec.schema.json
            """
        );
        command.SetAction(_ => Console.Write(SpecDocs.Schema()));
        return command;
    }

    /// <summary><c>lorq explain</c>.</summary>
    public static Command Explain()
    {
        var code = new Argument<string>("code") { Description = "An error code, for example LORQ0102." };
        var command = new ExampleCommand(
            "explain",
            "Explains an error code: what leads to it and what to do.",
            """
            lorq explain LORQ0102
            """
        )
        {
            code,
        };
        command.SetAction(parsed =>
        {
            string asked = parsed.GetValue(code)!;
            Diagnostic found =
                Catalogue.All.FirstOrDefault(d => d.Id.Equals(asked, StringComparison.OrdinalIgnoreCase))
                ?? throw Catalogue.NoSuchCode.With(asked, Hint(asked));
            Console.Write(DiagnosticDocs.Page(found));
        });
        return command;
    }

    private static string Hint(string asked) =>
        NearestName.Find(asked.ToUpperInvariant(), [.. Catalogue.All.Select(d => d.Id)]) is { } nearest
            ? $"did you mean '{nearest}'?"
            : $"codes go from {Catalogue.All[0].Id} to {Catalogue.All[^1].Id}.";
}
