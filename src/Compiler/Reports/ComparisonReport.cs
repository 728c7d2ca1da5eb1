using Lorq.Checks;

namespace Lorq.Reports;

/// <summary>Two models side by side: <paramref name="B"/> is measured against <paramref name="A"/>.</summary>
/// <param name="A">The first model, the reference.</param>
/// <param name="B">The second.</param>
/// <param name="SizeRatio">B's bytes over A's.</param>
/// <param name="LoadTimeRatio">B's median load time over A's.</param>
/// <param name="RunTimeRatio">B's median run time over A's; below 1 when B is faster.</param>
/// <param name="TimedRuns">Runs per model behind the medians, taken in turns.</param>
/// <param name="TimedLoads">Loads per model behind the medians, taken in turns.</param>
/// <param name="Threads">Threads inside an operator; 0 for one per core.</param>
/// <param name="Divergence">B's outputs against A's.</param>
/// <param name="Data">Where the samples came from.</param>
/// <param name="MaskInput">The input whose zeros mark padding, or null.</param>
/// <param name="Lorq">Version of this compiler.</param>
/// <param name="OnnxRuntime">Version of ONNX Runtime.</param>
public sealed record ComparisonReport(
    ComparedModel A,
    ComparedModel B,
    double SizeRatio,
    double LoadTimeRatio,
    double RunTimeRatio,
    int TimedRuns,
    int TimedLoads,
    int Threads,
    DivergenceResult Divergence,
    string Data,
    string? MaskInput,
    string Lorq,
    string OnnxRuntime
)
{
    /// <summary>How nodes of <c>ai.lorq</c> ran, in all that was measured; null when there are none.</summary>
    public string? LorqNodes { get; init; }

    /// <summary>Where the time of a run goes in both models; null when it was not asked for.</summary>
    public SpeedFacts? Speed { get; init; }
}

/// <summary>One of two compared models.</summary>
/// <param name="Path">As given.</param>
/// <param name="Bytes">Bytes on disk, external data included.</param>
/// <param name="LoadSeconds">Median time to load and optimize it.</param>
/// <param name="RunSeconds">Median time of one run of the first batch.</param>
public sealed record ComparedModel(string Path, long Bytes, double LoadSeconds, double RunSeconds);
