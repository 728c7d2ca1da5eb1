namespace Lorq.Examples.Ocr;

/// <summary>An image of a text line and what it says.</summary>
/// <param name="ImagePath">The image.</param>
/// <param name="Text">What it says.</param>
public sealed record LabelledLine(string ImagePath, string Text)
{
    /// <summary>Reads <c>labels.tsv</c> of a folder: one line per image, name and text with a tab between.</summary>
    /// <exception cref="InvalidDataException">A line has no tab.</exception>
    public static IReadOnlyList<LabelledLine> Load(string folder)
    {
        string labels = Path.Combine(folder, "labels.tsv");
        return [.. File.ReadAllLines(labels).Select((line, i) => Parse(folder, labels, line, i + 1))];
    }

    private static LabelledLine Parse(string folder, string labels, string line, int number) =>
        line.Split('\t', 2) is [string name, string text]
            ? new LabelledLine(Path.Combine(folder, name), text)
            : throw new InvalidDataException($"{labels}({number}): expected an image name, a tab and its text.");
}
