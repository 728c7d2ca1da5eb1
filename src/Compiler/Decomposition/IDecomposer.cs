using Lorq.Quantization;

namespace Lorq.Decomposition;

/// <summary>A weight as a quantized base and a low-rank pair: Ŵ = Q + A·C.</summary>
/// <param name="Base">The codes Q; null for a low-rank pair alone.</param>
/// <param name="Factors">The pair; null when it does not lower the error.</param>
/// <param name="Loss">tr(EᵀHE)/tr(WᵀHW) for E = W − Ŵ with the stored (rounded) values; without a moment the squared Frobenius ratio. Columns are weighted in both where the problem weighs them, see <see cref="OutputMetric"/>.</param>
/// <param name="History">Loss after every round of an alternation, for the report; one entry for methods of one round.</param>
public sealed record Decomposed(QuantizedMatrix? Base, FactorPair? Factors, double Loss, IReadOnlyList<double> History);

/// <summary>A rule that splits a matrix into codes and a low-rank pair. One file per published method; all of them in <c>Decomposers.All</c>.</summary>
public interface IDecomposer
{
    /// <summary>As written in the spec: <c>svd</c>, <c>exact</c>, <c>lq-lora</c>, <c>alternation</c>.</summary>
    string Name { get; }

    /// <summary>One sentence for docs and <c>--help</c>.</summary>
    string Summary { get; }

    /// <summary>True when it is pointless without a second moment.</summary>
    bool NeedsCalibration { get; }

    /// <summary>True when it can do without a base (a null grid).</summary>
    bool SupportsNoBase { get; }

    /// <summary>Decomposes. Deterministic; single-threaded (sites run in parallel).</summary>
    /// <param name="problem">The matrix and its metric.</param>
    /// <param name="quantizer">Who rounds the base; ignored without a grid.</param>
    /// <param name="grid">The base's grid; null for a low-rank pair alone.</param>
    /// <param name="factors">Rank and storage of the pair.</param>
    /// <param name="cancellationToken">Stops within a round.</param>
    Decomposed Decompose(
        WeightProblem problem,
        IQuantizer quantizer,
        QuantizationGrid? grid,
        FactorShape factors,
        CancellationToken cancellationToken
    );

    /// <summary>The same for several pairs beside one base: what they have in common is done once.</summary>
    /// <returns>In the order of <paramref name="shapes"/>.</returns>
    /// <inheritdoc cref="Decompose(WeightProblem, IQuantizer, QuantizationGrid?, FactorShape, CancellationToken)" path="/param"/>
    IReadOnlyList<Decomposed> Decompose(
        WeightProblem problem,
        IQuantizer quantizer,
        QuantizationGrid? grid,
        IReadOnlyList<FactorShape> shapes,
        CancellationToken cancellationToken
    ) => [.. shapes.Select(s => Decompose(problem, quantizer, grid, s, cancellationToken))];
}
