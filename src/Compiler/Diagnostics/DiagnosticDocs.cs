using System.Text;
using System.Text.RegularExpressions;

namespace Lorq.Diagnostics;

/// <summary>The documentation of the error catalogue: a page per entry and an index.</summary>
public static partial class DiagnosticDocs
{
    /// <summary>The page of an entry, <c>docs/errors/LORQ####.md</c>.</summary>
    public static string Page(Diagnostic d) =>
        $"""
            # {d.Id}: {d.Title}

            > {Places().Replace(d.MessageFormat, "…")}

            **Why.** {d.Cause}

            **What to do.** {d.Fix}

            """;

    /// <summary>The index, <c>docs/errors/README.md</c>.</summary>
    public static string Index()
    {
        var text = new StringBuilder(
            "# Errors\n\nEvery error has a code, one sentence with your own names, and what to do. `lorq explain CODE` prints these pages.\n\n| code | |\n|---|---|\n"
        );
        foreach (Diagnostic d in Catalogue.All)
        {
            text.Append($"| [{d.Id}]({d.Id}.md) | {d.Title} |\n");
        }
        return text.ToString();
    }

    /// <summary>Where a message has the user's own names.</summary>
    [GeneratedRegex(@"\{\d+\}")]
    private static partial Regex Places();
}
