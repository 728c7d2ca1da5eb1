using System.Diagnostics;
using System.Globalization;
using Lorq.Examples.ReadLines;

// Reads the bundled text lines with the original recognizer and with a compressed one, side by side.

string models = Path.Combine(AppContext.BaseDirectory, "models");
string compressedPath = args.FirstOrDefault() ?? Path.Combine("out", "rec.lorq.onnx");
if (!File.Exists(compressedPath))
{
    Console.Error.WriteLine(
        $"""
        There is no compressed model at '{compressedPath}'. Make one first:
          dotnet run -c Release --project src/Compiler -- compress examples/models/rec.onnx --budget 25% --calibration examples/models/rec-calibration.npz -o out/
        or name one: dotnet run -c Release --project examples/ReadLines -- PATH
        """
    );
    return 1;
}
string originalPath = Path.Combine(models, "rec.onnx");
string keys = Path.Combine(models, "keys.txt");
using var original = new LineRecognizer(originalPath, keys);
using var compressed = new LineRecognizer(compressedPath, keys);
IReadOnlyList<LabelledLine> lines = LabelledLine.Load(Path.Combine(models, "lines"));
int width = lines.Max(l => l.Text.Length);
(Score before, Score after) = (default, default);
(TimeSpan timeBefore, TimeSpan timeAfter) = (default, default);

Console.WriteLine($"{"original".PadRight(width)}  compressed");
foreach (LabelledLine line in lines)
{
    string first = Timed(original, line, ref timeBefore);
    string second = Timed(compressed, line, ref timeAfter);
    before = before.Add(first, line.Text);
    after = after.Add(second, line.Text);
    string truth = first == line.Text && second == line.Text ? "" : $"   (it says: {line.Text})";
    Console.WriteLine($"{first.PadRight(width)}  {second}{truth}");
}
Console.WriteLine();
Report("original", originalPath, before, timeBefore);
Report("compressed", compressedPath, after, timeAfter);
return 0;

static string Timed(LineRecognizer recognizer, LabelledLine line, ref TimeSpan time)
{
    long start = Stopwatch.GetTimestamp();
    string text = recognizer.Read(line.ImagePath);
    time += Stopwatch.GetElapsedTime(start);
    return text;
}

static void Report(string name, string path, Score score, TimeSpan time) =>
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{name, -10}  {new FileInfo(path).Length / 1e6, 6:F2} MB  character error rate {score.CharacterErrorRate:F4}  {score.Exact} of {score.Lines} lines exact  {time.TotalMilliseconds / score.Lines:F0} ms a line"
        )
    );
