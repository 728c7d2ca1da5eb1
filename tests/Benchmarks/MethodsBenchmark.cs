using System.Text;
using Lorq.Benchmarks.Judges;

namespace Lorq.Benchmarks;

/// <summary>Each quantizer alone, one uniform grid, so that bytes are equal and only the rounding differs.</summary>
internal static class MethodsBenchmark
{
    private static readonly string[] Methods = ["rtn", "mse", "hqq", "gptq", "gptq-act"];

    public static int Run(string shared, string? only)
    {
        var text = new StringBuilder(
            """
            # Quantizers at equal bytes

            One grid for every site (block 32, symmetric, fp16 scales, target `ort`), so that the files have the same size and only
            the rounding differs. Loss as in [quality](quality.md); for ppocr the character error rate itself.
            Reproduce with `dotnet run -c Release --project tests/Benchmarks -- methods`.

            | model | bits | bytes | RTN | MSE clip | HQQ | GPTQ | GPTQ, act-order |
            |---|---|---|---|---|---|---|---|

            """
        );
        foreach (string model in new[] { "minilm", "pygpt", "ppocr" }.Where(m => only is null || m == only))
        {
            IJudge judge = Folders.Judge(shared, model);
            foreach (string bits in new[] { "4", "3" })
            {
                var cells = new List<string>();
                long bytes = 0;
                foreach (string method in Methods)
                {
                    Compressed? c = Uniform(judge, bits, method);
                    bytes = c?.Bytes ?? bytes;
                    cells.Add(c is null ? "–" : Compressed.Digits(c.Figure));
                    c?.Delete();
                }
                string line = $"| {model} | {bits} | {Compressed.Number(bytes)} | {string.Join(" | ", cells)} |";
                Console.WriteLine(line);
                text.AppendLine(line);
            }
        }
        if (only is null)
        {
            Folders.WriteResult("methods.md", text.ToString());
        }
        return 0;
    }

    /// <summary>The smallest file of a menu with one grid: everything on that grid.</summary>
    public static Compressed? Uniform(
        IJudge judge,
        string bits,
        string method,
        string target = "ort",
        string block = "32",
        string scales = "fp16"
    )
    {
        string[] menu = ["--bits", bits, "--blocks", block, "--methods", method, "--symmetry", "symmetric", "--scales", scales];
        return Compressed.Make(judge, "smallest", target, menu);
    }
}
