using System.Xml.Linq;

namespace Lorq.Reports.Html;

/// <summary>Predicted against measured loss of every plan that was run.</summary>
internal static class AgreementSection
{
    private const string TableId = "agreement-table";
    private const double Height = 280;

    /// <summary>Within this factor a prediction counts as right; probing stops there.</summary>
    private const double Tolerance = 1.3;

    /// <summary>The section; null when nothing was both predicted and measured.</summary>
    public static Section? Of(CompressionReport report)
    {
        Trial[] trials = [.. Trials(report)];
        if (trials.Length == 0)
        {
            return null;
        }
        var table = new HtmlTable(
            TableId,
            "Predicted and measured loss",
            false,
            "plan",
            ">predicted",
            ">measured",
            ">measured over predicted"
        );
        foreach (Trial t in trials)
        {
            table.Row(
                t.Name,
                Figures.Loss(t.Predicted),
                Figures.Loss(t.Measured),
                t.Predicted > 0 ? Figures.Factor(t.Measured / t.Predicted) : "–"
            );
        }
        Trial[] drawn = [.. trials.Where(t => PlanPoint.IsDrawn(t.Predicted) && PlanPoint.IsDrawn(t.Measured))];
        return new Section(
            "agreement",
            "Prediction",
            drawn.Length == 0
                ? table.Build()
                : Figure.Of(
                    $"Each point is a plan that was run on the {Figures.Count(report.Calibration.ProbeSamples, "sample")} of the probes, before its weights were fitted to each other: its {MetricText.Of(report.Loss.Metric)}, both axes logarithmic. On the line the prediction was right, in the band it was within a factor of {Figures.Tick(Tolerance)}."
                        + (report.Loss.Limit is null ? "" : " Rounds are files, run on the held-out samples."),
                    Draw(drawn),
                    Figure.Legend(Legend(drawn)),
                    Figure.Data("Data of this chart", table.Build())
                )
        );
    }

    private static IEnumerable<Trial> Trials(CompressionReport r)
    {
        foreach (PlanPoint m in PlanPoint.Of(r).Where(m => m.Kind != PlanKind.Chosen))
        {
            if (m is { Predicted: double predicted, Measured: double measured })
            {
                string name = m.Kind == PlanKind.Front ? $"front, {Figures.Bytes(m.Bytes)}" : m.Name;
                yield return new Trial(name, m.Kind == PlanKind.Front ? "front-dot" : "uniform-dot", predicted, measured);
            }
        }
        foreach (RoundFacts round in r.RoundHistory)
        {
            if (round.Measured is double measured)
            {
                yield return new Trial($"round {round.Round}", "round-dot", round.Predicted, measured);
            }
        }
        if (r.Loss.Probed is double loss)
        {
            yield return new Trial("this plan", "chosen", r.Loss.Predicted, loss);
        }
    }

    private static IEnumerable<(string, string)> Legend(Trial[] trials)
    {
        string[] marks = [.. trials.Select(t => t.Mark)];
        return new[]
        {
            ("chosen", "this plan"),
            ("round-dot", "round of probing"),
            ("front-dot", "front"),
            ("uniform-dot", "uniform plan"),
        }.Where(e => marks.Contains(e.Item1));
    }

    private static XElement Draw(Trial[] trials)
    {
        double[] all = [.. trials.SelectMany(t => new[] { t.Predicted, t.Measured })];
        // Some room around, so that no mark sits on the frame.
        var scale = LogScale.Decimal([all.Min() / Tolerance, all.Max() * Tolerance]);
        double Down(double loss) => Height * (1 - scale.Position(loss));
        (double low, double high) = (scale.Start, scale.End);
        var plot = new Plot(Height);
        plot.Curve(
            "band",
            [
                (0, Down(low)),
                (0, Down(low * Tolerance)),
                (scale.Position(high / Tolerance), Down(high)),
                (1, Down(high)),
                (1, Down(high / Tolerance)),
                (scale.Position(low * Tolerance), Down(low)),
            ],
            isClosed: true
        );
        plot.Rows(scale, 0, Height, Figures.Tick).Columns(scale, Figures.Tick);
        plot.Curve("diagonal", [(0, Height), (1, 0)]);
        plot.Label("axis-title", 0, -10, "start", "measured").Label("axis-title", 1, Height + 36, "end", "predicted");
        foreach (Trial t in trials)
        {
            plot.Dot(t.Mark, scale.Position(t.Predicted), Down(t.Measured), t.Mark == "chosen" ? 7 : 5);
        }
        double worst = trials.Max(t => Math.Max(t.Measured / t.Predicted, t.Predicted / t.Measured));
        return plot.Build(
            "agreement-chart",
            "axes square",
            "Predicted against measured loss",
            $"{Figures.Count(trials.Length, "plan")}; the farthest from its prediction by {Figures.Factor(worst)}.",
            TableId
        );
    }

    private sealed record Trial(string Name, string Mark, double Predicted, double Measured);
}
