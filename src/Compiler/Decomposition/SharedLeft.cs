using System.Numerics.Tensors;
using Lorq.Numerics;
using Lorq.Quantization;

namespace Lorq.Decomposition;

/// <summary>
/// Pairs with one left factor for several matrices that meet the same input. A comes from the metric SVD of the matrices side by side; each matrix has
/// the right factor that is best for that A. The codes are made of what the pair leaves, then the right factor is fitted to what the codes leave.
/// </summary>
internal sealed class SharedLeft : IDecomposer
{
    private static readonly float LargestHalf = (float)Half.MaxValue;

    private readonly Lazy<Dictionary<FactorShape, Factor>> lefts;

    /// <summary>Prepares a group; nothing is computed before the first pair is asked for.</summary>
    /// <param name="shapes">The pairs that can be asked for.</param>
    /// <param name="stack">The matrices side by side, decomposed.</param>
    public SharedLeft(IReadOnlyList<FactorShape> shapes, Func<MetricSvd> stack) =>
        lefts = new(() =>
        {
            MetricSvd svd = stack();
            return shapes.ToDictionary(s => s, s => Left(svd, s));
        });

    /// <inheritdoc />
    public string Name => "shared";

    /// <inheritdoc />
    public string Summary => "One left factor for all sites that read the same input, and a right factor for each.";

    /// <inheritdoc />
    public bool NeedsCalibration => false;

    /// <inheritdoc />
    public bool SupportsNoBase => true;

    /// <inheritdoc />
    public Decomposed Decompose(
        WeightProblem problem,
        IQuantizer quantizer,
        QuantizationGrid? grid,
        FactorShape factors,
        CancellationToken cancellationToken
    )
    {
        Factor left = lefts.Value[factors];
        float[] fit = RightFit.Of(left.Values, problem.K, factors.Rank, problem.Moment, cancellationToken);
        var metric = new OutputMetric(problem);
        FactorPair pair = Pair(problem.Weight);
        float[] remainder = StoredPair.Subtract(problem.Weight, pair);
        if (grid is null)
        {
            double alone = metric.Loss(remainder);
            return new Decomposed(null, pair, alone, [alone]);
        }
        QuantizedMatrix codes = quantizer.Quantize(problem with { Weight = remainder }, grid, cancellationToken);
        float[] error = metric.Error(codes);
        FactorPair again = Pair(error);
        double first = metric.Loss(StoredPair.Subtract(error, pair));
        double second = metric.Loss(StoredPair.Subtract(error, again));
        return second < first ? new Decomposed(codes, again, second, [first, second]) : new Decomposed(codes, pair, first, [first]);

        FactorPair Pair(float[] matrix)
        {
            var right = new float[factors.Rank * problem.N];
            Linear.Multiply(
                new MatrixView<float>(fit, factors.Rank, problem.K),
                new MatrixView<float>(matrix, problem.K, problem.N),
                new MatrixView<float>(right, factors.Rank, problem.N)
            );
            TensorPrimitives.Clamp(right, -LargestHalf, LargestHalf, right);
            return new FactorPair(factors, left, Factor.Store(factors.Type, right, factors.Rank, problem.N, scalePerRow: false));
        }
    }

    private static Factor Left(MetricSvd svd, FactorShape shape)
    {
        float[] left = svd.Factors(shape.Rank).Left;
        TensorPrimitives.Clamp(left, -LargestHalf, LargestHalf, left);
        return Factor.Store(shape.Type, left, left.Length / shape.Rank, shape.Rank, scalePerRow: true);
    }
}
