using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Lorq.Benchmarks.Judges;
using Lorq.Benchmarks.Tools;
using Lorq.Calibration;
using Lorq.Onnx;

namespace Lorq.Benchmarks.Suites;

/// <summary>The <c>fused</c> target end to end: what its files lose, how fast they run and load, and how much memory that takes.</summary>
internal sealed class FusedBenchmark(SharedModels models, WorkFolder work, string? only)
{
    private const int Runs = 31;
    private const int Tokens = 256;

    /// <summary>Processes that load and run each file.</summary>
    private const int ProcessRounds = 5;

    /// <summary>Int8 activations may add this share to the loss.</summary>
    private const double ActivationLimit = 1.05;

    /// <summary>Loading through the bodies may take this many times as long as loading the original.</summary>
    private const double BodyLoadLimit = 3;

    /// <summary>What the process of the compressed file has to save of the memory of the original's.</summary>
    private const long LeastSaved = 50_000_000;

    private static readonly (int Batch, int Tokens)[] sentences = [(1, 32), (32, 64)];

    private readonly ResultPage page = new(
        "The fused target, end to end",
        "fused",
        $"""
        Files of `lorq compress --target fused` with the default menu. *Operators*: run with `Lorq.Runtime`, int8 activations in all products but those
        that the compiler [made exact](../methods/activations.md); *bodies*: the same file in stock ONNX Runtime, which runs the nodes' functions of standard operators. Losses as in [quality.md](quality.md). Times are
        medians of {Runs} runs of both files in turns in one process; a ratio below 1 means that the compressed file is faster, which is the bar. Load times and
        memory are medians of {ProcessRounds} processes for each file, in turns: a process loads the one file first of all and then runs a batch of it ten times; memory is its high-water mark. At most
        {BodyLoadLimit:F0} times fp32's load through the bodies, at least {LeastSaved / 1_000_000} MB saved with the operators.
        """
    );

    /// <summary>Measures and writes <c>docs/results/fused.md</c>.</summary>
    /// <returns>True when every bar is met.</returns>
    public async Task<bool> Run(CancellationToken cancellationToken)
    {
        page.Line("## Loss").Line();
        page.Head(
            "model",
            ">file at most",
            ">written",
            ">loss at most",
            ">operators",
            "",
            ">bodies",
            ">operators ÷ bodies, at most",
            "",
            ">exact products"
        );
        var files = new List<(Bar Bar, string Path)>();
        bool met = true;
        foreach (Bar bar in Bar.Fused.Where(b => only is null || b.Model == only))
        {
            IJudge judge = models.Judge(bar.Model);
            string folder = work.For($"fused-{bar.Model}-{bar.Budget}");
            string[] cache = ["--cache", work.For($"cache-{bar.Model}-fused"), "--no-speed"];
            CompressedFile file = await CompressedFile.Make(judge, bar.Target, bar.Budget, folder, cache, cancellationToken);
            files.Add((bar, file.Path));
            met &= Loss(bar, judge, file, cancellationToken);
        }
        page.Line();
        if (only is null or "minilm")
        {
            met &= await Sentences(files.Single(f => f.Bar.Budget == "12299000").Path, cancellationToken);
        }
        if (only is null or "pygpt")
        {
            met &= Decoder(files.Single(f => f.Bar.Model == "pygpt").Path, cancellationToken);
        }
        page.Write("fused.md", only is null);
        return met;
    }

    /// <summary>Loads a file, writes how many milliseconds that took, and runs it on ones: what a process of its own is measured by.</summary>
    public static void RunOnce(string path, bool operators)
    {
        long start = Stopwatch.GetTimestamp();
        using var model = new RunnableModel(path, 0, operators);
        Console.WriteLine(Stopwatch.GetElapsedTime(start).TotalMilliseconds.ToString(CultureInfo.InvariantCulture));
        (int batch, int tokens) = sentences[^1];
        long[] ones = [.. Enumerable.Repeat(1L, batch * tokens)];
        var input = new DataTensor(TensorProto.Types.DataType.Int64, [batch, tokens], MemoryMarshal.AsBytes<long>(ones).ToArray());
        var inputs = model.Inputs.ToDictionary(name => name, _ => input);
        for (int i = 0; i < 10; i++)
        {
            model.Run(inputs).Dispose();
        }
    }

    private bool Loss(Bar bar, IJudge judge, CompressedFile file, CancellationToken cancellationToken)
    {
        Judgement own = judge.Judge(file.Path, true, cancellationToken);
        Judgement bodies = judge.Judge(file.Path, false, cancellationToken);
        // A perplexity of the original's loses nothing at 1.
        double nothing = bar.Model == "pygpt" ? 1 : 0;
        double ratio = (own.Loss - nothing) / (bodies.Loss - nothing);
        bool isSmall = own.Loss <= bar.MostLoss && file.Bytes <= bar.MostBytes(0);
        bool isClose = ratio <= ActivationLimit;
        JsonElement rounding = file.Report.GetProperty("rounding");
        page.Row(
            bar.Model,
            ResultPage.Bytes(bar.MostBytes(0)),
            ResultPage.Bytes(file.Bytes),
            bar.MostLoss.ToString(CultureInfo.InvariantCulture),
            own.Shown,
            Verdict(isSmall),
            bodies.Shown,
            $"{Number(ratio, "F3")}, {Number(ActivationLimit, "F2")}",
            Verdict(isClose),
            $"{rounding.GetProperty("exact")} of {rounding.GetProperty("products")}"
        );
        return isSmall && isClose;
    }

    private async Task<bool> Sentences(string path, CancellationToken cancellationToken)
    {
        IJudge judge = models.Judge("minilm");
        string plain = SpeedBenchmark.Plain(judge, work, cancellationToken);
        CompressedFile ort = await CompressedFile.Make(
            judge,
            "ort",
            "12299000",
            work.For("fused-minilm-ort"),
            ["--cache", work.For("cache-minilm-fused"), "--no-speed"],
            cancellationToken
        );
        page.Line("## MiniLM at 12 299 000 bytes").Line();
        page.Head("compared with", "run by", ">batch × tokens", ">threads", ">ms", ">other ms", ">ratio", "");
        bool met = true;
        foreach ((int batch, int tokens) in sentences)
        {
            IReadOnlyDictionary<string, DataTensor> inputs = Inputs(judge, batch, tokens);
            foreach (int threads in (int[])[1, 0])
            {
                met &= Compare("fp32", path, judge.OriginalPath, inputs, threads, true, cancellationToken);
                met &= Compare("plain 4 bits, peers' format", path, plain, inputs, threads, true, cancellationToken);
                Compare("`ort`, same bytes", path, ort.Path, inputs, threads, true, cancellationToken);
            }
            Compare("fp32", path, judge.OriginalPath, inputs, 0, false, cancellationToken);
        }
        page.Line();
        return met & await Processes(judge.OriginalPath, plain, ort.Path, path, cancellationToken);
    }

    /// <summary>What a process of its own takes to load each file, and its memory.</summary>
    private async Task<bool> Processes(string original, string plain, string ort, string fused, CancellationToken cancellationToken)
    {
        (string Name, string RunBy, string Path, bool Operators)[] files =
        [
            ("fp32", "ONNX Runtime", original, false),
            ("plain 4 bits", "ONNX Runtime", plain, false),
            ("`ort`, same bytes", "ONNX Runtime", ort, false),
            ("`fused`", "bodies", fused, false),
            ("`fused`", "operators", fused, true),
        ];
        List<double>[] loads = [.. files.Select(_ => new List<double>())];
        List<long>[] peaks = [.. files.Select(_ => new List<long>())];
        for (int round = 0; round < ProcessRounds; round++)
        {
            for (int i = 0; i < files.Length; i++)
            {
                MeasuredProcess run = await Own(files[i].Path, files[i].Operators, cancellationToken);
                loads[i].Add(double.Parse(run.Output, CultureInfo.InvariantCulture));
                peaks[i].Add(run.PeakBytes);
            }
        }
        page.Line("## Load and memory of a process, MiniLM, 32 × 64").Line();
        page.Head("file", "run by", ">load ms", ">of fp32's", "", ">peak", ">below fp32", "");
        bool met = true;
        for (int i = 0; i < files.Length; i++)
        {
            double load = Median(loads[i]) / Median(loads[0]);
            long saved = Median(peaks[0]) - Median(peaks[i]);
            bool isBody = files[i].Path == fused && !files[i].Operators;
            page.Row(
                files[i].Name,
                files[i].RunBy,
                Number(Median(loads[i]), "F0"),
                i == 0 ? "" : Number(load, "F2"),
                isBody ? Verdict(load <= BodyLoadLimit) : "",
                ResultPage.Megabytes(Median(peaks[i])),
                i == 0 ? "" : ResultPage.Megabytes(saved),
                files[i].Operators ? Verdict(saved >= LeastSaved) : ""
            );
            met &= (!isBody || load <= BodyLoadLimit) && (!files[i].Operators || saved >= LeastSaved);
        }
        page.Line();
        return met;
    }

    private static T Median<T>(List<T> values) => values.Order().ElementAt(values.Count / 2);

    private bool Decoder(string path, CancellationToken cancellationToken)
    {
        IJudge judge = models.Judge("pygpt");
        page.Line($"## pygpt at 4 006 000 bytes, one window of {Tokens} tokens").Line();
        page.Head(">threads", ">tokens per second", ">of fp32", ">ratio", "");
        bool met = true;
        foreach (int threads in (int[])[1, 0])
        {
            SpeedJudge speed = SpeedJudge.Compare(
                path,
                judge.OriginalPath,
                Inputs(judge, 1, Tokens),
                threads,
                Runs,
                true,
                cancellationToken
            );
            bool isFaster = speed.Ratio < 1;
            page.Row(
                Threads(threads),
                Number(1000 * Tokens / speed.Median, "F0"),
                Number(1000 * Tokens / speed.OtherMedian, "F0"),
                Number(1 / speed.Ratio, "F2"),
                Verdict(isFaster)
            );
            met &= isFaster;
        }
        page.Line();
        return met;
    }

    private bool Compare(
        string name,
        string path,
        string otherPath,
        IReadOnlyDictionary<string, DataTensor> inputs,
        int threads,
        bool operators,
        CancellationToken cancellationToken
    )
    {
        SpeedJudge speed = SpeedJudge.Compare(path, otherPath, inputs, threads, Runs, operators, cancellationToken);
        bool isFaster = speed.Ratio < 1;
        long[] shape = inputs.Values.First().Shape;
        page.Row(
            name,
            operators ? "operators" : "bodies",
            $"{shape[0]} × {shape[1]}",
            Threads(threads),
            Number(speed.Median, "F1"),
            Number(speed.OtherMedian, "F1"),
            Number(speed.Ratio, "F2"),
            operators ? Verdict(isFaster) : ""
        );
        return isFaster;
    }

    private static IReadOnlyDictionary<string, DataTensor> Inputs(IJudge judge, int rows, int tokens) =>
        RunnableModel.Crop(RunnableModel.Batches(judge.OriginalPath, judge.CalibrationPath, rows)[0], rows, tokens);

    private static async Task<MeasuredProcess> Own(string path, bool operators, CancellationToken cancellationToken)
    {
        string[] arguments = ["run", path, .. operators ? ["--operators"] : Array.Empty<string>()];
        MeasuredProcess run = await MeasuredProcess.Own(arguments, cancellationToken);
        return run.ExitCode == 0
            ? run
            : throw new BenchmarkException($"{string.Join(' ', arguments)}\nended with exit code {run.ExitCode}: {run.Errors.Trim()}");
    }

    private static string Threads(int threads) => threads == 0 ? "all" : Number(threads, "F0");

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Verdict(bool met) => met ? "met" : "**missed**";
}
