using Lorq.Quantization;
using Lorq.Sites;

namespace Lorq.Specs;

/// <summary>What the user wants: a size, a target, and how to get there. Immutable; made by the parser and the command line.</summary>
public sealed record CompressionSpec
{
    /// <summary>The size to reach; null until the command line or the file states one.</summary>
    public SizeBudget? Budget { get; init; }

    /// <summary>The loss that may be measured on held-out samples: the smallest file that meets it is sought. Null for none.</summary>
    public double? MaxLoss { get; init; }

    /// <summary>The emission's name.</summary>
    public string Target { get; init; } = "ort";

    /// <summary>Where calibration data is and how it is used.</summary>
    public CalibrationSpec Calibration { get; init; } = new();

    /// <summary>What each site may choose from.</summary>
    public MenuSpec Menu { get; init; } = new();

    /// <summary>Settings for some sites; the last that fits a site wins.</summary>
    public IReadOnlyList<SiteOverride> Overrides { get; init; } = [];

    /// <summary>Which products round their activations, where the target has such.</summary>
    public ActivationChoice Activations { get; init; }

    /// <summary>Globs on weight or node names that are left alone.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>A limit on the measured loss; null for none.</summary>
    public AccuracyLimit? Accuracy { get; init; }

    /// <summary>Worker threads; 0 for one per core.</summary>
    public int Threads { get; init; }

    /// <summary>Write large tensors to a file beside the model.</summary>
    public bool ExternalData { get; init; }

    /// <summary>The settings for a site: the last override whose pattern and kind fit it; null for none.</summary>
    public SiteOverride? OverrideFor(Site site) =>
        Overrides.LastOrDefault(o => (o.Kind is null || o.Kind == site.Kind) && GlobMatcher.Matches(o.Match, SiteFinder.Names(site)));
}

/// <summary>Calibration data and its use.</summary>
public sealed record CalibrationSpec
{
    /// <summary>Paths or globs of .npz, .npy or test_data_set folders; empty for none.</summary>
    public IReadOnlyList<string> Data { get; init; } = [];

    /// <summary>Samples per run of the model.</summary>
    public int BatchSize { get; init; } = 8;

    /// <summary>Use at most this many samples; null for all.</summary>
    public int? MaxSamples { get; init; }

    /// <summary>Share of the samples kept aside for probes and checks.</summary>
    public double HeldOut { get; init; } = 0.25;

    /// <summary>The input whose zeros mark padding; null to recognise <c>attention_mask</c> and the like.</summary>
    public string? Mask { get; init; }

    /// <summary>Bytes that second moments may take at once; more means several passes.</summary>
    public long MemoryCapBytes { get; init; } = 1L << 30;
}

/// <summary>Which products of the <c>fused</c> target round their activations to int8.</summary>
public enum ActivationChoice
{
    /// <summary>All but those that have to be exact so that rounding adds no more than a few per cent to the loss.</summary>
    Auto,

    /// <summary>All.</summary>
    Int8,

    /// <summary>None.</summary>
    Exact,
}

/// <summary>Which stored zero points the menu offers.</summary>
public enum Symmetry
{
    /// <summary>Both; the solver picks.</summary>
    Both,

    /// <summary>No stored zero points.</summary>
    Symmetric,

    /// <summary>Stored zero points only.</summary>
    Asymmetric,
}

/// <summary>What a site's menu offers.</summary>
public sealed record MenuSpec
{
    /// <summary>Bits per code.</summary>
    public IReadOnlyList<int> Bits { get; init; } = [2, 3, 4, 5, 6, 8];

    /// <summary>Weights that share a scale; 0 for a whole column.</summary>
    public IReadOnlyList<int> Blocks { get; init; } = [32, 64, 128];

    /// <summary>Quantizers by name; <c>auto</c> picks by what is known about the site.</summary>
    public IReadOnlyList<string> Methods { get; init; } = ["auto"];

    /// <summary>Zero points.</summary>
    public Symmetry Symmetry { get; init; } = Symmetry.Both;

    /// <summary>How scales are stored.</summary>
    public ScaleType Scales { get; init; } = ScaleType.Float16;

    /// <summary>Offer NormalFloat codebooks too (2 to 4 bits); decoded to floats at load.</summary>
    public bool Codebooks { get; init; }

    /// <summary>Ranks of a low-rank pair; 0 for none.</summary>
    public IReadOnlyList<int> Ranks { get; init; } = [0, 4, 8, 16, 32, 64];

    /// <summary>Bits of the pair's values: 8 or 16.</summary>
    public IReadOnlyList<int> FactorBits { get; init; } = [8, 16];

    /// <summary>Decomposers by name; <c>auto</c> picks.</summary>
    public IReadOnlyList<string> Decompositions { get; init; } = ["auto"];
}

/// <summary>Settings for the sites that a pattern names.</summary>
public sealed record SiteOverride
{
    /// <summary>A glob on the weight's name or the name of a node that reads it.</summary>
    public required string Match { get; init; }

    /// <summary>Only sites of this kind; null for all.</summary>
    public SiteKind? Kind { get; init; }

    /// <summary>Bits instead of the menu's.</summary>
    public IReadOnlyList<int>? Bits { get; init; }

    /// <summary>Blocks instead of the menu's.</summary>
    public IReadOnlyList<int>? Blocks { get; init; }

    /// <summary>Quantizers instead of the menu's.</summary>
    public IReadOnlyList<string>? Methods { get; init; }

    /// <summary>Ranks instead of the menu's.</summary>
    public IReadOnlyList<int>? Ranks { get; init; }

    /// <summary>Least stored bits per weight.</summary>
    public double? MinBits { get; init; }

    /// <summary>Most stored bits per weight.</summary>
    public double? MaxBits { get; init; }

    /// <summary>Leave the site as it is.</summary>
    public bool Keep { get; init; }

    /// <summary>True when a site may change the file by so many bytes: its bits are between floor and ceiling.</summary>
    internal bool AllowsBytes(Site site, long delta)
    {
        double bits = 8.0 * (site.StoredBytes + delta) / site.Count;
        return bits >= (MinBits ?? 0) && bits <= (MaxBits ?? double.PositiveInfinity);
    }
}

/// <summary>A limit on the loss that the checks measure; the run fails when it is passed.</summary>
/// <param name="Metric"><c>cosine</c> or <c>top1</c> (at least), <c>relative-mse</c> or <c>kl</c> (at most).</param>
/// <param name="Limit">The limit.</param>
public sealed record AccuracyLimit(string Metric, double Limit)
{
    /// <summary>What a limit has to be, in words.</summary>
    internal const string Expected = "both metric and limit, with at most 1 for cosine and top1";

    /// <summary>Why this is no limit that a run could keep; null when it is one.</summary>
    internal string? Problem =>
        Metric.Length == 0 ? "no metric"
        : double.IsNaN(Limit) ? "no limit"
        : Metric is "cosine" or "top1" && Limit > 1 ? FormattableString.Invariant($"{Metric} of at least {Limit}")
        : null;
}
