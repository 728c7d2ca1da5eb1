using System.Diagnostics;

namespace Lorq;

/// <summary>Times the stages of a compilation and passes progress on; a stage ends when the next begins.</summary>
internal sealed class StageClock(IProgress<StageProgress>? progress) : IProgress<StageProgress>
{
    private readonly List<FinishedStage> finished = [];
    private long peak;
    private readonly Stopwatch watch = new();
    private string? current;

    /// <summary>The finished stages in order.</summary>
    public IReadOnlyList<FinishedStage> Stages => finished;

    /// <summary>Begins a stage.</summary>
    public void Begin(string stage)
    {
        End();
        current = stage;
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
        progress?.Report(value with { Stage = current ?? value.Stage });
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
