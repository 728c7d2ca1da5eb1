using Lorq.Quantization;

namespace Lorq.Decomposition;

/// <summary>The methods of one round: quantize W, then correct what is left by one truncated SVD.</summary>
internal static class Correction
{
    /// <summary>Quantizes (or not, without a grid) and corrects: one SVD serves every pair.</summary>
    /// <param name="problem">The matrix and the metric in which the loss is measured.</param>
    /// <param name="quantizer">Who rounds the base.</param>
    /// <param name="grid">The base's grid; null for a low-rank pair alone.</param>
    /// <param name="shapes">Rank and storage of the pairs.</param>
    /// <param name="decompose">The truncated SVD of an error, in the metric of the method.</param>
    /// <param name="cancellationToken">Stops between products.</param>
    public static IReadOnlyList<Decomposed> Apply(
        WeightProblem problem,
        IQuantizer quantizer,
        QuantizationGrid? grid,
        IReadOnlyList<FactorShape> shapes,
        Func<float[], MetricSvd> decompose,
        CancellationToken cancellationToken
    )
    {
        var metric = new OutputMetric(problem);
        QuantizedMatrix? codes = grid is null ? null : quantizer.Quantize(problem, grid, cancellationToken);
        float[] error = metric.Error(codes);
        MetricSvd svd = decompose(error);
        return [.. shapes.Select(s => Apply(metric, codes, error, s, svd, cancellationToken))];
    }

    /// <summary>Corrects codes that are there already.</summary>
    /// <param name="metric">In which the loss is measured.</param>
    /// <param name="codes">The base; null for a low-rank pair alone.</param>
    /// <param name="error">What the base leaves.</param>
    /// <param name="shape">Rank and storage of the pair.</param>
    /// <param name="svd">Of the error, in the metric of the method.</param>
    /// <param name="cancellationToken">Stops between products.</param>
    public static Decomposed Apply(
        OutputMetric metric,
        QuantizedMatrix? codes,
        float[] error,
        FactorShape shape,
        MetricSvd svd,
        CancellationToken cancellationToken
    )
    {
        FactorPair pair = StoredPair.Of(svd, shape, cancellationToken);
        double corrected = metric.Loss(StoredPair.Subtract(error, pair));
        double plain = metric.Loss(error);
        // Without a base the pair is all there is.
        return codes is null || corrected < plain
            ? new Decomposed(codes, pair, corrected, [corrected])
            : new Decomposed(codes, null, plain, [plain]);
    }
}
