namespace Lorq.Reports;

/// <summary>What a loss is, in words: for those who do not know the metric's id.</summary>
internal static class MetricText
{
    /// <summary>For example <c>relative squared error of the outputs</c>; the id when it is not known.</summary>
    /// <param name="metric">As in <see cref="LossFacts.Metric"/>.</param>
    public static string Of(string metric) =>
        metric switch
        {
            "bounded-kl" => "KL divergence, bounded per row (nats)",
            "relative-mse" => "relative squared error of the outputs",
            "mismatch" => "share of outputs that differ",
            "weighted-error" => "relative errors of the sites, by size",
            _ => metric,
        };
}
