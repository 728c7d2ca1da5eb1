using Lorq.Quantization;

namespace Lorq.Decomposition;

/// <summary>
/// Alternation of {quantize W − A·C, refit A·C exactly to W − Q}, from the best of several splits: the top k ranks of W in the metric are
/// taken out before the first quantization, k ∈ {0, r/4, r/2, r}, and all r ranks are spent on what it leaves. k = 0 is the exact correction of the
/// plainly quantized weight. Rounds stop at the first rise; the best iterate is kept.
/// </summary>
/// <param name="rounds">Quantizations at most, that of the start included.</param>
/// <param name="quarters">The splits, k = r·quarters/4.</param>
internal sealed class Alternation(int rounds, IReadOnlyList<int> quarters) : IDecomposer
{
    /// <inheritdoc />
    public string Name => "alternation";

    /// <inheritdoc />
    public string Summary => "Quantize and refit the exact low-rank part in turn, from the best of four splits between them.";

    /// <inheritdoc />
    public bool NeedsCalibration => true;

    /// <inheritdoc />
    public bool SupportsNoBase => false;

    /// <inheritdoc />
    /// <exception cref="ArgumentNullException">No grid.</exception>
    public Decomposed Decompose(
        WeightProblem problem,
        IQuantizer quantizer,
        QuantizationGrid? grid,
        FactorShape factors,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(grid);
        var metric = new OutputMetric(problem);
        Decomposed best = Starts(problem, factors)
            .Select(remainder => Round(problem, metric, quantizer, grid, remainder, factors, cancellationToken))
            .MinBy(start => start.Loss)!;
        var history = new List<double> { best.Loss };
        while (history.Count < rounds && best.Factors is { } pair)
        {
            float[] remainder = StoredPair.Subtract(problem.Weight, pair);
            Decomposed next = Round(problem, metric, quantizer, grid, remainder, factors, cancellationToken);
            history.Add(next.Loss);
            if (!(next.Loss < best.Loss))
            {
                break;
            }
            best = next;
        }
        return best with { History = history };

        IEnumerable<float[]> Starts(WeightProblem whole, FactorShape shape)
        {
            int[] ranks = [.. quarters.Select(q => shape.Rank * q / 4).Distinct()];
            MetricSvd? svd = Array.Exists(ranks, rank => rank > 0)
                ? new MetricSvd(whole.Weight, whole.K, whole.N, whole.Moment, whole.ColumnWeights, cancellationToken)
                : null;
            foreach (int rank in ranks)
            {
                yield return rank == 0
                    ? whole.Weight
                    : StoredPair.Subtract(whole.Weight, StoredPair.Of(svd!, shape with { Rank = rank }, cancellationToken));
            }
        }
    }

    private static Decomposed Round(
        WeightProblem problem,
        OutputMetric metric,
        IQuantizer quantizer,
        QuantizationGrid grid,
        float[] remainder,
        FactorShape factors,
        CancellationToken cancellationToken
    )
    {
        QuantizedMatrix codes = quantizer.Quantize(problem with { Weight = remainder }, grid, cancellationToken);
        float[] error = metric.Error(codes);
        var svd = new MetricSvd(error, problem.K, problem.N, problem.Moment, problem.ColumnWeights, cancellationToken);
        return Correction.Apply(metric, codes, error, factors, svd, cancellationToken);
    }
}
