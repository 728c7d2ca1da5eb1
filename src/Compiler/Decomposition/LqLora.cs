using Lorq.Quantization;

namespace Lorq.Decomposition;

/// <summary>
/// LQ-LoRA (Guo et al. 2024, algorithm 1): from Q = 0, A·C ← truncated SVD of W − Q, Q ← the quantized W − A·C, until the loss rises, hardly falls, or 100
/// rounds. Unlike the published code it returns the best iterate, not the one after the rise. The SVD's metric is that of the problem: without
/// a second moment the published one (Frobenius), with it the layer's output.
/// </summary>
internal sealed class LqLora : IDecomposer
{
    private const int MostRounds = 100;

    /// <summary>A round that takes less than this share off the loss is the last: dozens of them would follow, which gain a per cent together.</summary>
    private const double LeastGain = 0.002;

    /// <inheritdoc />
    public string Name => "lq-lora";

    /// <inheritdoc />
    public string Summary => "LQ-LoRA: the low-rank part first, so that outliers leave the grid; both in turn until the loss rises.";

    /// <inheritdoc />
    public bool NeedsCalibration => false;

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
        var history = new List<double>();
        float[] rest = problem.Weight;
        Decomposed? best = null;
        while (history.Count < MostRounds)
        {
            var svd = new MetricSvd(rest, problem.K, problem.N, problem.Moment, problem.ColumnWeights, cancellationToken);
            FactorPair pair = StoredPair.Of(svd, factors, cancellationToken);
            float[] remainder = StoredPair.Subtract(problem.Weight, pair);
            QuantizedMatrix codes = quantizer.Quantize(problem with { Weight = remainder }, grid, cancellationToken);
            rest = metric.Error(codes);
            double loss = metric.Loss(StoredPair.Subtract(rest, pair));
            history.Add(loss);
            if (best is not null && !(loss < best.Loss))
            {
                break;
            }
            bool isLast = best is not null && loss > (1 - LeastGain) * best.Loss;
            best = new Decomposed(codes, pair, loss, history);
            if (isLast)
            {
                break;
            }
        }
        return best!;
    }
}
