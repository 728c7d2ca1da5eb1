using System.Diagnostics;

namespace Lorq;

/// <summary>Times the stages of a compilation and passes progress on; a stage ends when the next begins.</summary>
internal sealed class StageClock(IProgress<StageProgress>? progress) : IProgress<StageProgress>
{
    private readonly List<(string Stage, TimeSpan Elapsed)> finished = [];
    private readonly Stopwatch watch = new();
    private string? current;

    /// <summary>The finished stages in order.</summary>
    public IReadOnlyList<(string Stage, TimeSpan Elapsed)> Stages => finished;

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
            finished.Add((current, watch.Elapsed));
            current = null;
        }
    }

    /// <inheritdoc />
    public void Report(StageProgress value) => progress?.Report(value with { Stage = current ?? value.Stage });
}
