using Lorq.Checks;
using Lorq.Refinement;

namespace Lorq.Reports;

/// <summary>
/// Everything a report of one compression shows, whatever its form: console, Markdown, HTML, JSON. Sizes are in bytes and include
/// external data; times are in seconds; losses are in the unit of <see cref="LossFacts.Metric"/>.
/// </summary>
public sealed record CompressionReport
{
    /// <summary>The version of the JSON form of this record; raised when a reader of the old form would fail.</summary>
    public int FormatVersion { get; init; } = 1;

    /// <summary>The two files.</summary>
    public required ModelFacts Model { get; init; }

    /// <summary>What the file was allowed to weigh.</summary>
    public required BudgetFacts Budget { get; init; }

    /// <summary>The emission: <c>ort</c>, <c>onnx</c>.</summary>
    public required string Target { get; init; }

    /// <summary>One row per compressible weight, in graph order.</summary>
    public required IReadOnlyList<SiteRow> Sites { get; init; }

    /// <summary>Weights that were left alone, with the reason.</summary>
    public required IReadOnlyList<LeftAloneRow> LeftAlone { get; init; }

    /// <summary>How the plan was found; null when no budget had to be solved.</summary>
    public SolverFacts? Solver { get; init; }

    /// <summary>What was predicted and what came out.</summary>
    public required LossFacts Loss { get; init; }

    /// <summary>Which products round their activations; null where the target has none that do.</summary>
    public RoundingFacts? Rounding { get; init; }

    /// <summary>The best plan that treats all sites alike within the same bytes; null when none was tried.</summary>
    public UniformFacts? BestUniform { get; init; }

    /// <summary>The size–loss front around the chosen plan; null when it was not drawn up.</summary>
    public FrontFacts? Front { get; init; }

    /// <summary>What low rank gains at the same bytes; null when no site was offered it.</summary>
    public LowRankFacts? LowRank { get; init; }

    /// <summary>What share of sites and bytes every method won, the one with the most bytes first.</summary>
    public IReadOnlyList<MethodShare> Methods => MethodShare.Of(this);

    /// <summary>How much loss is left after every rank, for the sites where low rank was considered; empty when it was not.</summary>
    public IReadOnlyList<SpectrumFacts> Spectra
    {
        get => field ?? [];
        init;
    }

    /// <summary>Predicted and measured loss after every round of probing, in order; empty without data.</summary>
    public IReadOnlyList<RoundFacts> RoundHistory
    {
        get => field ?? [];
        init;
    }

    /// <summary>Output divergence on the held-out samples; null without data.</summary>
    public DivergenceResult? Divergence { get; init; }

    /// <summary>Where the time of a run goes, before and after; null when it was not measured.</summary>
    public SpeedFacts? Speed { get; init; }

    /// <summary>What the compression was calibrated on.</summary>
    public required CalibrationFacts Calibration { get; init; }

    /// <summary>True when an earlier run with the same model, data and spec made this file and it was taken from the cache: stages and memory are that run's.</summary>
    public bool IsEarlier { get; init; }

    /// <summary>Time per stage, in order.</summary>
    public required IReadOnlyList<StageTime> Stages { get; init; }

    /// <summary>Peak memory of the process in bytes.</summary>
    public required long PeakMemoryBytes { get; init; }

    /// <summary>Versions of what took part.</summary>
    public required VersionFacts Versions { get; init; }

    /// <summary>How to get the same file again.</summary>
    public required ReproduceFacts Reproduce { get; init; }

    /// <summary>What the user should know, in full sentences.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}

/// <summary>The two files.</summary>
/// <param name="Name">The model's short name: the file name without its extension.</param>
/// <param name="Path">The original, as given.</param>
/// <param name="OriginalBytes">The original's size.</param>
/// <param name="WrittenPath">The compressed model.</param>
/// <param name="WrittenBytes">Its size as written.</param>
/// <param name="CompanionPaths">What was written beside it: manifest, reports.</param>
public sealed record ModelFacts(
    string Name,
    string Path,
    long OriginalBytes,
    string WrittenPath,
    long WrittenBytes,
    IReadOnlyList<string> CompanionPaths
);

/// <summary>What the file was allowed to weigh.</summary>
/// <param name="Text">As the user wrote it, for example <c>25%</c>.</param>
/// <param name="Bytes">In bytes.</param>
public sealed record BudgetFacts(string Text, long Bytes);

/// <summary>A compressible weight and what became of it.</summary>
/// <param name="Name">The site's name.</param>
/// <param name="Kind">What reads it: MatMul, Gemm, Conv, Gather, Experts.</param>
/// <param name="K">Rows of its K×N view, the contraction axis.</param>
/// <param name="N">Columns.</param>
/// <param name="Groups">Convolution groups or experts.</param>
/// <param name="Uses">Nodes that read it; more than 1 when tied.</param>
/// <param name="OriginalBytes">Bytes in the original file.</param>
/// <param name="Encoding">How it is stored, for example <c>4b·32</c>, <c>fp16</c>, <c>keep</c>, or several segments.</param>
/// <param name="Method">The quantizer's name, or empty for keep and fp16.</param>
/// <param name="Bits">Bits per code; null for keep and fp16, and where segments differ.</param>
/// <param name="BlockSize">Weights per scale; 0 for a whole column; null like <paramref name="Bits"/>.</param>
/// <param name="WrittenBytes">Bytes in the written file.</param>
/// <param name="RelativeError">Measured relative output error of the site, tr(EᵀHE)/tr(WᵀHW); 0 for keep.</param>
/// <param name="Weight">ω: end-to-end loss per unit of <paramref name="RelativeError"/>; null when not probed.</param>
/// <param name="PredictedLoss">Its share of the predicted loss, ω·ℓ.</param>
/// <param name="Notes">For example that a method fell back to another one, and why.</param>
public sealed record SiteRow(
    string Name,
    string Kind,
    int K,
    int N,
    int Groups,
    int Uses,
    long OriginalBytes,
    string Encoding,
    string Method,
    int? Bits,
    int? BlockSize,
    long WrittenBytes,
    double RelativeError,
    double? Weight,
    double PredictedLoss,
    IReadOnlyList<string> Notes
)
{
    /// <summary>Rank of the low-rank part beside the codes or in their place; null when there is none, 0 is never used.</summary>
    public int? Rank { get; init; }

    /// <summary>Bits per value of the low-rank factors: 8 or 16; null like <see cref="Rank"/>.</summary>
    public int? FactorBits { get; init; }

    /// <summary>The method that found the low-rank part, for example <c>exact</c>; empty when there is none.</summary>
    public string Decomposition
    {
        get => field ?? "";
        init;
    }

    /// <summary>Candidates in its menu.</summary>
    public int Candidates { get; init; }

    /// <summary>Time its menu took; sites are worked on at the same time, so that the sum over them is more than the stage took.</summary>
    public double MenuSeconds { get; init; }

    /// <summary>Number of weights.</summary>
    public long Count => (long)K * N;

    /// <summary>Written bits per weight, scales and everything else included.</summary>
    public double BitsPerWeight => Count == 0 ? 0 : 8.0 * WrittenBytes / Count;
}

/// <summary>A weight that was left alone.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Bytes">Bytes in the file.</param>
/// <param name="Node">The node that reads it.</param>
/// <param name="Reason">Why.</param>
public sealed record LeftAloneRow(string Name, IReadOnlyList<long> Shape, long Bytes, string Node, string Reason);

/// <summary>How the plan was found.</summary>
/// <param name="Value">Total predicted loss of the plan.</param>
/// <param name="Bound">Proven lower bound on the loss of any plan within the budget.</param>
/// <param name="Gap">(value − bound)/bound.</param>
/// <param name="Seconds">Time spent solving.</param>
/// <param name="Rounds">Times it was solved: 1, or more after probing again around the chosen point.</param>
/// <param name="Candidates">Candidates over all menus.</param>
/// <param name="UnspentBytes">Budget minus written bytes.</param>
public sealed record SolverFacts(double Value, double Bound, double Gap, double Seconds, int Rounds, long Candidates, long UnspentBytes)
{
    /// <summary>What measured better than the solver's plan and was written in its place; null where the file has the solver's.</summary>
    public string? Instead { get; init; }
}

/// <summary>What was predicted and what came out.</summary>
/// <param name="Metric"><c>bounded-kl</c> (see <see cref="OutputDivergence.BoundedKl"/>), <c>relative-mse</c>, <c>mismatch</c>; <c>weighted-error</c> when nothing could be run end to end.</param>
/// <param name="Predicted">The sum over sites of the predicted losses.</param>
/// <param name="Measured">The loss of the written file on held-out samples; null without data.</param>
public sealed record LossFacts(string Metric, double Predicted, double? Measured)
{
    /// <summary>
    /// The plan's loss on the samples of the probes before its weights were fitted to each other: what <see cref="Predicted"/> and the losses of other
    /// plans compare with. Null without data.
    /// </summary>
    public double? Probed { get; init; }

    /// <summary>The same after the weights were fitted to the compressed prefix; null when that gained nothing, or was measured on held-out samples.</summary>
    public double? Refined { get; init; }

    /// <summary>The most that was allowed; null when only the size was limited.</summary>
    public double? Limit { get; init; }
}

/// <summary>A plan that treats all sites alike.</summary>
/// <param name="Name">For example <c>4b·32 everywhere</c>.</param>
/// <param name="Bytes">Its file size.</param>
/// <param name="Loss">Its loss on the samples of the probes, in the metric of <see cref="LossFacts"/>.</param>
public sealed record UniformFacts(string Name, long Bytes, double Loss);

/// <summary>The size–loss front: the least loss that every file size allows.</summary>
/// <param name="Points">Plans on the front, in order of size.</param>
/// <param name="Uniform">Plans that treat all sites alike, to compare with.</param>
public sealed record FrontFacts(IReadOnlyList<FrontPoint> Points, IReadOnlyList<UniformPoint> Uniform);

/// <summary>A plan on the size–loss front.</summary>
/// <param name="Bytes">Its file size.</param>
/// <param name="PredictedLoss">Its predicted loss, in the metric of <see cref="LossFacts"/>.</param>
/// <param name="MeasuredLoss">Its loss on the samples of the probes; null when it was not run.</param>
public sealed record FrontPoint(long Bytes, double PredictedLoss, double? MeasuredLoss);

/// <summary>A plan that treats all sites alike, beside the front.</summary>
/// <param name="Name">For example <c>4b·32 everywhere</c>.</param>
/// <param name="Bytes">Its file size.</param>
/// <param name="PredictedLoss">Its predicted loss, in the metric of <see cref="LossFacts"/>.</param>
/// <param name="MeasuredLoss">Its loss on the samples of the probes; null when it was not run.</param>
public sealed record UniformPoint(string Name, long Bytes, double PredictedLoss, double? MeasuredLoss);

/// <summary>How fast a site's loss falls with the rank of a low-rank part.</summary>
/// <param name="Site">The site's name.</param>
/// <param name="Ranks">The ranks, rising, about evenly spaced on a logarithmic scale.</param>
/// <param name="Values">For every rank the share of the rank-0 loss that is left, 0 to 1.</param>
/// <param name="ChosenRank">The rank in the plan; null when the site has no low-rank part.</param>
public sealed record SpectrumFacts(string Site, IReadOnlyList<int> Ranks, IReadOnlyList<double> Values, int? ChosenRank);

/// <summary>What one round of probing predicted for its plan, and what the plan then lost.</summary>
/// <param name="Round">From 1.</param>
/// <param name="Predicted">Predicted loss, in the metric of <see cref="LossFacts"/>.</param>
/// <param name="Measured">Its loss on the samples of the probes (with a loss limit, its file's on held-out samples); null when it was not run.</param>
public sealed record RoundFacts(int Round, double Predicted, double? Measured);

/// <summary>What the compression was calibrated on.</summary>
/// <param name="Sources">Files or patterns; empty when data-free.</param>
/// <param name="Samples">Samples used for calibration.</param>
/// <param name="HeldOutSamples">Samples kept aside for probes and checks.</param>
/// <param name="ProbeSamples">Samples that plans were run on: those kept aside, and calibration samples where these are few.</param>
/// <param name="Rows">Rows (tokens, pixels) accumulated.</param>
/// <param name="MaskInput">The input whose zeros mark padding, or null.</param>
public sealed record CalibrationFacts(
    IReadOnlyList<string> Sources,
    long Samples,
    long HeldOutSamples,
    long ProbeSamples,
    long Rows,
    string? MaskInput
)
{
    /// <summary>True when no data was given.</summary>
    public bool IsDataFree => Samples == 0;
}

/// <summary>Time and memory of one stage.</summary>
/// <param name="Stage">Its name.</param>
/// <param name="Seconds">Wall-clock time.</param>
/// <param name="PeakBytes">Peak memory of the process while it ran, in bytes; 0 when unknown.</param>
public sealed record StageTime(string Stage, double Seconds, long PeakBytes = 0);

/// <summary>How to get the same file again.</summary>
/// <param name="CommandLine">The command.</param>
/// <param name="Spec">The complete spec, as JSON text.</param>
public sealed record ReproduceFacts(string CommandLine, string Spec);
