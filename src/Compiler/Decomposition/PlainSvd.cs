using Lorq.Quantization;

namespace Lorq.Decomposition;

/// <summary>
/// Truncated SVD of W − Q (of W without a base): the Frobenius optimum (Eckart–Young). It ignores the data even where there are some; only the
/// reported loss knows them.
/// </summary>
internal sealed class PlainSvd : IDecomposer
{
    /// <inheritdoc />
    public string Name => "svd";

    /// <inheritdoc />
    public string Summary => "Truncated SVD of what rounding leaves: least squared error of the weights, whatever the data.";

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
            error => new MetricSvd(error, problem.K, problem.N, cancellationToken: cancellationToken),
            cancellationToken
        );
}
