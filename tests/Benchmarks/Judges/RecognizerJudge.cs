using System.Globalization;
using Lorq.Examples.Ocr;

namespace Lorq.Benchmarks.Judges;

/// <summary>
/// PP-OCR recognizer: how much its character error rate over labelled lines lies above the original's. Greedy CTC decoding, edit
/// distance. A few hundred lines say little about small differences, so the share of steps whose best class is the original's is
/// recorded too.
/// </summary>
internal sealed class RecognizerJudge(string folder) : IJudge
{
    private IReadOnlyList<LabelledLine>? lines;
    private Reading? reference;

    /// <inheritdoc />
    public string Name => "ppocr";

    /// <inheritdoc />
    public string Metric => "character error rate above the original's";

    /// <inheritdoc />
    public string OriginalPath => Path.Combine(folder, "rec.onnx");

    /// <inheritdoc />
    public string CalibrationPath => Path.Combine(folder, "calibration.npz");

    /// <inheritdoc />
    public Judgement Judge(string path, bool operators, CancellationToken cancellationToken)
    {
        reference ??= Read(OriginalPath, false, cancellationToken);
        Reading own = Read(path, operators, cancellationToken);
        double loss = own.Score.CharacterErrorRate - reference.Score.CharacterErrorRate;
        return new Judgement(
            loss,
            loss.ToString("+0.0000;−0.0000;0.0000", CultureInfo.InvariantCulture),
            string.Create(
                CultureInfo.InvariantCulture,
                $"rate {own.Score.CharacterErrorRate:F4}, {own.Score.ExactShare:P1} of lines exact, {Agreement(reference, own):P2} of steps as in fp32"
            ),
            // Errors of a line, scaled so that their mean is the rate.
            [.. own.Errors.Select(e => (double)e * own.Errors.Count / own.Score.Characters)]
        );
    }

    /// <inheritdoc />
    public IReadOnlyList<KnownFigure> CheckOriginal(CancellationToken cancellationToken)
    {
        reference ??= Read(OriginalPath, false, cancellationToken);
        return
        [
            // Another image library decodes and resizes a grey level differently here and there: four characters of the 4 000.
            new("character error rate", reference.Score.CharacterErrorRate, 0.032, 0.001),
            new("share of lines exact", reference.Score.ExactShare, 0.86, 0.005),
        ];
    }

    private Reading Read(string path, bool operators, CancellationToken cancellationToken)
    {
        using var recognizer = new LineRecognizer(path, Path.Combine(folder, "keys.txt"), operators);
        lines ??= LabelledLine.Load(Path.Combine(folder, "lines"));
        var score = new Score();
        var steps = new List<int[]>(lines.Count);
        var errors = new List<long>(lines.Count);
        foreach (LabelledLine line in lines)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int[] best = recognizer.BestClasses(line.ImagePath);
            Score after = score.Add(recognizer.Decode(best), line.Text);
            errors.Add(after.Errors - score.Errors);
            score = after;
            steps.Add(best);
        }
        return new Reading(score, steps, errors);
    }

    private static double Agreement(Reading a, Reading b) =>
        a.Steps.Zip(b.Steps, (x, y) => x.Zip(y).Count(p => p.First == p.Second)).Sum() / (double)a.Steps.Sum(s => s.Length);

    private sealed record Reading(Score Score, IReadOnlyList<int[]> Steps, IReadOnlyList<long> Errors);
}
