namespace Lorq.Tests.Compilations;

/// <summary>Does something whenever a stage reports.</summary>
internal sealed class Watching(Action<string> action) : IProgress<StageProgress>
{
    public void Report(StageProgress value) => action(value.Stage);
}
