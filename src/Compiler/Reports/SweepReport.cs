using System.Globalization;
using System.Text;
using Lorq.Menu;
using Lorq.Rewriting;

namespace Lorq.Reports;

/// <summary>The size–loss front of a model.</summary>
/// <param name="Model">The model's path.</param>
/// <param name="OriginalBytes">Its size.</param>
/// <param name="Target">The emission.</param>
/// <param name="Metric">What losses are, as <see cref="LossFacts.Metric"/>.</param>
/// <param name="Points">The best plan of each size, ascending in bytes.</param>
/// <param name="Uniform">Plans that treat all sites alike, ascending in bytes; the loss is predicted.</param>
/// <param name="Stages">Time per stage.</param>
public sealed record SweepReport(
    string Model,
    long OriginalBytes,
    string Target,
    string Metric,
    IReadOnlyList<SweepPoint> Points,
    IReadOnlyList<UniformPoint> Uniform,
    IReadOnlyList<StageTime> Stages
)
{
    /// <summary>Joins the stages' records.</summary>
    internal static SweepReport Of(
        Subject subject,
        IEmission emission,
        IReadOnlyList<FrontPlan> points,
        IReadOnlyList<UniformPlan> uniform,
        string metric,
        StageClock clock
    )
    {
        long weights = subject.Table.Sites.Sum(s => s.Count);
        long stored = subject.Table.Sites.Sum(s => s.StoredBytes);
        return new SweepReport(
            subject.Model.Path,
            subject.Model.FileBytes,
            emission.Name,
            metric,
            [
                .. points.Select(p => new SweepPoint(
                    p.Solved.PredictedBytes,
                    8.0 * (stored + p.Solved.PredictedBytes - subject.Model.FileBytes) / weights,
                    p.Solved.PredictedLoss,
                    p.Measured,
                    p.Solved.Solution.Gap
                )),
            ],
            [.. uniform.Select(u => new UniformPoint(u.Name, u.Bytes, u.Predicted, null))],
            [.. clock.Stages.Select(s => new StageTime(s.Stage, s.Elapsed.TotalSeconds, s.PeakBytes))]
        );
    }

    /// <summary>Comma-separated values with a heading line: every point, then every uniform plan.</summary>
    public string ToCsv()
    {
        var text = new StringBuilder("plan,bytes,bits_per_weight,predicted_loss,measured_loss,certified_gap\n");
        foreach (SweepPoint p in Points)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"best,{p.Bytes},{p.BitsPerWeight:F4},{p.PredictedLoss:R},{(p.MeasuredLoss is { } m ? m.ToString("R", CultureInfo.InvariantCulture) : "")},{p.Gap:R}\n"
            );
        }
        foreach (UniformPoint u in Uniform)
        {
            text.Append(CultureInfo.InvariantCulture, $"{u.Name},{u.Bytes},,{u.PredictedLoss:R},,\n");
        }
        return text.ToString();
    }
}

/// <summary>A point of the front.</summary>
/// <param name="Bytes">Size of the file.</param>
/// <param name="BitsPerWeight">Stored bits per weight of the sites, on average.</param>
/// <param name="PredictedLoss">Σ ω·ℓ.</param>
/// <param name="MeasuredLoss">On the samples of the probes, weights refined as <c>compress</c> does; null when not verified.</param>
/// <param name="Gap">Certified gap to the best plan there is.</param>
public sealed record SweepPoint(long Bytes, double BitsPerWeight, double PredictedLoss, double? MeasuredLoss, double Gap);
