namespace Lorq.Tests.Compilations;

/// <summary>What is told of how far a run is: a count that starts again is another step, never the same one going backwards.</summary>
public sealed class StageClockTests
{
    [Fact]
    public void Steps_of_a_stage_count_for_themselves_and_their_rounds_are_told()
    {
        var told = new List<StageProgress>();
        var clock = new StageClock(new Listener(told));
        clock.Begin("Plan");
        foreach (
            (string step, int[] done) in new[]
            {
                ("Quantization", new[] { 1, 2 }),
                ("Probes", [1, 2, 3]),
                ("Quantization", [1]),
                ("Probes", [1, 1, 3]),
            }
        )
        {
            Array.ForEach(done, d => clock.Report(new StageProgress(step, d, 3)));
        }
        clock.Report(new StageProgress("Probes", 1, 3));
        clock.Begin("Refinement");
        clock.Report(new StageProgress("Refinement", 1, 2));
        clock.Report(new StageProgress("Probes", 1, 3));
        clock.End();
        Assert.Equal(
            [
                "Plan ",
                "Plan Quantization1",
                "Plan Quantization1",
                "Plan Probes1",
                "Plan Probes1",
                "Plan Probes1",
                "Plan Quantization2",
                "Plan Probes2",
                "Plan Probes2",
                "Plan Probes2",
                "Plan Probes3",
                "Refinement ",
                "Refinement ",
                "Refinement Probes1",
            ],
            told.Select(t => t.Step is null ? $"{t.Stage} " : $"{t.Stage} {t.Step}{t.Round}")
        );
        Assert.All(told.GroupBy(t => (t.Stage, t.Step, t.Round)), g => Assert.Equal(g.Select(t => t.Done).Order(), g.Select(t => t.Done)));
    }

    private sealed class Listener(List<StageProgress> told) : IProgress<StageProgress>
    {
        public void Report(StageProgress value) => told.Add(value);
    }
}
