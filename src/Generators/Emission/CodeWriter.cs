using System.Text;

namespace Lorq.Generators.Emission;

/// <summary>Lines of code with their indentation.</summary>
internal sealed class CodeWriter
{
    private readonly StringBuilder text = new();
    private int depth;

    /// <summary>Writes lines; those of a text that spans several are indented alike.</summary>
    public CodeWriter Line(string lines = "")
    {
        foreach (string line in lines.Split('\n'))
        {
            text.Append(line.Length > 0 ? new string(' ', 4 * depth) : "").Append(line).Append('\n');
        }
        return this;
    }

    /// <summary>Writes several lines.</summary>
    public CodeWriter Lines(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            Line(line);
        }
        return this;
    }

    /// <summary>Opens a block.</summary>
    public CodeWriter Open(string line)
    {
        Line(line).Line("{");
        depth++;
        return this;
    }

    /// <summary>Closes a block.</summary>
    public CodeWriter Close(string end = "}")
    {
        depth--;
        return Line(end);
    }

    /// <summary>Indents what follows.</summary>
    public void Indent() => depth++;

    /// <summary>Writes text that has its indentation.</summary>
    public void Text(string lines) => text.Append(lines);

    /// <inheritdoc/>
    public override string ToString() => text.ToString();
}
