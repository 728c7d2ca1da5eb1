using Lorq.Quantization;

namespace Lorq.Decomposition;

/// <summary>
/// The low-rank pair that is optimal for the layer's output (Zhang et al. 2024, QERA-exact; the same optimum as the eigenspace projection of
/// Liu et al. 2024, EoRA): truncated SVD of Lcᵀ(W − Q), see <see cref="MetricSvd"/>.
/// </summary>
internal sealed class ExactSvd : IDecomposer
{
    /// <inheritdoc />
    public string Name => "exact";

    /// <inheritdoc />
    public string Summary =>
        "Truncated SVD of what rounding leaves in the layer's output (QERA-exact, EoRA): the best pair for given codes.";

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
    ) => Decompose(problem, quantizer, grid, [factors], cancellationToken)[0];

    /// <inheritdoc />
    public IReadOnlyList<Decomposed> Decompose(
        WeightProblem problem,
        IQuantizer quantizer,
        QuantizationGrid? grid,
        IReadOnlyList<FactorShape> shapes,
        CancellationToken cancellationToken
    ) =>
        Correction.Apply(
            problem,
            quantizer,
            grid,
            shapes,
            error => new MetricSvd(error, problem.K, problem.N, problem.Moment, problem.ColumnWeights, cancellationToken),
            cancellationToken
        );
}
