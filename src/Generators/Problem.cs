using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Lorq.Generators;

/// <summary>What is wrong with a manifest or with what its item says: a diagnostic as data that can be compared.</summary>
/// <param name="Descriptor">Which.</param>
/// <param name="Path">The manifest to blame; null: none.</param>
/// <param name="Line">Line in it, from 0.</param>
/// <param name="Column">Column in it, from 0.</param>
/// <param name="Arguments">What the message names.</param>
internal sealed record Problem(DiagnosticDescriptor Descriptor, string? Path, int Line, int Column, EquatableArray<string> Arguments)
{
    public static Problem At(DiagnosticDescriptor descriptor, string? path, params string[] arguments) =>
        new(descriptor, path, 0, 0, new(arguments));

    public Diagnostic ToDiagnostic()
    {
        var position = new LinePosition(Line, Column);
        Location location = Path is null ? Location.None : Location.Create(Path, default, new LinePositionSpan(position, position));
        return Diagnostic.Create(Descriptor, location, [.. Arguments]);
    }
}
