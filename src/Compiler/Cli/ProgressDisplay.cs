using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace Lorq.Cli;

/// <summary>
/// Shows how far long work is, on standard error: a live bar per stage with percent and time left on a terminal, plain lines
/// elsewhere (a stage's start and end, and every ten seconds in between).
/// </summary>
internal static class ProgressDisplay
{
    /// <summary>Runs work with a display.</summary>
    /// <param name="quiet">No display.</param>
    /// <param name="work">The work.</param>
    public static T Run<T>(bool quiet, Func<IProgress<StageProgress>?, T> work)
    {
        if (quiet)
        {
            return work(null);
        }
        if (Console.IsErrorRedirected)
        {
            var lines = new PlainLines();
            T result = work(lines);
            lines.Finish();
            return result;
        }
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return console
            .Progress()
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left },
                new ProgressBarColumn(),
                new PercentColumn(),
                new RateColumn(),
                new RemainingTimeColumn(),
                new ElapsedTimeColumn()
            )
            .Start(context =>
            {
                var bars = new LiveBars(context);
                T result = work(bars);
                bars.Finish();
                return result;
            });
    }

    private static string StepName(StageProgress value) =>
        value.Step!.ToLowerInvariant() + (value.Round == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $", round {value.Round}"));

    private sealed class LiveBars(ProgressContext context) : IProgress<StageProgress>
    {
        private ProgressTask? stage;
        private ProgressTask? step;

        public void Report(StageProgress value)
        {
            lock (context)
            {
                if (stage?.Description != value.Stage)
                {
                    Finish(ref step);
                    Finish(ref stage);
                    stage = context.AddTask(value.Stage);
                    stage.IsIndeterminate = true;
                }
                if (value.Step is null)
                {
                    Show(stage, value);
                    return;
                }
                string name = "  " + StepName(value);
                if (step?.Description != name)
                {
                    Finish(ref step);
                    step = context.AddTask(name);
                    step.HideWhenCompleted = true;
                }
                Show(step, value);
            }
        }

        public void Finish()
        {
            lock (context)
            {
                Finish(ref step);
                Finish(ref stage);
            }
        }

        private static void Show(ProgressTask task, StageProgress value)
        {
            task.IsIndeterminate = value.Total <= 0;
            if (value.Total > 0)
            {
                task.MaxValue = value.Total;
                task.Value = value.Done;
            }
        }

        // What counts nothing would stay at 0 % for ever.
        private static void Finish(ref ProgressTask? task)
        {
            if (task is not null)
            {
                task.IsIndeterminate = false;
                task.Value = task.MaxValue;
                task.StopTask();
                task = null;
            }
        }
    }

    /// <summary>Nothing while a stage counts by its steps alone: 0 % would look as if it stood still.</summary>
    private sealed class PercentColumn : ProgressColumn
    {
        public override Spectre.Console.Rendering.IRenderable Render(
            Spectre.Console.Rendering.RenderOptions options,
            ProgressTask task,
            TimeSpan deltaTime
        ) => new Text(task.IsIndeterminate ? "" : string.Create(CultureInfo.InvariantCulture, $"{task.Percentage:F0} %"));

        /// <inheritdoc />
        public override int? GetColumnWidth(Spectre.Console.Rendering.RenderOptions options) => 5;
    }

    private sealed class RateColumn : ProgressColumn
    {
        public override Spectre.Console.Rendering.IRenderable Render(
            Spectre.Console.Rendering.RenderOptions options,
            ProgressTask task,
            TimeSpan deltaTime
        ) =>
            new Text(
                task.ElapsedTime is { TotalSeconds: > 1 } elapsed && task is { IsFinished: false, IsIndeterminate: false }
                    ? string.Create(CultureInfo.InvariantCulture, $"{task.Percentage / elapsed.TotalSeconds:F1} %/s")
                    : ""
            );
    }

    private sealed class PlainLines : IProgress<StageProgress>
    {
        private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

        /// <summary>Seconds of a step after which the rest can be guessed.</summary>
        private const double Telling = 2;

        private readonly Stopwatch stage = new();
        private readonly Lock gate = new();
        private string current = "";
        private string step = "";
        private TimeSpan begun;
        private TimeSpan said;

        public void Report(StageProgress value)
        {
            lock (gate)
            {
                if (value.Stage != current)
                {
                    Finish();
                    current = value.Stage;
                    step = "";
                    stage.Restart();
                    begun = said = TimeSpan.Zero;
                    Console.Error.WriteLine($"{current} …");
                    return;
                }
                string own = value.Step is null ? "" : $", {StepName(value)}:";
                if (own != step)
                {
                    step = own;
                    begun = stage.Elapsed;
                }
                if (stage.Elapsed - said > Interval && value.Total > 0 && value.Done > 0 && value.Done < value.Total)
                {
                    said = stage.Elapsed;
                    double taken = (stage.Elapsed - begun).TotalSeconds;
                    double left = taken * (value.Total - value.Done) / value.Done;
                    // A step that has just begun tells nothing yet.
                    string rest = taken < Telling ? "" : string.Create(CultureInfo.InvariantCulture, $", about {left:F0} s left");
                    Console.Error.WriteLine(
                        string.Create(CultureInfo.InvariantCulture, $"{current}{own} {100 * value.Done / value.Total:F0} %{rest}")
                    );
                }
            }
        }

        public void Finish()
        {
            if (current.Length > 0)
            {
                Console.Error.WriteLine(
                    string.Create(CultureInfo.InvariantCulture, $"{current} done in {stage.Elapsed.TotalSeconds:F1} s")
                );
            }
        }
    }
}
