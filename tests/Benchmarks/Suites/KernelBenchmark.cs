using System.Diagnostics;
using System.Globalization;
using Lorq.Benchmarks.Tools;
using Lorq.Runtime;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Benchmarks.Suites;

/// <summary>The fused node against the peer's nodes and against fp32, in turns in one process.</summary>
/// <param name="only">The only shape to measure, or null for all.</param>
internal sealed class KernelBenchmark(string? only)
{
    private const int Rank = 32;
    private const int Rounds = 15;
    private const double MostAtFourBits = 0.60;
    private const double MostAtOtherBits = 0.75;
    private const double MostForLowRank = 1.10;

    /// <summary>Workers of a session spin for a moment after a run; the next session's run must not compete with them.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(3);

    /// <summary>What a turn of one session takes about: on a virtual machine a thread that slept can take tens of milliseconds to come back.</summary>
    private static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(80);

    private static readonly (int K, int N)[] Shapes = [(384, 1536), (1536, 384), (768, 3072), (4096, 4096), (4096, 11008)];
    private static readonly int[] Rows = [1, 16, 128];
    private static readonly int[] Widths = [4, 2, 3, 5, 6];

    private readonly ResultPage page = new(
        "Kernels",
        "kernels",
        $"""
        The fused node `LowRankQMatMul` (float16 scales and factors, block 32, r = {Rank}, int8 activations) in ONNX Runtime on the CPU, against the *peer* in the same process:
        `MatMulNBits` (4 bits, block 32, `accuracy_level` 4) + two MatMuls + Add; and against a float32 MatMul. Each of {Rounds} rounds gives everyone a turn; times are medians of the
        turns, ratios medians of the rounds' ratios, since the clock changes from round to round; below 1 the fused node is faster.
        Each thread has its own processor. At most {MostAtFourBits:0.00} of the peer at 4 bits, {MostAtOtherBits:0.00} at other widths (against the same 4-bit peer), 1.00 of fp32; the low-rank pair at
        most {MostForLowRank:0.00} of the same node without it at 4096×4096. **Bold** misses its bar.

        Instruction set of the fused node: **{LorqOperators.InstructionSet}**.
        """
    );

    /// <summary>The names of the shapes.</summary>
    public static string[] Names => [.. Shapes.Select(s => Name(s.K, s.N))];

    /// <summary>Measures and writes <c>docs/results/kernels.md</c>.</summary>
    /// <returns>True when every bar is met.</returns>
    public bool Run(CancellationToken cancellationToken)
    {
        page.Head(
            ">K×N",
            ">M",
            ">threads",
            ">fp32 µs",
            ">peer µs",
            ">fused µs",
            ">÷ fp32",
            ">÷ peer",
            ">2 bits",
            ">3 bits",
            ">5 bits",
            ">6 bits",
            ">÷ without pair"
        );
        bool met = true;
        Pinning.PinCaller();
        foreach ((int k, int n) in Shapes.Where(s => only is null || Name(s.K, s.N) == only))
        {
            var models = new KernelModels(k, n, Rank);
            byte[][] files =
            [
                models.Single(),
                models.Peer(),
                .. Widths.Select(bits => models.Fused(bits, isLowRank: true)),
                models.Fused(4, isLowRank: false),
            ];
            foreach (int threads in (int[])[1, 2])
            {
                List<InferenceSession> sessions = [.. files.Select(file => Open(file, threads))];
                foreach (int m in Rows)
                {
                    met &= Report(k, n, m, threads, Measure(sessions, m, k, n, cancellationToken));
                }
                sessions.ForEach(s => s.Dispose());
            }
        }
        page.Line();
        page.Write("kernels.md", isComplete: only is null);
        return met;
    }

    private bool Report(int k, int n, int m, int threads, double[][] turns)
    {
        (double[] single, double[] peer, double[] fused) = (turns[0], turns[1], turns[2]);
        bool met = true;
        string Cell(double[] of, double[] over, double most)
        {
            double ratio = Median([.. of.Zip(over, (a, b) => a / b)]);
            met &= ratio <= most;
            string text = ratio.ToString("F2", CultureInfo.InvariantCulture);
            return ratio <= most ? text : $"**{text}**";
        }
        page.Row(
            $"{k}×{n}",
            $"{m}",
            $"{threads}",
            Micros(single),
            Micros(peer),
            Micros(fused),
            Cell(fused, single, 0.9999),
            Cell(fused, peer, MostAtFourBits),
            Cell(turns[3], peer, MostAtOtherBits),
            Cell(turns[4], peer, MostAtOtherBits),
            Cell(turns[5], peer, MostAtOtherBits),
            Cell(turns[6], peer, MostAtOtherBits),
            Cell(fused, turns[^1], (k, n) == (4096, 4096) ? MostForLowRank : double.MaxValue)
        );
        return met;
    }

    private static string Name(int k, int n) => $"{k}x{n}";

    private static string Micros(double[] turns)
    {
        double value = Median([.. turns]);
        return value.ToString(value < 100 ? "F1" : "F0", CultureInfo.InvariantCulture);
    }

    private static InferenceSession Open(byte[] model, int threads)
    {
        using var options = new SessionOptions { IntraOpNumThreads = threads };
        Pinning.PinOthers(options, threads);
        options.AddLorqOperators();
        return new InferenceSession(model, options);
    }

    /// <summary>Median microseconds of a run of each session, round by round.</summary>
    private static double[][] Measure(List<InferenceSession> sessions, int m, int k, int n, CancellationToken cancellationToken)
    {
        var random = new Random(2);
        float[] x = [.. Enumerable.Range(0, m * k).Select(_ => random.NextSingle() - 0.5f)];
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(x, [m, k]);
        using OrtValue output = OrtValue.CreateTensorValueFromMemory(new float[m * n], [m, n]);
        using var run = new RunOptions();
        double[][] times = [.. sessions.Select(_ => new double[Rounds])];
        for (int round = -2; round < Rounds; round++)
        {
            for (int turn = 0; turn < sessions.Count; turn++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                // Who goes first moves on: a run finds the caches as the one before left them.
                int which = (turn + round + 2) % sessions.Count;
                Thread.Sleep(Rest);
                List<double> runs = [];
                long began = Stopwatch.GetTimestamp();
                // The first half of a turn warms caches and wakes threads. What takes longer runs twice.
                while (runs.Count == 0 || Stopwatch.GetElapsedTime(began) < Turn)
                {
                    bool isWarm = Stopwatch.GetElapsedTime(began) >= Turn / 2;
                    long start = Stopwatch.GetTimestamp();
                    sessions[which].Run(run, ["x"], [input], ["y"], [output]);
                    if (isWarm)
                    {
                        runs.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
                    }
                }
                if (round >= 0)
                {
                    times[which][round] = Median(runs);
                }
            }
        }
        return times;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values[values.Count / 2];
    }
}
