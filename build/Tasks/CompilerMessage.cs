using System.Globalization;
using System.Text.RegularExpressions;

namespace Lorq.Build;

/// <summary>An error or warning that the compiler wrote on its error stream.</summary>
/// <param name="file">The file to blame; empty when none is.</param>
/// <param name="line">Line, from 1.</param>
/// <param name="column">Column, from 1.</param>
/// <param name="code">The catalogue's code; empty for warnings and defects.</param>
/// <param name="text">The sentence.</param>
/// <param name="isError">False for a warning.</param>
internal sealed class CompilerMessage(string file, int line, int column, string code, string text, bool isError)
{
    private static readonly Regex Canonical = new(
        @"^(?<file>.+?)(\((?<line>\d+)(,(?<column>\d+))?\))?: error (?<code>LORQ\d{4}): (?<text>.*)$",
        RegexOptions.CultureInvariant
    );

    /// <summary>The file to blame; empty when none is.</summary>
    public string File { get; } = file;

    /// <summary>The line, from 1; 0 when not known.</summary>
    public int Line { get; } = line;

    /// <summary>The column, from 1; 0 when not known.</summary>
    public int Column { get; } = column;

    /// <summary>The catalogue's code; empty for warnings and defects.</summary>
    public string Code { get; } = code;

    /// <summary>The sentence.</summary>
    public string Text { get; } = text;

    /// <summary>False for a warning.</summary>
    public bool IsError { get; } = isError;

    /// <summary>Reads a line.</summary>
    /// <returns>Null for progress and all else.</returns>
    public static CompilerMessage? Parse(string singleLine)
    {
        Match found = Canonical.Match(singleLine);
        if (found.Success)
        {
            // "lorq" and options stand where no file is to blame.
            string file = found.Groups["file"].Value;
            bool isOption = file.StartsWith("--", StringComparison.Ordinal);
            string text = isOption ? $"{file}: {found.Groups["text"].Value}" : found.Groups["text"].Value;
            file = isOption || file == "lorq" ? "" : file;
            return new(file, Number(found, "line"), Number(found, "column"), found.Groups["code"].Value, text, true);
        }
        return Rest(singleLine, "lorq: internal error: ", true) ?? Rest(singleLine, "warning: ", false);
    }

    private static CompilerMessage? Rest(string line, string start, bool isError) =>
        line.StartsWith(start, StringComparison.Ordinal)
            ? new("", 0, 0, "", (isError ? "The compiler has a defect: " : "") + line.Substring(start.Length), isError)
            : null;

    private static int Number(Match match, string group) =>
        match.Groups[group].Success ? int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture) : 0;
}
