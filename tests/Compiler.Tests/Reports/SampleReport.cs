using Lorq.Checks;
using Lorq.Reports;

namespace Lorq.Tests.Reports;

/// <summary>A made-up compression with every part of a report in it.</summary>
internal static class SampleReport
{
    public static CompressionReport Full { get; } =
        new()
        {
            Model = new(
                "encoder",
                "models/encoder.onnx",
                90_360_000,
                "out/encoder.lorq.onnx",
                14_655_432,
                ["out/encoder.lorq.json", "out/encoder.report.html", "out/encoder.report.md", "out/encoder.report.json"]
            ),
            Budget = new("14.66MB", 14_660_000),
            Target = "ort",
            Sites =
            [
                Site(
                    "embeddings.word_embeddings.weight",
                    "Gather",
                    384,
                    30_522,
                    2,
                    46_881_792,
                    "3b·32",
                    "gptq",
                    3,
                    32,
                    5_128_000,
                    0.0123,
                    1.7,
                    ["H was not positive definite: its diagonal was used"]
                ),
                Site(
                    "encoder.layer.0.attention.self.query.weight",
                    "MatMul",
                    384,
                    384,
                    1,
                    589_824,
                    "4b·32",
                    "gptq",
                    4,
                    32,
                    83_000,
                    0.0041,
                    0.3,
                    []
                ) with
                {
                    Rank = 16,
                    FactorBits = 8,
                    Decomposition = "exact",
                },
                Site(
                    "encoder.layer.0.attention|self`key.weight",
                    "MatMul",
                    384,
                    384,
                    1,
                    589_824,
                    "8b·col",
                    "rtn",
                    8,
                    0,
                    148_992,
                    1.2e-5,
                    null,
                    []
                ),
                Site(
                    "encoder.layer.5.output.dense.weight",
                    "MatMul",
                    1536,
                    384,
                    1,
                    2_359_296,
                    "keep",
                    "",
                    null,
                    null,
                    2_359_296,
                    0,
                    0.9,
                    []
                ),
                Site("pooler.conv.weight", "Conv", 27, 64, 1, 6_912, "fp16", "", null, null, 3_456, 2.5e-8, 0.1, []),
                Site("head.weight", "MatMul", 384, 96, 1, 147_456, "r24·f16", "", null, null, 23_040, 0.0062, 0.05, []) with
                {
                    Rank = 24,
                    FactorBits = 16,
                    Decomposition = "svd",
                },
            ],
            LeftAlone =
            [
                new("embeddings.LayerNorm.weight", [384], 1536, "LayerNorm_0", "a vector of scales: it has no matrix to compress"),
            ],
            Solver = new(0.002381, 0.0023809, 4.2e-5, 0.134, 2, 5 * 180, 4_568),
            Loss = new("relative-mse", 0.002381, 0.002504) { Probed = 0.002433, Refined = 0.002212 },
            Rounding = new(36, 7, 0.002551, 0.002504, 0.00278),
            BestUniform = new("4b·32 everywhere", 14_658_000, 0.0108),
            Front = new(
                [
                    new(8_200_000, 0.0412, null),
                    new(9_900_000, 0.0151, 0.0163),
                    new(12_300_000, 0.0049, null),
                    new(14_655_432, 0.002381, 0.002504),
                    new(19_800_000, 0.00061, 0.0006),
                    new(26_000_000, 0.000041, null),
                    new(90_360_000, 0, null),
                ],
                [
                    new("2b·32 everywhere", 9_100_000, 0.31, null),
                    new("4b·32 everywhere", 14_658_000, 0.0101, 0.0108),
                    new("8b·32 everywhere", 25_700_000, 0.00031, 0.0003),
                ]
            ),
            LowRank = new(0.002381, 0.0026),
            Spectra =
            [
                new("encoder.layer.0.attention.self.query.weight", [1, 2, 4, 8, 16, 32, 64], [0.91, 0.83, 0.7, 0.52, 0.3, 0.12, 0.03], 16),
                new("encoder.layer.0.attention|self`key.weight", [1, 4, 16, 64], [0.98, 0.95, 0.9, 0.8], null),
                new("head.weight", [1, 2, 4, 8, 16, 32, 64], [0.4, 0.3, 0.11, 0.04, 0.011, 0.0051, 0], 24),
            ],
            RoundHistory = [new(1, 0.00174, 0.00262), new(2, 0.002381, 0.002504), new(3, 0.0024, null)],
            Speed = new()
            {
                Run = new(0.0125, 0.0075),
                Groups =
                [
                    new(
                        ["encoder.layer.0.attention.self.query.weight", "encoder.layer.0.attention|self`key.weight"],
                        "MatMul",
                        1_179_648,
                        166_000,
                        new(0.008, 0.004),
                        "MatMul, Gemm",
                        "3 MatMul, 2 MatMulNBits, Add"
                    ),
                    new(
                        ["embeddings.word_embeddings.weight"],
                        "Gather",
                        46_881_792,
                        null,
                        new(0, 0.0005),
                        "Gather",
                        "GatherBlockQuantized"
                    ),
                ],
                Other = new(0.004, 0.0025),
                Between = new(0.0005, 0.0005),
                Operators = [new("MatMul", 1, 3, new(0.008, 0.002)), new("MatMulNBits", 0, 2, new(0, 0.002))],
                Runs = 31,
                WarmUps = 2,
                Batch = "input_ids 8×64, attention_mask 8×64",
                Threads = 0,
                Processor = "X64, 2 cores, AVX2",
                LorqNodes = null,
            },
            Divergence = new(
                [
                    new("last_hidden_state", "float", ClassAxis.None, 3201, 895, 0.998812, 0.002504, 0.3127, null, null, null, 0, 0, 0),
                    new("logits", "float", ClassAxis.Logits, 64, 0, 0.999, 0.0021, 1.25, 0.00312, 0.984375, null, 1, 2, 1),
                    new("ids", "int64", ClassAxis.None, 64, 0, null, null, null, null, null, 0.96875, 0, 0, 0),
                    new("scores", "undefined", ClassAxis.None, 0, 0, null, null, null, null, null, null, 0, 0, 0),
                ],
                64,
                [new(17, 0.0091, 0.9951, 0.01), new(3, 0.0088, 0.9953, null)]
            ),
            Calibration = new(["data/calibration.npz", "data/more/*.npz"], 192, 24, 32, 9_876, "attention_mask"),
            Stages =
            [
                new("read", 0.21, 410_000_000),
                new("calibrate", 12.04, 1_120_000_000),
                new("menu", 31.5, 1_423_000_000),
                new("solve", 0.134),
                new("check", 130.2, 1_010_000_000),
            ],
            PeakMemoryBytes = 1_423_000_000,
            Versions = new("0.1.0", "1.31.1", 17, 21),
            Reproduce = new("lorq compress models/encoder.onnx --budget 14.66MB", "{\n  \"budget\": \"14.66MB\"\n}"),
            Warnings = ["The original output 'logits' holds NaN in 1 row; such rows do not count."],
        };

    public static CompressionReport DataFree { get; } =
        Full with
        {
            Sites = [],
            LeftAlone = [],
            Solver = null,
            BestUniform = null,
            Front = null,
            LowRank = null,
            Spectra = [],
            RoundHistory = [],
            Divergence = null,
            Speed = null,
            Warnings = [],
            Loss = new("weighted-error", 0.01, null),
            Calibration = new([], 0, 0, 0, 0, null),
        };

    private static SiteRow Site(
        string name,
        string kind,
        int k,
        int n,
        int uses,
        long original,
        string encoding,
        string method,
        int? bits,
        int? block,
        long written,
        double error,
        double? weight,
        string[] notes
    ) =>
        new(name, kind, k, n, 1, uses, original, encoding, method, bits, block, written, error, weight, error * (weight ?? 0), notes)
        {
            Candidates = 180,
            MenuSeconds = 1.25,
        };
}
