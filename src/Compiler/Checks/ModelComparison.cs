using System.Diagnostics;
using Lorq.Calibration;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Profiling;
using Lorq.Reports;

namespace Lorq.Checks;

/// <summary>How two models are compared.</summary>
/// <param name="Threads">Threads inside an operator; 0 for one per core.</param>
/// <param name="Profile">True to find out where the time of a run goes, node by node.</param>
/// <param name="Stock">True to run nodes of <c>ai.lorq</c> by their function bodies, as ONNX Runtime without Lorq does.</param>
public sealed record ComparisonOptions(int Threads = 0, bool Profile = false, bool Stock = false);

/// <summary>Compares two model files on the same data: sizes, outputs, load and run times.</summary>
public static class ModelComparison
{
    /// <summary>Samples per run.</summary>
    private const int BatchSize = 8;

    private const int Loads = 3;
    private const int LeastRuns = 5;
    private const int MostRuns = 31;

    /// <summary>Time after which no further timed run starts once <see cref="LeastRuns"/> are done.</summary>
    private static readonly TimeSpan RunBudget = TimeSpan.FromSeconds(5);

    /// <summary>Compares <paramref name="b"/> with the reference <paramref name="a"/>.</summary>
    /// <param name="a">The reference model file.</param>
    /// <param name="b">The other model file.</param>
    /// <param name="dataPaths">Data files or patterns: .npz, .npy per input, test_data_set folders.</param>
    /// <param name="options">How they run, and what is measured.</param>
    /// <param name="progress">Told how far it is; null for none.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="LorqException">A model or the data cannot be read, or LORQ0804–0807: they cannot be compared.</exception>
    public static ComparisonReport Run(
        string a,
        string b,
        IReadOnlyList<string> dataPaths,
        ComparisonOptions? options = null,
        IProgress<StageProgress>? progress = null,
        CancellationToken cancellationToken = default
    ) =>
        Run(
            a,
            b,
            inputs =>
                dataPaths.Count == 0
                    ? throw Catalogue.NoComparisonData.With(a, b)
                    : CalibrationData.Load(dataPaths, inputs, cancellationToken).ToDataSet(BatchSize),
            options ?? new ComparisonOptions(),
            progress,
            cancellationToken
        );

    /// <summary>The same with data that is made when the inputs are known.</summary>
    internal static ComparisonReport Run(
        string a,
        string b,
        Func<IReadOnlyList<TensorSignature>, DataSet> load,
        ComparisonOptions options,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        int threads = options.Threads;
        (long bytesA, LorqNodes nodesA) = Facts(a, options.Stock, cancellationToken);
        (long bytesB, LorqNodes nodesB) = Facts(b, options.Stock, cancellationToken);
        Func<ModelRunner> loadA = () => new ModelRunner(a, threads, nodesA.Configure);
        Func<ModelRunner> loadB = () => new ModelRunner(b, threads, nodesB.Configure);
        using Pair<ModelRunner> runners = TimeLoads(loadA, loadB, out Pair<double> loadTimes, progress, cancellationToken);
        SignatureCheck.Check(a, runners.A, b, runners.B);
        DataSet data = load(runners.A.Inputs);
        if (data.Batches.Count == 0)
        {
            throw Catalogue.NoComparisonData.With(a, b);
        }
        string? mask = MaskInput.Find(runners.A.Inputs);
        DivergenceResult divergence = Divergence.Measure(runners.A, runners.B, data, mask, threads, progress, cancellationToken);
        Pair<double> runTimes = TimeRuns(runners, data, out int runs, progress, cancellationToken);
        SpeedFacts? speed = options.Profile
            ? SpeedMeasurement.Run(a, b, data.Batches[0], threads, options.Stock, RunBudget, progress, cancellationToken)
            : null;
        return new(
            new(a, bytesA, loadTimes.A, runTimes.A),
            new(b, bytesB, loadTimes.B, runTimes.B),
            (double)bytesB / bytesA,
            loadTimes.B / loadTimes.A,
            runTimes.B / runTimes.A,
            runs,
            Loads,
            threads,
            divergence,
            data.Source,
            mask,
            VersionFacts.LorqVersion(),
            VersionFacts.RuntimeVersion()
        )
        {
            LorqNodes = nodesB.Description ?? nodesA.Description,
            Speed = speed,
        };
    }

    private static (long Bytes, LorqNodes Nodes) Facts(string path, bool stock, CancellationToken cancellationToken)
    {
        using var model = OnnxModel.Load(path, cancellationToken);
        return (model.FileBytes, LorqNodes.Of(model, stock));
    }

    /// <summary>Loads both models in turns; the last two runners are kept.</summary>
    private static Pair<ModelRunner> TimeLoads(
        Func<ModelRunner> loadA,
        Func<ModelRunner> loadB,
        out Pair<double> medians,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var timesA = new List<double>();
        var timesB = new List<double>();
        ModelRunner? runnerA = null;
        ModelRunner? runnerB = null;
        try
        {
            for (int i = 0; i < Loads; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress?.Report(new("load models", i, Loads, null));
                runnerA?.Dispose();
                runnerB?.Dispose();
                timesA.Add(Seconds(() => runnerA = loadA()));
                timesB.Add(Seconds(() => runnerB = loadB()));
            }
        }
        catch
        {
            runnerA?.Dispose();
            runnerB?.Dispose();
            throw;
        }
        medians = new(Median(timesA), Median(timesB));
        return new(runnerA!, runnerB!);
    }

    /// <summary>Runs both models in turns, each going first every other time so that drift of the machine hits both.</summary>
    private static Pair<double> TimeRuns(
        Pair<ModelRunner> runners,
        DataSet data,
        out int runs,
        IProgress<StageProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var timesA = new List<double>();
        var timesB = new List<double>();
        var clock = Stopwatch.StartNew();
        for (runs = 0; runs < MostRuns && (runs < LeastRuns || clock.Elapsed < RunBudget); runs++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress?.Report(new("time runs", runs, MostRuns, null));
            if (runs % 2 == 0)
            {
                timesA.Add(Once(runners.A));
                timesB.Add(Once(runners.B));
            }
            else
            {
                timesB.Add(Once(runners.B));
                timesA.Add(Once(runners.A));
            }
        }
        progress?.Report(new("time runs", MostRuns, MostRuns, null));
        return new(Median(timesA), Median(timesB));

        double Once(ModelRunner runner) => Seconds(() => runner.Run(data.Batches[0], null, cancellationToken).Dispose());
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return (values[(values.Count - 1) / 2] + values[values.Count / 2]) / 2;
    }

    /// <summary>Something of each model.</summary>
    private sealed record Pair<T>(T A, T B) : IDisposable
    {
        public void Dispose()
        {
            (A as IDisposable)?.Dispose();
            (B as IDisposable)?.Dispose();
        }
    }
}
