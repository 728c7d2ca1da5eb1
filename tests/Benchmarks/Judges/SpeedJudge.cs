using System.Diagnostics;
using Lorq.Calibration;

namespace Lorq.Benchmarks.Judges;

/// <summary>Run time and load time of two model files, measured in turns in one process so that both see the same machine.</summary>
/// <param name="Median">Median milliseconds of a run of the first file.</param>
/// <param name="OtherMedian">Of the second.</param>
/// <param name="Load">Median milliseconds to create a session of the first file.</param>
/// <param name="OtherLoad">Of the second.</param>
internal sealed record SpeedJudge(double Median, double OtherMedian, double Load, double OtherLoad)
{
    private const int WarmUps = 5;
    private const int Loads = 5;

    /// <summary>Workers of a session spin for a moment after a run; the next session's run must not compete with them.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(3);

    /// <summary>Run time of the first over the second's: below 1 the first is faster.</summary>
    public double Ratio => Median / OtherMedian;

    /// <summary>Measures.</summary>
    /// <param name="path">The first file.</param>
    /// <param name="otherPath">The second file.</param>
    /// <param name="inputs">One batch.</param>
    /// <param name="threads">Threads inside an operator; 0 for one per core.</param>
    /// <param name="runs">Timed runs of each.</param>
    /// <param name="operators">Run the first file with Lorq's operators.</param>
    /// <param name="cancellationToken">Stops.</param>
    public static SpeedJudge Compare(
        string path,
        string otherPath,
        IReadOnlyDictionary<string, DataTensor> inputs,
        int threads,
        int runs,
        bool operators,
        CancellationToken cancellationToken
    )
    {
        string[] paths = [path, otherPath];
        var loads = new double[2, Loads];
        for (int i = 0; i < Loads; i++)
        {
            for (int which = 0; which < 2; which++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long start = Stopwatch.GetTimestamp();
                using var loaded = new RunnableModel(paths[which], threads, operators && which == 0);
                loads[which, i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }
        }
        var times = new double[2, runs];
        using var first = new RunnableModel(path, threads, operators);
        using var second = new RunnableModel(otherPath, threads);
        RunnableModel[] models = [first, second];
        for (int i = -WarmUps; i < runs; i++)
        {
            // Who goes first alternates: a run finds the caches as the one before left them.
            for (int turn = 0; turn < 2; turn++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int which = (turn + i) & 1;
                Thread.Sleep(Rest);
                long start = Stopwatch.GetTimestamp();
                models[which].Run(inputs).Dispose();
                if (i >= 0)
                {
                    times[which, i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                }
            }
        }
        return new SpeedJudge(MedianOf(times, 0), MedianOf(times, 1), MedianOf(loads, 0), MedianOf(loads, 1));
    }

    private static double MedianOf(double[,] values, int row)
    {
        double[] sorted = [.. Enumerable.Range(0, values.GetLength(1)).Select(i => values[row, i]).Order()];
        return (sorted[sorted.Length / 2] + sorted[(sorted.Length - 1) / 2]) / 2;
    }
}
