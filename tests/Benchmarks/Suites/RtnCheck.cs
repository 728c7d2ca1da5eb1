using System.Globalization;
using Lorq.Benchmarks.Judges;
using Lorq.Benchmarks.Tools;
using Lorq.Quantization;

namespace Lorq.Benchmarks.Suites;

/// <summary>
/// Plain rounding in the peers' own format must land on what the peers reach with it: a check that judge, format and rounding agree
/// before anything better is believed.
/// </summary>
internal sealed class RtnCheck(SharedModels models, WorkFolder work, string? only)
{
    /// <summary>The peers' figures come from other held-out data of the same kind.</summary>
    private const double LossTolerance = 0.25;

    /// <summary>Ours may be this much smaller: the last block of a column is stored as far as it goes, the peers pad it.</summary>
    private const double SizeTolerance = 0.02;

    private static readonly (string Model, int Block, double Megabytes, double Loss)[] Peers =
    [
        ("minilm", 32, 14.67, 0.0294),
        ("minilm", 128, 12.30, 0.0533),
        ("pygpt", 32, 4.68, 1.0282),
        ("pygpt", 64, 4.20, 1.0374),
        ("pygpt", 128, 4.01, 1.0455),
    ];

    /// <summary>4 bits, stored zero points, fp32 scales.</summary>
    public static QuantizationGrid PeerGrid(int block) => new(GridKind.Integer, 4, block, false, ScaleType.Float32);

    /// <summary>Measures and writes <c>docs/results/rtn-check.md</c>.</summary>
    /// <returns>True when sizes and losses agree.</returns>
    public bool Run(CancellationToken cancellationToken)
    {
        var page = new ResultPage(
            "Plain rounding in the peers' format",
            "rtn-check",
            $"""
            ONNX Runtime's 4-bit round-to-nearest of MatMul and Gather, and ours in the same format (4 bits, zero points, fp32 scales, no
            encoding of our own). The peers' losses were measured on other data of the same kind: what lies above the original's may differ
            by {LossTolerance:P0}. The size may differ by {SizeTolerance:P0}: the last block of a column is stored as far as it goes here, padded there.
            """
        );
        page.Head("model", ">block", ">file", ">peer's file", ">loss", ">peer's loss", "");
        bool allAgree = true;
        foreach ((string model, int block, double megabytes, double loss) in Peers.Where(p => only is null || p.Model == only))
        {
            IJudge judge = models.Judge(model);
            using var uniform = new UniformModel(judge, "ort", cancellationToken);
            string path = Path.Combine(work.For($"rtn-{model}"), $"block-{block}.onnx");
            long bytes = uniform.Write(PeerGrid(block), Quantizers.All.Single(q => q.Name == "rtn"), path, cancellationToken);
            Judgement own = judge.Judge(path, false, cancellationToken);
            double unharmed = model == "pygpt" ? 1 : 0;
            bool agrees =
                Math.Abs(bytes / 1e6 / megabytes - 1) <= SizeTolerance
                && Math.Abs((own.Loss - unharmed) / (loss - unharmed) - 1) <= LossTolerance;
            allAgree &= agrees;
            page.Row(
                model,
                block.ToString(CultureInfo.InvariantCulture),
                ResultPage.Megabytes(bytes),
                megabytes.ToString("F2", CultureInfo.InvariantCulture) + " MB",
                own.Shown,
                loss.ToString("F4", CultureInfo.InvariantCulture),
                agrees ? "agrees" : "**differs**"
            );
        }
        page.Line();
        page.Write("rtn-check.md", only is null);
        return allAgree;
    }
}
