using System.Globalization;
using System.Text.Json;
using Lorq.Benchmarks.Judges;
using Lorq.Benchmarks.Tools;
using Lorq.Quantization;

namespace Lorq.Benchmarks.Suites;

/// <summary>The size–loss front on data the compiler never saw, against plans that put every weight on one grid by the same quantizer.</summary>
internal sealed class FrontBenchmark(SharedModels models, WorkFolder work, string? only)
{
    /// <summary>Uniform files judged per budget: the largest that fit, because the largest need not lose least.</summary>
    private const int UniformTries = 2;

    /// <summary>Standard errors that count as noise.</summary>
    private const double NoiseWidth = 2;

    private static readonly double[] budgets = [2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 8];

    private readonly ResultPage page = new(
        "Eleven budgets against the best uniform plan",
        "front",
        """
        Each row is one run of `lorq compress` with the default menu, target `ort`, at an average number of bits per weight of the whole file,
        judged on development data as in [quality.md](quality.md). *Uniform* is the better of the two largest files of at most the same bytes
        that have every weight on one grid by the best quantizer of the menu (`gptq-cd`; `mse` where the input is not measured).
        *Difference* is the loss above that of the uniform file, with two standard errors over the samples (sentences, windows, lines), judged in pairs:
        a budget is *met* unless it lies above zero by more than that. *Low rank saves* is the predicted loss that the menu's low-rank pairs take off the best plan without any
        at the same bytes; *methods* are shares of sites and of written bytes.
        """
    );

    /// <summary>Measures and writes <c>docs/results/front.md</c>.</summary>
    /// <returns>True when no budget is worse than the uniform plan beyond noise.</returns>
    public async Task<bool> Run(CancellationToken cancellationToken)
    {
        bool met = true;
        foreach (IJudge judge in models.Judges(only))
        {
            page.Line($"## {judge.Name}: {judge.Metric}").Line();
            page.Head(
                ">bits",
                ">written",
                ">loss",
                "uniform",
                ">difference",
                "",
                ">certified gap",
                ">low rank saves",
                "methods (sites, bytes)",
                "for the record",
                "the same of the uniform file"
            );
            met &= await Measure(judge, cancellationToken);
            page.Line();
        }
        page.Write("front.md", only is null);
        return met;
    }

    private async Task<bool> Measure(IJudge judge, CancellationToken cancellationToken)
    {
        using var uniform = new UniformModel(judge, "ort", cancellationToken);
        var judged = new Dictionary<QuantizationGrid, Judgement>();
        bool allMet = true;
        foreach (double bits in budgets)
        {
            string folder = work.For(string.Create(CultureInfo.InvariantCulture, $"{judge.Name}-{bits}bpw"));
            string budget = string.Create(CultureInfo.InvariantCulture, $"{bits}bpw");
            string[] options = ["--no-speed", "--cache", work.For($"cache-{judge.Name}-ort")];
            CompressedFile file = await CompressedFile.Make(judge, "ort", budget, folder, options, cancellationToken);
            Judgement own = judge.Judge(file.Path, false, cancellationToken);
            var rivals = uniform.Fitting(file.Bytes).Take(UniformTries).ToArray();
            foreach ((QuantizationGrid grid, long _) in rivals.Where(r => !judged.ContainsKey(r.Grid)))
            {
                judged.Add(grid, JudgeUniform(uniform, judge, grid, Path.Combine(folder, "uniform.onnx"), cancellationToken));
            }
            (string shown, string remark, string difference, bool met) = Compare(
                own,
                [.. rivals.Select(r => (r.Grid, r.Bytes, judged[r.Grid]))]
            );
            allMet &= met;
            JsonElement solver = file.Report.GetProperty("solver");
            page.Row(
                bits.ToString(CultureInfo.InvariantCulture),
                ResultPage.Bytes(file.Bytes),
                own.Shown,
                shown,
                difference,
                met ? "met" : "**missed**",
                solver.GetProperty("gap").GetDouble().ToString("0.#e+0", CultureInfo.InvariantCulture),
                Gain(file.Report),
                Methods(file.Report),
                own.Remark,
                remark
            );
        }
        return allMet;
    }

    private static Judgement JudgeUniform(
        UniformModel uniform,
        IJudge judge,
        QuantizationGrid grid,
        string path,
        CancellationToken cancellationToken
    )
    {
        uniform.Write(grid, Quantizers.All.Single(q => q.Name == "gptq-cd"), path, cancellationToken);
        Judgement verdict = judge.Judge(path, false, cancellationToken);
        File.Delete(path);
        return verdict;
    }

    private static (string Shown, string Remark, string Difference, bool Met) Compare(
        Judgement own,
        IReadOnlyList<(QuantizationGrid Grid, long Bytes, Judgement Verdict)> rivals
    )
    {
        if (rivals.Count == 0)
        {
            return ("none this small", "", "", true);
        }
        (QuantizationGrid grid, long bytes, Judgement best) = rivals.MinBy(r => r.Verdict.Loss);
        double difference = own.Loss - best.Loss;
        double noise = NoiseWidth * own.NoiseAgainst(best);
        return (
            $"{best.Shown} ({grid}, {ResultPage.Bytes(bytes)})",
            best.Remark,
            string.Create(CultureInfo.InvariantCulture, $"{difference:+0.00000;−0.00000} ± {noise:0.00000}"),
            difference <= noise
        );
    }

    private static string Gain(JsonElement report) =>
        report.TryGetProperty("lowRank", out JsonElement low) && low.ValueKind == JsonValueKind.Object
            ? Percent(low.GetProperty("gain").GetDouble())
            : "";

    private static string Methods(JsonElement report) =>
        string.Join(
            ", ",
            report
                .GetProperty("methods")
                .EnumerateArray()
                .Select(m =>
                    $"{m.GetProperty("name").GetString()} {Percent(m.GetProperty("siteShare").GetDouble())}, {Percent(m.GetProperty("byteShare").GetDouble())}"
                )
        );

    private static string Percent(double share) => share.ToString("0.#%", CultureInfo.InvariantCulture);
}
