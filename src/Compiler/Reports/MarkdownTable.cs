using System.Text;

namespace Lorq.Reports;

/// <summary>A Markdown table whose cells cannot break it.</summary>
internal sealed class MarkdownTable
{
    private readonly StringBuilder text = new();

    /// <summary>Starts a table.</summary>
    /// <param name="columns">Headings; one that starts with <c>&gt;</c> is aligned to the right.</param>
    public MarkdownTable(params string[] columns)
    {
        Row([.. columns.Select(c => c.TrimStart('>'))]);
        text.Append('|').AppendJoin('|', columns.Select(c => c.StartsWith('>') ? "---:" : "---")).Append("|\n");
    }

    /// <summary>Adds a row.</summary>
    public MarkdownTable Row(params string[] cells)
    {
        text.Append("| ").AppendJoin(" | ", cells.Select(Escape)).Append(" |\n");
        return this;
    }

    /// <summary>A name as code.</summary>
    public static string Code(string text) => text.Length == 0 ? "" : "`" + text.Replace('`', '\'') + "`";

    /// <summary>A fenced block whose fence is longer than any run of backticks inside.</summary>
    public static string Fence(string content, string language = "")
    {
        string fence = "```";
        while (content.Contains(fence, StringComparison.Ordinal))
        {
            fence += "`";
        }
        return $"{fence}{language}\n{content.TrimEnd('\n')}\n{fence}\n";
    }

    /// <inheritdoc />
    public override string ToString() => text.ToString();

    private static string Escape(string cell) => cell.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" ");
}
