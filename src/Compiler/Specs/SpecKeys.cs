using Lorq.Decomposition;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;

namespace Lorq.Specs;

/// <summary>Every key there is, in the order in which the docs show them.</summary>
internal static class SpecKeys
{
    private static readonly IReadOnlyDictionary<ScaleType, string> ScaleNames = new Dictionary<ScaleType, string>
    {
        [ScaleType.Float16] = "fp16",
        [ScaleType.Float32] = "fp32",
        [ScaleType.Int8] = "int8",
    };

    private static readonly IReadOnlyList<string> BitChoices = ["2", "3", "4", "5", "6", "8"];
    private static readonly IReadOnlyList<string> RankChoices = ["0", "4", "8", "16", "32", "64", "128", "256"];
    private static readonly IReadOnlyList<string> BlockChoices = ["0", "16", "32", "64", "128", "256"];

    /// <summary>Keys of the spec itself.</summary>
    public static IReadOnlyList<SpecKey<CompressionSpec>> All { get; } =
    [
        new(
            "budget",
            SpecType.Text,
            "Size of the written file: a share of the original (25%), bytes (14.66MB, 12MiB, 12299000) or average bits per weight (3.5bpw).",
            (s, v) => s with { Budget = SizeBudget.Parse((string)v) },
            s => s.Budget?.ToString()
        )
        {
            AcceptsNumber = true,
            Syntax = "a size such as \"25%\", \"14.66MB\", 12299000 or \"3.5bpw\"",
        },
        new(
            "maxLoss",
            SpecType.Number,
            "Instead of a budget, the loss that may be measured on held-out samples (the report's 'loss'): the smallest file found to meet it is written. With a budget too, both hold.",
            (s, v) => s with { MaxLoss = (double)v },
            s => s.MaxLoss
        )
        {
            Minimum = 0,
        },
        new(
            "target",
            SpecType.Text,
            "How compressed weights are written: ort (MatMulNBits, GatherBlockQuantized), onnx (standard operators only) or fused (ai.lorq operators, with bodies of standard ones).",
            (s, v) => s with { Target = (string)v },
            s => s.Target
        )
        {
            Choices = () => [.. Emissions.All.Select(e => e.Name)],
        },
        new(
            "activations",
            SpecType.Text,
            "Which products of the fused target round their activations: auto (all but those that would lose most), int8 (all) or exact (none).",
            (s, v) => s with { Activations = Enum.Parse<ActivationChoice>((string)v, true) },
            s => s.Activations.ToString().ToLowerInvariant()
        )
        {
            Choices = () => ["auto", "int8", "exact"],
        },
        new(
            "threads",
            SpecType.Integer,
            "Worker threads; 0 for one per core.",
            (s, v) => s with { Threads = (int)(long)v },
            s => (long)s.Threads
        )
        {
            Minimum = 0,
            Maximum = 1024,
        },
        new(
            "externalData",
            SpecType.Boolean,
            "Write large tensors to <model>.data beside the model; always done above 2 GB.",
            (s, v) => s with { ExternalData = (bool)v },
            s => s.ExternalData
        ),
        new(
            "exclude",
            SpecType.TextList,
            "Patterns (* and ?) on weight or node names that are left alone.",
            (s, v) => s with { Exclude = (string[])v },
            s => s.Exclude
        ),
        new(
            "calibration.data",
            SpecType.TextList,
            "Files or patterns: .npz, .npy per input, or test_data_set folders; in a spec relative to its folder.",
            (s, v) => s with { Calibration = s.Calibration with { Data = (string[])v } },
            s => s.Calibration.Data
        ),
        new(
            "calibration.batchSize",
            SpecType.Integer,
            "Samples per run of the model.",
            (s, v) => s with { Calibration = s.Calibration with { BatchSize = (int)(long)v } },
            s => (long)s.Calibration.BatchSize
        )
        {
            Minimum = 1,
            Maximum = 4096,
        },
        new(
            "calibration.maxSamples",
            SpecType.Integer,
            "Use at most this many samples.",
            (s, v) => s with { Calibration = s.Calibration with { MaxSamples = (int)(long)v } },
            s => s.Calibration.MaxSamples is { } m ? (long)m : null
        )
        {
            Minimum = 1,
            Maximum = int.MaxValue,
        },
        new(
            "calibration.heldOut",
            SpecType.Number,
            "Share of the samples kept aside for probes and checks.",
            (s, v) => s with { Calibration = s.Calibration with { HeldOut = (double)v } },
            s => s.Calibration.HeldOut
        )
        {
            Minimum = 0.01,
            Maximum = 0.9,
        },
        new(
            "calibration.mask",
            SpecType.Text,
            "The input whose zeros mark padding; recognised by itself when it is named attention_mask or input_mask.",
            (s, v) => s with { Calibration = s.Calibration with { Mask = (string)v } },
            s => s.Calibration.Mask
        ),
        new(
            "calibration.memoryCap",
            SpecType.Integer,
            "Bytes of second moments held at once; more are collected in several passes.",
            (s, v) => s with { Calibration = s.Calibration with { MemoryCapBytes = (long)v } },
            s => s.Calibration.MemoryCapBytes
        )
        {
            Minimum = 1 << 20,
            Maximum = 1L << 40,
        },
        new(
            "menu.bits",
            SpecType.IntegerList,
            "Bits per code that every site may choose from.",
            (s, v) => s with { Menu = s.Menu with { Bits = Whole(v) } },
            s => Long(s.Menu.Bits)
        )
        {
            Choices = () => BitChoices,
        },
        new(
            "menu.blocks",
            SpecType.IntegerList,
            "Weights that share a scale; 0 for a whole column.",
            (s, v) => s with { Menu = s.Menu with { Blocks = Whole(v) } },
            s => Long(s.Menu.Blocks)
        )
        {
            Choices = () => BlockChoices,
        },
        new(
            "menu.methods",
            SpecType.TextList,
            "Quantizers to try; auto takes GPTQ where the input was measured, MSE clip search and HQQ elsewhere.",
            (s, v) => s with { Menu = s.Menu with { Methods = (string[])v } },
            s => s.Menu.Methods
        )
        {
            Choices = MethodChoices,
        },
        new(
            "menu.symmetry",
            SpecType.Text,
            "Stored zero points: both (the solver picks), symmetric (none) or asymmetric.",
            (s, v) => s with { Menu = s.Menu with { Symmetry = Enum.Parse<Symmetry>((string)v, true) } },
            s => s.Menu.Symmetry.ToString().ToLowerInvariant()
        )
        {
            Choices = () => ["both", "symmetric", "asymmetric"],
        },
        new(
            "menu.scales",
            SpecType.Text,
            "How scales are stored: fp16, fp32, or int8 times an fp16 factor per column.",
            (s, v) => s with { Menu = s.Menu with { Scales = ScaleNames.Single(p => p.Value == (string)v).Key } },
            s => ScaleNames[s.Menu.Scales]
        )
        {
            Choices = () => [.. ScaleNames.Values],
        },
        new(
            "menu.codebooks",
            SpecType.Boolean,
            "Offer NormalFloat codebooks of 2 to 4 bits too; their weights are decoded to floats at load.",
            (s, v) => s with { Menu = s.Menu with { Codebooks = (bool)v } },
            s => s.Menu.Codebooks
        ),
        new(
            "menu.ranks",
            SpecType.IntegerList,
            "Ranks of a low-rank pair beside or in place of the codes; 0 for none. Without 0 every site that can have a pair has one.",
            (s, v) => s with { Menu = s.Menu with { Ranks = Whole(v) } },
            s => Long(s.Menu.Ranks)
        )
        {
            Choices = () => RankChoices,
        },
        new(
            "menu.factorBits",
            SpecType.IntegerList,
            "Bits of the pair's values: 16 (fp16) or 8 (int8 with fp16 scales).",
            (s, v) => s with { Menu = s.Menu with { FactorBits = Whole(v) } },
            s => Long(s.Menu.FactorBits)
        )
        {
            Choices = () => ["8", "16"],
        },
        new(
            "menu.decompositions",
            SpecType.TextList,
            "How pairs are found; auto takes the exact one, tries the alternation where a pair pays and LQ-LoRA where a strong part should leave first, and lets sites that read one input share a left factor where that pays.",
            (s, v) => s with { Menu = s.Menu with { Decompositions = (string[])v } },
            s => s.Menu.Decompositions
        )
        {
            Choices = () => ["auto", .. Decomposers.All.Select(d => d.Name)],
        },
        new(
            "accuracy.metric",
            SpecType.Text,
            "What the accuracy limit is on: cosine or top1 (at least), relative-mse or kl (at most), measured on held-out samples.",
            (s, v) => s with { Accuracy = (s.Accuracy ?? new AccuracyLimit("", double.NaN)) with { Metric = (string)v } },
            s => s.Accuracy?.Metric
        )
        {
            Choices = () => ["cosine", "relative-mse", "kl", "top1"],
        },
        new(
            "accuracy.limit",
            SpecType.Number,
            "The limit; the run fails when it is passed.",
            (s, v) => s with { Accuracy = (s.Accuracy ?? new AccuracyLimit("", double.NaN)) with { Limit = (double)v } },
            s => s.Accuracy?.Limit
        )
        {
            Minimum = 0,
        },
    ];

    /// <summary>Keys of an element of <c>overrides</c>.</summary>
    public static IReadOnlyList<SpecKey<SiteOverride>> Override { get; } =
    [
        new("match", SpecType.Text, "A pattern (* and ?) on weight or node names.", (o, v) => o with { Match = (string)v }, o => o.Match),
        new(
            "kind",
            SpecType.Text,
            "Only sites of this kind.",
            (o, v) => o with { Kind = Enum.Parse<SiteKind>((string)v) },
            o => o.Kind?.ToString()
        )
        {
            Choices = () => Enum.GetNames<SiteKind>(),
        },
        new("bits", SpecType.IntegerList, "Bits instead of menu.bits.", (o, v) => o with { Bits = Whole(v) }, o => Long(o.Bits))
        {
            Choices = () => BitChoices,
        },
        new("blocks", SpecType.IntegerList, "Blocks instead of menu.blocks.", (o, v) => o with { Blocks = Whole(v) }, o => Long(o.Blocks))
        {
            Choices = () => BlockChoices,
        },
        new("methods", SpecType.TextList, "Quantizers instead of menu.methods.", (o, v) => o with { Methods = (string[])v }, o => o.Methods)
        {
            Choices = MethodChoices,
        },
        new("ranks", SpecType.IntegerList, "Ranks instead of menu.ranks.", (o, v) => o with { Ranks = Whole(v) }, o => Long(o.Ranks))
        {
            Choices = () => RankChoices,
        },
        new(
            "minBits",
            SpecType.Number,
            "Stored bits per weight that each of these sites has at least, scales and all included.",
            (o, v) => o with { MinBits = (double)v },
            o => o.MinBits
        )
        {
            Minimum = 0,
            Maximum = 32,
        },
        new(
            "maxBits",
            SpecType.Number,
            "Stored bits per weight that each of these sites has at most.",
            (o, v) => o with { MaxBits = (double)v },
            o => o.MaxBits
        )
        {
            Minimum = 0,
            Maximum = 64,
        },
        new("keep", SpecType.Boolean, "Leave these sites as they are.", (o, v) => o with { Keep = (bool)v }, o => o.Keep),
    ];

    private static IReadOnlyList<string> MethodChoices() => ["auto", .. Quantizers.All.Select(q => q.Name)];

    private static int[] Whole(object values) => [.. ((long[])values).Select(v => (int)v)];

    private static long[]? Long(IReadOnlyList<int>? values) => values is null ? null : [.. values.Select(v => (long)v)];
}
