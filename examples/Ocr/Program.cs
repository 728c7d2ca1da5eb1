using System.Diagnostics;
using System.Globalization;
using Lorq.Examples.Ocr;

// Reads the images of text lines that are named; without any, the bundled ones with the original recognizer and the compressed one side by side.

string models = Path.Combine(AppContext.BaseDirectory, "models");
var decoder = new CtcDecoder(File.ReadLines(Path.Combine(models, "keys.txt")));
using Recognizer recognizer = Recognizer.Load();
var compressed = new LineReader(decoder, image => recognizer.Run(new() { X = image }).Softmax11Tmp0);
if (args.Length > 0)
{
    foreach (string image in args)
    {
        Console.WriteLine(compressed.Read(image));
    }
    return;
}

using OriginalRecognizer originalRecognizer = OriginalRecognizer.Load();
var original = new LineReader(decoder, image => originalRecognizer.Run(new() { X = image }).Softmax11Tmp0);
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
Report("original", "original/rec.onnx", before, timeBefore);
Report("compressed", "rec.lorq.onnx", after, timeAfter);

static string Timed(LineReader reader, LabelledLine line, ref TimeSpan time)
{
    long start = Stopwatch.GetTimestamp();
    string text = reader.Read(line.ImagePath);
    time += Stopwatch.GetElapsedTime(start);
    return text;
}

void Report(string name, string model, Score score, TimeSpan time) =>
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{name, -10}  {new FileInfo(Path.Combine(models, model)).Length / 1e6, 6:F2} MB  character error rate {score.CharacterErrorRate:F4}  {score.Exact} of {score.Lines} lines exact  {time.TotalMilliseconds / score.Lines:F0} ms a line"
        )
    );
