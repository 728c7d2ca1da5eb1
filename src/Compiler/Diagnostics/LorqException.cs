using System.Globalization;

namespace Lorq.Diagnostics;

/// <summary>An error a user can act on: a catalogue entry with its arguments, and the place to blame when a file has one.</summary>
public sealed class LorqException(Diagnostic diagnostic, SourceLocation? location, IReadOnlyList<object?> arguments)
    : Exception(string.Format(CultureInfo.InvariantCulture, diagnostic.MessageFormat, [.. arguments]))
{
    /// <summary>The catalogue entry.</summary>
    public Diagnostic Diagnostic { get; } = diagnostic;

    /// <summary>What fills the places of the message.</summary>
    public IReadOnlyList<object?> Arguments { get; } = arguments;

    /// <summary>The place in a file, when one is to blame.</summary>
    public SourceLocation? Location { get; } = location;

    /// <summary>The canonical MSBuild form: <c>file(line,col): error LORQ0012: message. What to do.</c></summary>
    public string ToCanonical()
    {
        string place = Location switch
        {
            null => "lorq",
            { Line: 0 } l => l.File,
            { Column: 0 } l => $"{l.File}({l.Line})",
            var l => $"{l.File}({l.Line},{l.Column})",
        };
        return OneLine($"{place}: error {Diagnostic.Id}: {Message} {Diagnostic.Fix}".TrimEnd());
    }

    /// <summary>A text without line ends and other control characters: names in a model may hold them, and tools read errors by line.</summary>
    internal static string OneLine(string text) => new([.. text.ReplaceLineEndings(" ").Select(c => char.IsControl(c) ? ' ' : c)]);
}
