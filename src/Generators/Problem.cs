using Lorq.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace Lorq.Generators;

/// <summary>What is wrong with a manifest or with what its item says: a diagnostic as data that can be compared.</summary>
/// <param name="Entry">Which.</param>
/// <param name="Path">The manifest to blame; null: none.</param>
/// <param name="Position">The place in it.</param>
/// <param name="Arguments">What the message names.</param>
internal sealed record Problem(Diagnostic Entry, string? Path, LinePosition Position, EquatableArray<string> Arguments)
{
    public Microsoft.CodeAnalysis.Diagnostic ToDiagnostic() => Entry.Report(this);
}
