using System.Globalization;
using System.Security;
using System.Text;
using Lorq.Benchmarks.Tools;

namespace Lorq.Benchmarks.Suites;

/// <summary>The picture of the README: what the README's first command prints, as <c>docs/images/summary.svg</c>.</summary>
internal static class SummaryPicture
{
    private const double CharacterWidth = 8.4;
    private const int LineHeight = 19;
    private const int Margin = 18;
    private const int TitleHeight = 30;

    /// <summary>The columns of the first word of a line, which names what the line says.</summary>
    private const int HeadingWidth = 10;

    /// <summary>Runs the command and draws what it prints.</summary>
    public static async Task Write(CancellationToken cancellationToken)
    {
        const string Models = "examples/models";
        string output = Directory.CreateTempSubdirectory("lorq-picture-").FullName;
        string[] arguments =
        [
            "compress",
            $"{Models}/rec.onnx",
            "--budget",
            "25%",
            "--calibration",
            $"{Models}/rec-calibration.npz",
            "-o",
            output,
        ];
        MeasuredProcess run = await MeasuredProcess.Lorq(arguments, cancellationToken);
        Directory.Delete(output, recursive: true);
        if (run.ExitCode != 0)
        {
            throw new BenchmarkException(run.Errors.Trim());
        }
        string title = $"$ lorq {string.Join(' ', arguments[..^1])} out/";
        string[] lines = [.. run.Output.Replace(output, "out").Split('\n').Select(l => l.TrimEnd())];
        lines = [.. lines.SkipWhile(l => l.Length == 0).Reverse().SkipWhile(l => l.Length == 0).Reverse()];
        string folder = Directory.CreateDirectory(Path.Combine(Repository.Root, "docs", "images")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "summary.svg"), Draw(title, lines), cancellationToken);
        Console.WriteLine("Written to docs/images/summary.svg.");
    }

    /// <summary>Lines of text as they stand in a terminal.</summary>
    internal static string Draw(string title, IReadOnlyList<string> lines)
    {
        int columns = lines.Append(title).Max(l => l.Length);
        double width = columns * CharacterWidth + 2 * Margin;
        int height = TitleHeight + lines.Count * LineHeight + 2 * Margin;
        var svg = new StringBuilder();
        svg.Append(
            CultureInfo.InvariantCulture,
            $$"""
            <svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" width="{{width:F0}}" height="{{height}}" viewBox="0 0 {{width:F0}} {{height}}" role="img" aria-label="Console summary of a compression">
            <style>text { font: 14px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #d7dae0; white-space: pre } .dim { fill: #8b93a1 } .title { fill: #7fd1b9 } .bold { font-weight: 600; fill: #ffffff }</style>
            <rect width="100%" height="100%" rx="8" fill="#1b1f27"/>

            """
        );
        Text(svg, title, 0, Margin + LineHeight / 2, "title");
        for (int i = 0; i < lines.Count; i++)
        {
            double y = TitleHeight + Margin + (i + 0.7) * LineHeight;
            bool isHeaded = lines[i].Length > HeadingWidth && lines[i][0] is not (' ' or '─');
            int split = isHeaded ? Heading(lines[i]) : 0;
            Text(svg, lines[i][..split].TrimEnd(), 0, y, "dim");
            Text(svg, lines[i][split..], split, y, i == 0 ? "bold" : "");
        }
        return svg.Append("</svg>\n").ToString();
    }

    /// <summary>Where the text after the heading begins.</summary>
    private static int Heading(string line)
    {
        int gap = line.IndexOf("  ", StringComparison.Ordinal);
        return gap < 0 || gap > HeadingWidth ? 0 : gap + line.AsSpan(gap).IndexOfAnyExcept(' ');
    }

    /// <summary>One run of characters; its length is stated, so that columns line up in any fixed-width font.</summary>
    private static void Text(StringBuilder svg, string text, int column, double y, string style)
    {
        int indent = text.Length - text.TrimStart().Length;
        text = text.Trim();
        if (text.Length > 0)
        {
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<text x=\"{Margin + (column + indent) * CharacterWidth:F1}\" y=\"{y:F1}\" textLength=\"{text.Length * CharacterWidth:F1}\" class=\"{style}\">{SecurityElement.Escape(text)}</text>\n"
            );
        }
    }
}
