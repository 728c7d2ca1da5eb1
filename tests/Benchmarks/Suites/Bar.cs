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
        new("minilm", "ort", "14666000", 0.0028, "0.0294"),
        new("minilm", "ort", "12299000", 0.0088, "0.0533"),
        new("minilm", "ort", "10000000", 0.034, "none this small"),
        new("pygpt", "ort", "4683000", 1.0015, "1.0282"),
        new("pygpt", "ort", "4006000", 1.0080, "1.0455"),
        new("pygpt", "ort", "3400000", 1.030, "none this small"),
        new("ppocr", "onnx", "25%", 0.005, "+0.0030 at 29 %"),
        new("ppocr", "ort", "25%", 0.005, "+0.0030 at 29 %"),
    ];

    /// <summary>Wall time that compressing MiniLM with the default menu may take on 2 cores.</summary>
    public static TimeSpan MostTime { get; } = TimeSpan.FromSeconds(90);

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
