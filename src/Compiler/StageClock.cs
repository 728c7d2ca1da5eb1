using System.Diagnostics;

namespace Lorq;

/// <summary>Times the stages of a compilation and passes progress on; a stage ends when the next begins.</summary>
internal sealed class StageClock(IProgress<StageProgress>? progress) : IProgress<StageProgress>
{
    private readonly List<FinishedStage> finished = [];
    private long peak;
    private readonly Stopwatch watch = new();
    private readonly Lock gate = new();
    private readonly Dictionary<string, int> rounds = new(StringComparer.Ordinal);
    private string? current;
    private StageProgress? last;

    /// <summary>The finished stages in order.</summary>
    public IReadOnlyList<FinishedStage> Stages => finished;

    /// <summary>Begins a stage.</summary>
    public void Begin(string stage)
    {
        End();
        current = stage;
        last = null;
        rounds.Clear();
        watch.Restart();
        Report(new StageProgress(stage, 0, 0));
    }

    /// <summary>Ends the current stage.</summary>
    public void End()
    {
        if (current is not null)
        {
            Sample();
            finished.Add(new FinishedStage(current, watch.Elapsed, peak));
            current = null;
            peak = 0;
        }
    }

    /// <inheritdoc />
    public void Report(StageProgress value)
    {
        Sample();
        if (current is null || value.Stage == current)
        {
            progress?.Report(value);
            return;
        }
        // A stage may consist of several steps, and of some more than once: each counts for itself.
        lock (gate)
        {
            if (last is null || value.Stage != last.Step || value.Done < last.Done)
            {
                rounds[value.Stage] = rounds.GetValueOrDefault(value.Stage) + 1;
            }
            last = value with { Stage = current, Step = value.Stage, Round = rounds[value.Stage] };
            progress?.Report(last);
        }
    }

    /// <summary>Between two reports memory may be higher; reports come often enough to see what a stage holds.</summary>
    private void Sample()
    {
        long now = Environment.WorkingSet;
        // Reports may come from several threads.
        long before;
        while (now > (before = Interlocked.Read(ref peak)) && Interlocked.CompareExchange(ref peak, now, before) != before) { }
    }
}

/// <summary>A stage that ended.</summary>
/// <param name="Stage">Its name.</param>
/// <param name="Elapsed">Its time.</param>
/// <param name="PeakBytes">The largest working set of the process that was seen while it ran.</param>
internal sealed record FinishedStage(string Stage, TimeSpan Elapsed, long PeakBytes);
