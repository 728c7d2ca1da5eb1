using System.Globalization;
using Lorq.Diagnostics;
using Lorq.Specs;

namespace Lorq.Checks;

/// <summary>Holds a measured divergence against the accuracy limit of a spec. With several outputs, the worst one counts.</summary>
public static class AccuracyCheck
{
    /// <summary>True when the limit is met.</summary>
    /// <exception cref="LorqException">LORQ0802: the metric cannot be measured on these outputs.</exception>
    public static bool IsMet(AccuracyLimit limit, DivergenceResult result)
    {
        double measured = Measured(limit, result);
        return IsAtLeast(limit) ? measured >= limit.Limit : measured <= limit.Limit;
    }

    /// <summary>Passes, or fails the run.</summary>
    /// <param name="limit">The limit; null when the spec sets none.</param>
    /// <param name="result">The divergence on held-out samples; null when there was no data to measure it on.</param>
    /// <param name="hint">What would meet the limit, as a sentence (for example the next larger budget that does); null when nothing is known.</param>
    /// <returns>The measured figure; null without a limit.</returns>
    /// <exception cref="LorqException">LORQ0801: missed; says what was measured and the hint. LORQ0802: the metric cannot be measured.</exception>
    public static double? Require(AccuracyLimit? limit, DivergenceResult? result, string? hint = null)
    {
        if (limit is null)
        {
            return null;
        }
        if (result is null)
        {
            throw Catalogue.AccuracyMetricUnavailable.With(limit.Metric, "there is no calibration data to run the models on.");
        }
        double measured = Measured(limit, result);
        return IsMet(limit, result)
            ? measured
            : throw Catalogue.AccuracyLimitMissed.With(
                limit.Metric,
                IsAtLeast(limit) ? "≥" : "≤",
                Number(limit.Limit),
                Number(measured),
                string.IsNullOrEmpty(hint) ? "" : " " + hint
            );
    }

    private static bool IsAtLeast(AccuracyLimit limit) => limit.Metric is "cosine" or "top1";

    private static double Measured(AccuracyLimit limit, DivergenceResult result)
    {
        Func<OutputDivergence, double?> figure = limit.Metric switch
        {
            "cosine" => o => o.Cosine,
            "relative-mse" => o => o.RelativeMse,
            "kl" => o => o.Kl,
            "top1" => o => o.Top1,
            _ => throw Catalogue.AccuracyMetricUnavailable.With(limit.Metric, "there are cosine, relative-mse, kl and top1."),
        };
        double[] values = [.. result.Outputs.Select(figure).OfType<double>()];
        if (values.Length == 0)
        {
            string outputs = string.Join(", ", result.Outputs.Select(o => o.Name));
            string others = limit.Metric is "kl" or "top1"
                ? "has a class axis; cosine and relative-mse may exist."
                : "is floating-point and has rows.";
            throw Catalogue.AccuracyMetricUnavailable.With(limit.Metric, $"none of the outputs ({outputs}) {others}");
        }
        return IsAtLeast(limit) ? values.Min() : values.Max();
    }

    private static string Number(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
}
