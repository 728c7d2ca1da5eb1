namespace Lorq.Reports.Html;

/// <summary>The picture of sizes and losses, on the page and in a file of its own.</summary>
internal sealed class FrontChart
{
    private const double Height = 260;

    /// <summary>The front is drawn down to the least loss of another plan, and this factor beyond it.</summary>
    private const double Beyond = 4;

    /// <summary>What fits beside the axis on a phone.</summary>
    private const int LongestTitle = 38;

    private readonly IReadOnlyList<PlanPoint> plans;
    private readonly long? budget;
    private readonly double least;
    private readonly Scale x;
    private readonly Scale y;

    private FrontChart(IReadOnlyList<PlanPoint> plans, long? budget)
    {
        this.plans = plans;
        this.budget = budget;
        least = Floor(plans);
        // Plans without a place on the axis of losses do not stretch the axis of sizes.
        x = LogScale.Tight(plans.Where(IsDrawn).Select(m => (double)m.Bytes));
        y = LogScale.Decimal(plans.Where(IsDrawn).SelectMany(Losses));
    }

    /// <summary>The chart; null when no plan has a place in it.</summary>
    /// <param name="plans">In order of size.</param>
    /// <param name="budget">Bytes the file may have; null without.</param>
    public static FrontChart? Of(IReadOnlyList<PlanPoint> plans, long? budget) =>
        plans.Any(m => m.Bytes > 0 && Losses(m).Any()) ? new FrontChart(plans, budget) : null;

    /// <summary>Plans without a positive loss, and those with so little that they would only flatten the picture.</summary>
    public int Absent => plans.Count(m => !IsDrawn(m));

    /// <summary>Where a size stands, 0 at the left and 1 at the right.</summary>
    public double Place(long bytes) => bytes > 0 ? Math.Clamp(x.Position(bytes), 0, 1) : 0;

    /// <summary>What the marks mean, for those that are there.</summary>
    public IEnumerable<(string Mark, string Meaning)> Legend()
    {
        bool Has(PlanKind kind, Func<PlanPoint, double?> loss) => plans.Any(m => m.Kind == kind && PlanPoint.IsDrawn(loss(m)));
        return new (string, string, bool)[]
        {
            ("chosen", "this file", plans.Any(m => m.Kind == PlanKind.Chosen && IsDrawn(m))),
            ("front-line", "best plan of each size, predicted", true),
            ("front-dot", "best plan, measured", Has(PlanKind.Front, m => m.Measured)),
            ("uniform-open", "uniform plan, predicted", Has(PlanKind.Uniform, m => m.Predicted)),
            ("uniform-dot", "uniform plan, measured", Has(PlanKind.Uniform, m => m.Measured)),
            ("budget-line", "budget", budget is { } bytes and > 0 && x.Position(bytes) is >= 0 and <= 1),
        }
            .Where(e => e.Item3)
            .Select(e => (e.Item1, e.Item2));
    }

    /// <summary>Draws it.</summary>
    /// <param name="loss">What the losses are, for the axis.</param>
    public Plot Draw(string loss)
    {
        Plot plot = new Plot(Height).Rows(y, 0, Height, Figures.Tick).Columns(x, Figures.TickBytes);
        plot.Label("axis-title", 0, -10, "start", Figures.Shorten(SafeText.Line(loss), LongestTitle))
            .Label("axis-title", 1, Height + 36, "end", "file size");
        if (budget is { } bytes and > 0 && x.Position(bytes) is >= 0 and <= 1 and var limit)
        {
            plot.Line("budget", limit, 0, limit, Height);
        }
        plot.Curve(
            "front-line",
            plans
                .Where(m => m.Kind == PlanKind.Front && IsDrawn(m) && PlanPoint.IsDrawn(m.Predicted))
                .Select(m => (x.Position(m.Bytes), Down(m.Predicted!.Value)))
        );
        foreach (PlanPoint m in plans.Where(IsDrawn).OrderBy(m => m.Kind == PlanKind.Front ? 1 : (int)m.Kind * 2))
        {
            double at = x.Position(m.Bytes);
            if (m.Kind == PlanKind.Chosen)
            {
                Chosen(plot, m, at);
                continue;
            }
            if (PlanPoint.IsDrawn(m.Predicted) && m.Kind == PlanKind.Uniform)
            {
                plot.Dot("uniform-open", at, Down(m.Predicted!.Value), 4);
            }
            if (PlanPoint.IsDrawn(m.Measured))
            {
                plot.Dot(m.Kind == PlanKind.Front ? "front-dot" : "uniform-dot", at, Down(m.Measured!.Value), 4);
            }
        }
        return plot;
    }

    private void Chosen(Plot plot, PlanPoint plan, double at)
    {
        double? loss = PlanPoint.IsDrawn(plan.Measured) ? plan.Measured : plan.Predicted;
        if (PlanPoint.IsDrawn(loss))
        {
            plot.Dot("chosen", at, Down(loss!.Value), 7);
            // The front falls, and no plan is below it: free is what is below at the left.
            (string side, string anchor, double shift) = at > 0.15 ? ("left", "end", 20) : ("right", "start", -12);
            plot.Label("mark-label " + side, at, Down(loss.Value) + shift, anchor, "this file");
        }
    }

    private double Down(double loss) => Height * (1 - y.Position(loss));

    private bool IsDrawn(PlanPoint plan) => plan.Bytes > 0 && Losses(plan).Any(l => l >= least);

    /// <summary>The front goes on to where nothing is lost; beside a chosen plan, what is far below it and all uniform plans is left out.</summary>
    private static double Floor(IReadOnlyList<PlanPoint> plans)
    {
        double[] shown = [.. plans.Where(m => m.Kind != PlanKind.Front && m.Bytes > 0).SelectMany(Losses)];
        return plans.Any(m => m.Kind == PlanKind.Chosen) ? shown.DefaultIfEmpty(0).Min() / Beyond : 0;
    }

    private static IEnumerable<double> Losses(PlanPoint plan) =>
        new[] { plan.Predicted, plan.Measured }.Where(PlanPoint.IsDrawn).Select(l => l!.Value);
}
