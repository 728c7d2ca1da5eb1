using System.Globalization;
using Lorq.Benchmarks.Judges;
using Lorq.Benchmarks.Tools;
using Lorq.Quantization;

namespace Lorq.Benchmarks.Suites;

/// <summary>Every bar: compresses with the built <c>lorq</c>, judges the file, and puts plain rounding at the same bytes beside it.</summary>
internal sealed class QualityBenchmark(SharedModels models, WorkFolder work, string? only)
{
    /// <summary>Uniform files tried per bar: the largest that fit, because the largest need not lose least.</summary>
    private const int PlainTries = 3;

    private readonly List<(Bar Bar, CompressedFile File)> files = [];
    private readonly List<(Bar Bar, CompressedFile File)> repeated = [];
    private readonly ResultPage page = new(
        "Quality at a byte budget",
        "quality",
        """
        Each row is one run of `lorq compress` with its default menu and the model's calibration data, judged on development data that the
        run never saw. *Loss*: 1 − mean cosine between sentence embeddings and the original's (minilm), perplexity over the original's
        (pygpt), character error rate above the original's (ppocr). *Plain rounding* is the best of the three largest files within the
        budget that have every weight on one grid by round-to-nearest. *Peer* is the best of ONNX Runtime's own quantizers at that size,
        on held-out data of the same kind (`peers.md` of the designs).
        """
    );

    /// <summary>Measures and writes <c>docs/results/quality.md</c>.</summary>
    /// <returns>True when every bar is met.</returns>
    public async Task<bool> Run(CancellationToken cancellationToken)
    {
        page.Line("## Bars").Line();
        page.Head("model", "target", ">file at most", ">written", ">loss at most", ">loss", "", "plain rounding", "peer", "for the record");
        bool met = true;
        foreach (Bar bar in Bar.All.Where(b => only is null || b.Model == only))
        {
            met &= await Measure(bar, cancellationToken);
        }
        page.Line();
        met &= Resources();
        met &= await Inspect(cancellationToken);
        page.Write("quality.md", only is null);
        return met;
    }

    private async Task<bool> Measure(Bar bar, CancellationToken cancellationToken)
    {
        IJudge judge = models.Judge(bar.Model);
        string folder = work.For($"{bar.Model}-{bar.Target}-{bar.Budget.Replace("%", "-percent")}");
        // One cache a target: its first budget is the run from an empty one.
        string[] cache = ["--cache", work.For($"cache-{bar.Model}-{bar.Target}")];
        bool isFirst = files.All(f => f.Bar.Model != bar.Model || f.Bar.Target != bar.Target);
        CompressedFile file = await CompressedFile.Make(judge, bar.Target, bar.Budget, folder, cache, cancellationToken);
        if (isFirst)
        {
            CompressedFile again = await CompressedFile.Make(judge, bar.Target, bar.Budget, folder + "-again", cache, cancellationToken);
            repeated.Add((bar, again));
        }
        files.Add((bar, file));
        Judgement own = judge.Judge(file.Path, false, cancellationToken);
        long most = bar.MostBytes(new FileInfo(judge.OriginalPath).Length);
        bool met = file.Bytes <= most && own.Loss <= bar.MostLoss;
        page.Row(
            bar.Model,
            $"`{bar.Target}`",
            ResultPage.Bytes(most),
            ResultPage.Bytes(file.Bytes),
            bar.MostLoss.ToString(CultureInfo.InvariantCulture),
            own.Shown,
            Verdict(met),
            Plain(judge, bar.Target, most, folder, cancellationToken),
            bar.Peer,
            own.Remark
        );
        return met;
    }

    private static string Plain(IJudge judge, string target, long most, string folder, CancellationToken cancellationToken)
    {
        using var uniform = new UniformModel(judge, target, cancellationToken);
        IQuantizer rounding = Quantizers.All.Single(q => q.Name == "rtn");
        string path = Path.Combine(folder, "plain.onnx");
        (Judgement Verdict, QuantizationGrid Grid, long Bytes)? best = null;
        foreach ((QuantizationGrid grid, long _) in uniform.Fitting(most).Take(PlainTries))
        {
            long bytes = uniform.Write(grid, rounding, path, cancellationToken);
            Judgement verdict = judge.Judge(path, false, cancellationToken);
            if (best is null || verdict.Loss < best.Value.Verdict.Loss)
            {
                best = (verdict, grid, bytes);
            }
        }
        return best is { } b ? $"{b.Verdict.Shown} ({b.Grid}, {ResultPage.Megabytes(b.Bytes)}; {b.Verdict.Remark})" : "none this small";
    }

    private bool Resources()
    {
        page.Line("## Time and memory").Line();
        page.Line(
            "Wall time and peak memory of the whole process. The first budget of a model and target is from an empty cache, the next ones know its menus; "
                + $"*again* is the first one repeated. On MiniLM at most {Bar.MostTime.TotalSeconds:F0} s and {ResultPage.Megabytes(Bar.MostMemory)} "
                + $"are allowed on 2 cores, and {Bar.MostWarmTime.TotalSeconds:F0} s again."
        );
        page.Line();
        string[] stages = [.. files.SelectMany(f => f.File.Stages).Select(s => s.Stage).Distinct()];
        page.Head(["model", "target", "budget", ">time", ">peak memory", "", .. stages.Select(s => ">" + s)]);
        bool allMet = true;
        foreach ((Bar bar, CompressedFile file) in files.Concat(repeated))
        {
            bool hasBar = bar.Model == "minilm";
            bool isAgain = repeated.Contains((bar, file));
            TimeSpan most = isAgain ? Bar.MostWarmTime : Bar.MostTime;
            bool met = !hasBar || (file.Elapsed <= most && file.PeakBytes <= Bar.MostMemory);
            allMet &= met;
            page.Row([
                bar.Model,
                $"`{bar.Target}`",
                bar.Budget + (isAgain ? ", again" : ""),
                ResultPage.Seconds(file.Elapsed.TotalSeconds),
                ResultPage.Megabytes(file.PeakBytes),
                hasBar ? Verdict(met) : "",
                .. stages.Select(s => ResultPage.Seconds(file.Stages.Where(f => f.Stage == s).Sum(f => f.Seconds))),
            ]);
        }
        page.Line();
        return allMet;
    }

    private async Task<bool> Inspect(CancellationToken cancellationToken)
    {
        page.Line("## `lorq inspect`").Line();
        page.Line($"At most {Bar.MostInspectTime.TotalSeconds:F0} s are allowed.").Line();
        page.Head("model", ">time", "");
        bool allMet = true;
        foreach (IJudge judge in models.Judges(only))
        {
            MeasuredProcess run = await MeasuredProcess.Lorq(["inspect", judge.OriginalPath], cancellationToken);
            bool met = run.ExitCode == 0 && run.Elapsed <= Bar.MostInspectTime;
            allMet &= met;
            page.Row(judge.Name, ResultPage.Seconds(run.Elapsed.TotalSeconds), run.ExitCode == 0 ? Verdict(met) : run.Errors.Trim());
        }
        page.Line();
        return allMet;
    }

    private static string Verdict(bool met) => met ? "met" : "**missed**";
}
