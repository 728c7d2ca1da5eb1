using System.Globalization;

namespace Lorq.Benchmarks.Suites;

/// <summary>What a compressed model has to reach.</summary>
/// <param name="Model">The model's short name.</param>
/// <param name="Target">The emission.</param>
/// <param name="Budget">As on the command line.</param>
/// <param name="MostLoss">The loss may be at most this, in the judge's metric.</param>
/// <param name="Peer">The best that ONNX Runtime's own quantizers reach at this size, as measured on other held-out data.</param>
internal sealed record Bar(string Model, string Target, string Budget, double MostLoss, string Peer)
{
    /// <summary>The bars of the project.</summary>
    public static IReadOnlyList<Bar> All { get; } =
    [
        new("minilm", "ort", "14666000", 0.0020, "0.0294"),
        new("minilm", "ort", "12299000", 0.0064, "0.0533"),
        new("minilm", "ort", "10000000", 0.024, "none this small"),
        new("pygpt", "ort", "4006000", 1.0062, "1.0455"),
        new("pygpt", "ort", "3400000", 1.022, "none this small"),
        new("ppocr", "onnx", "17%", 0.01, "none this small"),
        new("ppocr", "ort", "17%", 0.01, "none this small"),
    ];

    /// <summary>What the <c>fused</c> target has to reach with its operators.</summary>
    public static IReadOnlyList<Bar> Fused { get; } =
    [
        .. All.Where(b => b is { Model: "minilm", Target: "ort" } or { Model: "pygpt", Budget: "4006000" })
            .Select(b => b with { Target = "fused" }),
    ];

    /// <summary>Wall time that compressing MiniLM with the default menu may take on 2 cores, from an empty cache.</summary>
    public static TimeSpan MostTime { get; } = TimeSpan.FromSeconds(120);

    /// <summary>The same once the cache knows the model.</summary>
    public static TimeSpan MostWarmTime { get; } = TimeSpan.FromSeconds(10);

    /// <summary>Memory that it may take.</summary>
    public static long MostMemory { get; } = 2_000_000_000;

    /// <summary>Wall time that <c>lorq inspect</c> may take on any of the models.</summary>
    public static TimeSpan MostInspectTime { get; } = TimeSpan.FromSeconds(2);

    /// <summary>The budget in bytes.</summary>
    /// <param name="originalBytes">Size of the original file.</param>
    public long MostBytes(long originalBytes) =>
        Budget.EndsWith('%')
            ? originalBytes * long.Parse(Budget.AsSpan(..^1), CultureInfo.InvariantCulture) / 100
            : long.Parse(Budget, CultureInfo.InvariantCulture);
}
