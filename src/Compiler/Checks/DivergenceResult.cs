using System.Text.Json.Serialization;

namespace Lorq.Checks;

/// <summary>How far a compressed model is from the original on a set of samples.</summary>
/// <param name="Outputs">Per output, in the model's order.</param>
/// <param name="Samples">Samples compared. A batch counts as one sample when its inputs do not share a first dimension.</param>
/// <param name="WorstSamples">The five samples with the largest relative MSE, worst first.</param>
public sealed record DivergenceResult(IReadOnlyList<OutputDivergence> Outputs, long Samples, IReadOnlyList<SampleDivergence> WorstSamples)
{
    /// <summary>
    /// The one number that site weights ω and plans are judged by (quantization.md, "What ω is"): the mean bounded KL over the outputs
    /// with a class axis; without one the mean relative MSE over the floating-point outputs; without any the mean share of
    /// elements that differ. 0 when nothing was compared, +∞ when the compressed model is not finite where the original is.
    /// </summary>
    public double Loss => Mean(o => o.BoundedKl) ?? Mean(o => o.RelativeMse) ?? Mean(o => 1 - o.ExactShare) ?? 0;

    /// <summary>What <see cref="Loss"/> is: <c>bounded-kl</c>, <c>relative-mse</c>, <c>mismatch</c>, or <c>none</c>.</summary>
    public string LossMetric =>
        Outputs.Any(o => o.Kl is not null) ? "bounded-kl"
        : Outputs.Any(o => o.RelativeMse is not null) ? "relative-mse"
        : Outputs.Any(o => o.ExactShare is not null) ? "mismatch"
        : "none";

    /// <summary>True when no row of the compressed model holds NaN or an infinity that the original does not have.</summary>
    [JsonIgnore]
    public bool IsFinite => Outputs.All(o => o.CompressedNotFiniteRows == 0);

    /// <summary>The mean over the outputs that have a figure; null when none has.</summary>
    public double? Mean(Func<OutputDivergence, double?> figure)
    {
        double[] values = [.. Outputs.Select(figure).OfType<double>()];
        return values.Length == 0 ? null : values.Sum() / values.Length;
    }
}

/// <summary>One sample's divergence over all outputs that have the sample axis first.</summary>
/// <param name="Index">Position in the data set, from 0, over all batches in order.</param>
/// <param name="RelativeMse">Σ(a−b)² / Σa² over the sample's rows of all floating-point outputs; the share of differing elements when there are none.</param>
/// <param name="Cosine">Mean cosine over the sample's rows; null without floating-point outputs.</param>
/// <param name="Kl">Mean KL over the sample's rows with a class axis, in nats; null without any.</param>
public sealed record SampleDivergence(long Index, double RelativeMse, double? Cosine, double? Kl);
