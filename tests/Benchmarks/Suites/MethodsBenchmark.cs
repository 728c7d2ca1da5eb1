using Lorq.Benchmarks.Judges;
using Lorq.Benchmarks.Tools;
using Lorq.Quantization;

namespace Lorq.Benchmarks.Suites;

/// <summary>Each quantizer alone on one grid for every weight: equal bytes, so that only the rounding differs.</summary>
internal sealed class MethodsBenchmark(SharedModels models, WorkFolder work, string? only)
{
    private static readonly QuantizationGrid[] Grids =
    [
        new(GridKind.Integer, 4, 32, true, ScaleType.Float16),
        new(GridKind.Integer, 4, 128, false, ScaleType.Float16),
        new(GridKind.Integer, 3, 32, true, ScaleType.Float16),
        new(GridKind.Integer, 3, 64, false, ScaleType.Float16),
        new(GridKind.Integer, 2, 32, false, ScaleType.Float16),
        new(GridKind.NormalFloat, 4, 32, true, ScaleType.Float16),
    ];

    /// <summary>Measures and writes <c>docs/results/methods.md</c>.</summary>
    public void Run(CancellationToken cancellationToken)
    {
        var page = new ResultPage(
            "Quantizers at equal bytes",
            "methods",
            """
            Every weight on one grid (bits · block, fp16 scales, target `ort`) by one quantizer: the files of a row differ in their codes and
            scales only. No menu, no solver. Losses as in [quality](quality.md). What the quantizers do: [methods](../methods/README.md).
            """
        );
        page.Head(["model", "grid", ">file", .. Quantizers.All.Select(q => $">{q.Name}")]);
        foreach (IJudge judge in models.Judges(only))
        {
            using var uniform = new UniformModel(judge, "ort", cancellationToken);
            string folder = work.For($"methods-{judge.Name}");
            foreach (QuantizationGrid grid in Grids)
            {
                long bytes = 0;
                var cells = new List<string>();
                foreach (IQuantizer quantizer in Quantizers.All)
                {
                    if (!quantizer.Supports(grid))
                    {
                        cells.Add("–");
                        continue;
                    }
                    string path = Path.Combine(folder, $"{grid}-{quantizer.Name}.onnx".Replace(' ', '-'));
                    bytes = uniform.Write(grid, quantizer, path, cancellationToken);
                    cells.Add(judge.Judge(path, false, cancellationToken).Shown);
                }
                page.Row([judge.Name, grid.ToString(), ResultPage.Bytes(bytes), .. cells]);
            }
        }
        page.Line();
        page.Write("methods.md", only is null);
    }
}
