using System.Globalization;
using Lorq.Generators;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Lorq.Diagnostics;

/// <summary>An entry of the error catalogue, as the compiler's type of this name, whose file of the generator's errors is compiled here too.</summary>
/// <param name="id">The public code.</param>
/// <param name="title">The heading of its page in docs/errors.</param>
/// <param name="messageFormat">One sentence with places for the user's own names.</param>
/// <param name="cause">What leads here.</param>
/// <param name="fix">What to do.</param>
public sealed class Diagnostic(string id, string title, string messageFormat, string cause, string fix)
{
#pragma warning disable RS1017 // The id is a constant: in the catalogue.
    private readonly DiagnosticDescriptor descriptor = new(id, title, "{0}", "Lorq", DiagnosticSeverity.Error, true, cause);
#pragma warning restore RS1017

    /// <summary>The problem that this condition is.</summary>
    /// <param name="path">The manifest to blame; null: none.</param>
    /// <param name="arguments">What fills the places of the message.</param>
    internal Problem At(string? path, params string[] arguments) => new(this, path, default, new(arguments));

    /// <summary>What the C# compiler is told of a problem.</summary>
    internal Microsoft.CodeAnalysis.Diagnostic Report(Problem problem)
    {
        Location location = problem.Path is null
            ? Location.None
            : Location.Create(problem.Path, default, new LinePositionSpan(problem.Position, problem.Position));
        string message = string.Format(CultureInfo.InvariantCulture, messageFormat, [.. problem.Arguments]);
        return Microsoft.CodeAnalysis.Diagnostic.Create(descriptor, location, $"{message} {fix}");
    }
}
