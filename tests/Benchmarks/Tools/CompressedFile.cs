using System.Text.Json;
using Lorq.Benchmarks.Judges;

namespace Lorq.Benchmarks.Tools;

/// <summary>A file that <c>lorq compress</c> wrote, and what the run took.</summary>
/// <param name="Path">The compressed model.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Elapsed">Wall time of the whole process.</param>
/// <param name="PeakBytes">Largest resident memory of the process.</param>
/// <param name="Report">The run's own report.</param>
internal sealed record CompressedFile(string Path, long Bytes, TimeSpan Elapsed, long PeakBytes, JsonElement Report)
{
    /// <summary>Seconds of each stage, in order.</summary>
    public IReadOnlyList<(string Stage, double Seconds)> Stages =>
        [
            .. Report
                .GetProperty("stages")
                .EnumerateArray()
                .Select(s => (s.GetProperty("stage").GetString()!, s.GetProperty("seconds").GetDouble())),
        ];

    /// <summary>Compresses a judge's model with its calibration data.</summary>
    /// <param name="judge">Whose model.</param>
    /// <param name="target">The emission.</param>
    /// <param name="budget">As on the command line.</param>
    /// <param name="folder">Where to.</param>
    /// <param name="options">Further options of <c>lorq compress</c>.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    /// <exception cref="BenchmarkException"><c>lorq</c> failed; the message is what it said.</exception>
    public static async Task<CompressedFile> Make(
        IJudge judge,
        string target,
        string budget,
        string folder,
        IReadOnlyList<string> options,
        CancellationToken cancellationToken
    )
    {
        string[] arguments =
        [
            "compress",
            judge.OriginalPath,
            "--budget",
            budget,
            "--calibration",
            judge.CalibrationPath,
            "--target",
            target,
            "-o",
            folder,
            "--quiet",
            .. options,
        ];
        MeasuredProcess run = await MeasuredProcess.Lorq(arguments, cancellationToken);
        if (run.ExitCode != 0)
        {
            throw new BenchmarkException($"lorq {string.Join(' ', arguments)}\nended with exit code {run.ExitCode}: {run.Errors.Trim()}");
        }
        string name = System.IO.Path.GetFileNameWithoutExtension(judge.OriginalPath);
        string path = System.IO.Path.Combine(folder, name + ".lorq.onnx");
        return new CompressedFile(
            path,
            new FileInfo(path).Length,
            run.Elapsed,
            run.PeakBytes,
            Read(System.IO.Path.Combine(folder, name + ".report.json"))
        );
    }

    private static JsonElement Read(string report)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(report));
        return json.RootElement.Clone();
    }
}

/// <summary>A benchmark cannot go on; the message says why.</summary>
internal sealed class BenchmarkException(string message) : Exception(message);
