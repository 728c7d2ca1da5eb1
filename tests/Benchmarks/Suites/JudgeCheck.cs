using System.Globalization;
using Lorq.Benchmarks.Judges;
using Lorq.Benchmarks.Tools;

namespace Lorq.Benchmarks.Suites;

/// <summary>The judges themselves: the originals must reach what their READMEs state, and lose nothing against themselves.</summary>
internal sealed class JudgeCheck(SharedModels models, string? only)
{
    /// <summary>Cosines of fp32 embeddings are 1 up to rounding.</summary>
    private const double Rounding = 1e-6;

    /// <summary>Prints the figures.</summary>
    /// <returns>True when all agree.</returns>
    public bool Run(CancellationToken cancellationToken)
    {
        bool allAgree = true;
        foreach (IJudge judge in models.Judges(only))
        {
            double unharmed = judge.Name == "pygpt" ? 1 : 0;
            Judgement same = judge.Judge(judge.OriginalPath, cancellationToken);
            KnownFigure[] figures =
            [
                .. judge.CheckOriginal(cancellationToken),
                new($"{judge.Metric}, against itself", same.Loss, unharmed, Rounding),
            ];
            foreach (KnownFigure figure in figures)
            {
                allAgree &= figure.Agrees;
                Console.WriteLine(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{judge.Name}: {figure.What} {figure.Measured:F4}, expected {figure.Expected:F4} ± {figure.Tolerance}: {(figure.Agrees ? "agrees" : "DIFFERS")}"
                    )
                );
            }
            var inputs = StockModel.Batches(judge.OriginalPath, judge.CalibrationPath, 1)[0];
            SpeedJudge speed = SpeedJudge.Compare(judge.OriginalPath, judge.OriginalPath, inputs, threads: 1, runs: 21, cancellationToken);
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{judge.Name}: speed against itself {speed.Ratio:F3} ({speed.Median:F1} ms, load {speed.Load:F0} ms)"
                )
            );
        }
        return allAgree;
    }
}
