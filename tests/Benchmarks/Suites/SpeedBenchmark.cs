using System.Globalization;
using Lorq.Benchmarks.Judges;
using Lorq.Benchmarks.Tools;
using Lorq.Quantization;

namespace Lorq.Benchmarks.Suites;

/// <summary>Run time of compressed models over the original's and over a plain file of the same size in the peers' format.</summary>
internal sealed class SpeedBenchmark(SharedModels models, WorkFolder work, string? only)
{
    private const int Runs = 41;

    /// <summary>The recognizer may take this much longer than in fp32.</summary>
    private const double RecognizerLimit = 1.10;

    /// <summary>"No slower" up to what two runs of one and the same file differ by.</summary>
    private const double EqualLimit = 1.03;

    private readonly ResultPage page = new(
        "Run time of compressed models",
        "speed",
        $"""
        Stock ONNX Runtime on the CPU. Medians of {Runs} runs of each file, in turns in one process; a ratio below 1 means that the
        compressed file is faster. *Load* is the time to create a session, in which compact encodings are decoded. The peers' format is
        `MatMulNBits` and `GatherBlockQuantized` with 4 bits, block 32, zero points and fp32 scales.
        """
    );

    /// <summary>Measures and writes <c>docs/results/speed.md</c>.</summary>
    /// <returns>True when every bar is met.</returns>
    public async Task<bool> Run(CancellationToken cancellationToken)
    {
        page.Head(
            "file",
            "compared with",
            ">batch",
            ">threads",
            ">ms",
            ">other ms",
            ">ratio",
            ">at most",
            "",
            ">load ms",
            ">other load ms"
        );
        bool met = true;
        if (only is null or "ppocr")
        {
            IJudge judge = models.Judge("ppocr");
            foreach (string target in (string[])["onnx", "ort"])
            {
                CompressedFile file = await Compress(judge, target, "25%", cancellationToken);
                met &= Compare(
                    judge,
                    $"ppocr 25 % `{target}`",
                    file.Path,
                    "fp32",
                    judge.OriginalPath,
                    [1, 8],
                    RecognizerLimit,
                    cancellationToken
                );
            }
        }
        if (only is null or "minilm")
        {
            IJudge judge = models.Judge("minilm");
            CompressedFile file = await Compress(judge, "ort", "14666000", cancellationToken);
            string plain = Plain(judge, work, cancellationToken);
            met &= Compare(
                judge,
                "minilm 14.67 MB `ort`",
                file.Path,
                "plain 4 bits, peers' format",
                plain,
                [1, 16],
                EqualLimit,
                cancellationToken
            );
            Compare(judge, "minilm 14.67 MB `ort`", file.Path, "fp32", judge.OriginalPath, [1, 16], null, cancellationToken);
        }
        if (only is null or "pygpt")
        {
            IJudge judge = models.Judge("pygpt");
            CompressedFile file = await Compress(judge, "ort", "4683000", cancellationToken);
            Compare(
                judge,
                "pygpt 4.68 MB `ort`",
                file.Path,
                "plain 4 bits, peers' format",
                Plain(judge, work, cancellationToken),
                [1],
                null,
                cancellationToken
            );
            Compare(judge, "pygpt 4.68 MB `ort`", file.Path, "fp32", judge.OriginalPath, [1], null, cancellationToken);
        }
        page.Line();
        page.Write("speed.md", only is null);
        return met;
    }

    /// <summary>A plain 4-bit file in the peers' format.</summary>
    internal static string Plain(IJudge judge, WorkFolder work, CancellationToken cancellationToken)
    {
        using var uniform = new UniformModel(judge, "ort", cancellationToken);
        string path = Path.Combine(work.For($"speed-{judge.Name}-plain"), "plain.onnx");
        uniform.Write(RtnCheck.PeerGrid(32), Quantizers.All.Single(q => q.Name == "rtn"), path, cancellationToken);
        return path;
    }

    private Task<CompressedFile> Compress(IJudge judge, string target, string budget, CancellationToken cancellationToken) =>
        CompressedFile.Make(judge, target, budget, work.For($"speed-{judge.Name}-{target}"), [], cancellationToken);

    private bool Compare(
        IJudge judge,
        string name,
        string path,
        string otherName,
        string otherPath,
        int[] batches,
        double? limit,
        CancellationToken cancellationToken
    )
    {
        bool allMet = true;
        foreach (int batch in batches)
        {
            var inputs = RunnableModel.Batches(judge.OriginalPath, judge.CalibrationPath, batch)[0];
            foreach (int threads in (int[])[1, 0])
            {
                SpeedJudge speed = SpeedJudge.Compare(path, otherPath, inputs, threads, Runs, false, cancellationToken);
                bool met = limit is null || speed.Ratio <= limit;
                allMet &= met;
                page.Row(
                    name,
                    otherName,
                    Number(batch, "F0"),
                    threads == 0 ? "all" : Number(threads, "F0"),
                    Number(speed.Median, "F1"),
                    Number(speed.OtherMedian, "F1"),
                    Number(speed.Ratio, "F2"),
                    limit is { } most ? Number(most, "F2") : "",
                    limit is null ? ""
                        : met ? "met"
                        : "**missed**",
                    Number(speed.Load, "F0"),
                    Number(speed.OtherLoad, "F0")
                );
            }
        }
        return allMet;
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
