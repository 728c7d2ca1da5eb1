using System.Text;

namespace Lorq.Build;

/// <summary>How the compiler is called.</summary>
internal static class CompilerRun
{
    /// <summary>What a result depends on besides files: the arguments and the compiler's version.</summary>
    /// <param name="arguments">The arguments.</param>
    /// <param name="compiler">The version, or the path of the compiler's assembly, whose content then counts.</param>
    public static string Key(IEnumerable<string> arguments, string compiler) =>
        FileFact.HashOf(string.Join("\n", arguments) + "\n\n" + (File.Exists(compiler) ? Version(compiler) : compiler));

    /// <summary>Arguments as one text, which .NET cuts again by the rules of Windows on every system.</summary>
    public static string CommandLine(IEnumerable<string> arguments) => string.Join(" ", arguments.Select(Quoted));

    /// <summary>Enough to tell two builds of a compiler apart without reading it each time.</summary>
    private static string Version(string assembly)
    {
        var file = new FileInfo(assembly);
        return $"{file.Length} {file.LastWriteTimeUtc.Ticks}";
    }

    private static string Quoted(string argument)
    {
        if (argument.Length > 0 && !argument.Any(c => char.IsWhiteSpace(c) || c == '"'))
        {
            return argument;
        }
        var text = new StringBuilder("\"");
        int slashes = 0;
        foreach (char c in argument)
        {
            // Backslashes are doubled before a quote, the closing one too, and stand for themselves elsewhere.
            text.Append(c == '"' ? new string('\\', slashes + 1) : "").Append(c);
            slashes = c == '\\' ? slashes + 1 : 0;
        }
        return text.Append('\\', slashes).Append('"').ToString();
    }
}
