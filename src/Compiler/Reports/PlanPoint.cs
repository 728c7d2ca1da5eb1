namespace Lorq.Reports;

/// <summary>A plan beside the size–loss front, for its table and its picture.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">For readers.</param>
/// <param name="Bytes">Its file size.</param>
/// <param name="Predicted">Its predicted loss; null when unknown.</param>
/// <param name="Measured">Its measured loss; null when it was not run.</param>
internal sealed record PlanPoint(PlanKind Kind, string Name, long Bytes, double? Predicted, double? Measured)
{
    // Beyond these a logarithmic axis says nothing about a loss, and 0 has no place on it.
    private const double Least = 1e-30;
    private const double Most = 1e30;

    /// <summary>All plans of a report in order of size.</summary>
    public static IReadOnlyList<PlanPoint> Of(CompressionReport report)
    {
        FrontFacts front = report.Front ?? new FrontFacts([], []);
        var marks = new List<PlanPoint>();
        marks.AddRange(front.Points.Select(p => new PlanPoint(PlanKind.Front, "on the front", p.Bytes, p.PredictedLoss, p.MeasuredLoss)));
        marks.AddRange(front.Uniform.Select(u => new PlanPoint(PlanKind.Uniform, u.Name, u.Bytes, u.PredictedLoss, u.MeasuredLoss)));
        if (report.BestUniform is { } best && !front.Uniform.Any(u => u.Name == best.Name && u.Bytes == best.Bytes))
        {
            marks.Add(new PlanPoint(PlanKind.Uniform, best.Name, best.Bytes, null, best.Loss));
        }
        marks.Add(new PlanPoint(PlanKind.Chosen, "this file", report.Model.WrittenBytes, report.Loss.Predicted, report.Loss.Probed));
        return [.. marks.OrderBy(m => m.Bytes).ThenBy(m => m.Kind).ThenBy(m => m.Name, StringComparer.Ordinal)];
    }

    /// <summary>All plans of a sweep in order of size.</summary>
    public static IReadOnlyList<PlanPoint> Of(SweepReport report) =>
        [
            .. report
                .Points.Select(p => new PlanPoint(PlanKind.Front, "on the front", p.Bytes, p.PredictedLoss, p.MeasuredLoss))
                .Concat(report.Uniform.Select(u => new PlanPoint(PlanKind.Uniform, u.Name, u.Bytes, u.PredictedLoss, u.MeasuredLoss)))
                .OrderBy(m => m.Bytes)
                .ThenBy(m => m.Kind)
                .ThenBy(m => m.Name, StringComparer.Ordinal),
        ];

    /// <summary>True when a loss has a place on a logarithmic axis.</summary>
    public static bool IsDrawn(double? loss) => loss is > Least and < Most;
}

/// <summary>What a <see cref="PlanPoint"/> is.</summary>
internal enum PlanKind
{
    /// <summary>A plan of the solver at another budget.</summary>
    Front,

    /// <summary>A plan that treats all sites alike.</summary>
    Uniform,

    /// <summary>The plan of the written file.</summary>
    Chosen,
}
