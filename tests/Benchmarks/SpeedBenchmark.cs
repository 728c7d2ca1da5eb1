using System.Diagnostics;
using System.Text;
using Lorq.Benchmarks.Judges;
using Lorq.Calibration;

namespace Lorq.Benchmarks;

/// <summary>Run time of compressed models, as ratios of interleaved medians in one process.</summary>
internal static class SpeedBenchmark
{
    private const int Runs = 31;

    public static int Run(string shared)
    {
        var text = new StringBuilder(
            """
            # Run time of compressed models

            Stock ONNX Runtime on the CPU, all cores, interleaved medians of 31 runs in one process; ratio below 1 is faster.
            Reproduce with `dotnet run -c Release --project tests/Benchmarks -- speed`.

            | model | batch | compared with | ratio |
            |---|---|---|---|

            """
        );
        var recognizer = Folders.Judge(shared, "ppocr");
        foreach (string target in new[] { "ort", "onnx" })
        {
            Compare(
                text,
                recognizer,
                $"ppocr 25 % `{target}`",
                Compressed.Make(recognizer, "25%", target),
                recognizer.Original,
                "fp32",
                [1, 8]
            );
        }
        var sentences = Folders.Judge(shared, "minilm");
        Compressed? small = Compressed.Make(sentences, "14666000", "ort");
        Compare(text, sentences, "minilm 14.7 MB `ort`", small, sentences.Original, "fp32", [1, 16], delete: false);
        Compressed? plain = MethodsBenchmark.Uniform(sentences, "4", "rtn", scales: "fp32");
        if (plain is not null)
        {
            Compare(text, sentences, "minilm 14.7 MB `ort`", small, plain.Path, "uniform 4-bit RTN in the peer's format", [1, 16]);
            plain.Delete();
        }
        Folders.WriteResult("speed.md", text.ToString());
        return 0;
    }

    private static void Compare(
        StringBuilder text,
        IJudge judge,
        string name,
        Compressed? own,
        string other,
        string otherName,
        int[] batches,
        bool delete = true
    )
    {
        if (own is null)
        {
            return;
        }
        using var a = new ModelRunner(own.Path);
        using var b = new ModelRunner(other);
        SampleSet samples = CalibrationData.Load([judge.Calibration], a.Inputs, default).Take(batches.Max());
        foreach (int batch in batches)
        {
            IReadOnlyDictionary<string, DataTensor> inputs = samples.ToDataSet(batch).Batches[0];
            var times = new double[2][];
            (times[0], times[1]) = (new double[Runs], new double[Runs]);
            for (int i = -3; i < Runs; i++)
            {
                foreach ((ModelRunner runner, int which) in new[] { (a, 0), (b, 1) })
                {
                    long start = Stopwatch.GetTimestamp();
                    runner.Run(inputs).Dispose();
                    if (i >= 0)
                    {
                        times[which][i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                    }
                }
            }
            double ratio = times[0].Order().ElementAt(Runs / 2) / times[1].Order().ElementAt(Runs / 2);
            string line = $"| {name} | {batch} | {otherName} | {ratio:F2} |";
            Console.WriteLine(line);
            text.AppendLine(line);
        }
        if (delete)
        {
            own.Delete();
        }
    }
}
