using Lorq.Quantization;

namespace Lorq.Decomposition;

/// <summary>The methods of one round: quantize W, then correct what is left by one truncated SVD.</summary>
internal static class Correction
{
    /// <summary>Quantizes (or not, without a grid) and corrects.</summary>
    /// <param name="problem">The matrix and the metric in which the loss is measured.</param>
    /// <param name="quantizer">Who rounds the base.</param>
    /// <param name="grid">The base's grid; null for a low-rank pair alone.</param>
    /// <param name="shape">Rank and storage of the pair.</param>
    /// <param name="decompose">The truncated SVD of an error, in the metric of the method.</param>
    /// <param name="cancellationToken">Stops between products.</param>
    public static Decomposed Apply(
        WeightProblem problem,
        IQuantizer quantizer,
        QuantizationGrid? grid,
        FactorShape shape,
        Func<float[], MetricSvd> decompose,
        CancellationToken cancellationToken
    )
    {
        var metric = new OutputMetric(problem);
        QuantizedMatrix? codes = grid is null ? null : quantizer.Quantize(problem, grid, cancellationToken);
        return Apply(metric, codes, shape, decompose, cancellationToken);
    }

    /// <summary>Corrects codes that are there already.</summary>
    /// <inheritdoc cref="Apply(WeightProblem, IQuantizer, QuantizationGrid?, FactorShape, Func{float[], MetricSvd}, CancellationToken)"/>
    public static Decomposed Apply(
        OutputMetric metric,
        QuantizedMatrix? codes,
        FactorShape shape,
        Func<float[], MetricSvd> decompose,
        CancellationToken cancellationToken
    )
    {
        float[] error = metric.Error(codes);
        FactorPair pair = StoredPair.Of(decompose(error), shape, cancellationToken);
        double corrected = metric.Loss(StoredPair.Subtract(error, pair));
        double plain = metric.Loss(error);
        // Without a base the pair is all there is.
        return codes is null || corrected < plain
            ? new Decomposed(codes, pair, corrected, [corrected])
            : new Decomposed(codes, null, plain, [plain]);
    }
}
