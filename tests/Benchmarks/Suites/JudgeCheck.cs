using System.Globalization;
using Lorq.Benchmarks.Judges;
using Lorq.Benchmarks.Tools;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Benchmarks.Suites;

/// <summary>
/// The judges themselves: the originals must reach what their READMEs state, and lose nothing against themselves nor against a copy that
/// ONNX Runtime optimised and saved, whose nodes are fused but whose function is the same.
/// </summary>
internal sealed class JudgeCheck(SharedModels models, WorkFolder work, string? only)
{
    /// <summary>Cosines of fp32 embeddings are 1 up to rounding.</summary>
    private const double Rounding = 1e-6;

    /// <summary>Fused nodes add in another order.</summary>
    private const double FusedRounding = 1e-4;

    /// <summary>Prints the figures.</summary>
    /// <returns>True when all agree.</returns>
    public bool Run(CancellationToken cancellationToken)
    {
        bool allAgree = true;
        foreach (IJudge judge in models.Judges(only))
        {
            double unharmed = judge.Name == "pygpt" ? 1 : 0;
            Judgement same = judge.Judge(judge.OriginalPath, false, cancellationToken);
            KnownFigure[] figures =
            [
                .. judge.CheckOriginal(cancellationToken),
                new($"{judge.Metric}, against itself", same.Loss, unharmed, Rounding),
                new(
                    $"{judge.Metric}, of an optimised copy",
                    judge.Judge(OptimisedCopy(judge), false, cancellationToken).Loss,
                    unharmed,
                    FusedRounding
                ),
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
            var inputs = RunnableModel.Batches(judge.OriginalPath, judge.CalibrationPath, 1)[0];
            SpeedJudge speed = SpeedJudge.Compare(
                judge.OriginalPath,
                judge.OriginalPath,
                inputs,
                threads: 1,
                runs: 21,
                operators: false,
                cancellationToken
            );
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{judge.Name}: speed against itself {speed.Ratio:F3} ({speed.Median:F1} ms, load {speed.Load:F0} ms)"
                )
            );
        }
        return allAgree;
    }

    private string OptimisedCopy(IJudge judge)
    {
        string path = Path.Combine(work.For($"judges-{judge.Name}"), "optimised.onnx");
        using var options = new SessionOptions
        {
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
            OptimizedModelFilePath = path,
        };
        new InferenceSession(judge.OriginalPath, options).Dispose();
        return path;
    }
}
