namespace Lorq.Checks;

/// <summary>
/// How far one output of a compressed model is from the original's. A row is what the last axis holds (a scalar is a row of
/// one); masked rows do not count. All sums are in fp64.
/// </summary>
/// <param name="Name">The output's name.</param>
/// <param name="ElementType">ONNX element type of the original's output in lower case, for example <c>float</c>; <c>undefined</c> for sequences and maps, which are not compared.</param>
/// <param name="ClassAxis">What the last axis means.</param>
/// <param name="Rows">Rows that count: not masked, and finite in the original.</param>
/// <param name="MaskedRows">Rows left out because the mask is 0 there.</param>
/// <param name="Cosine">Mean over rows of the cosine between original and compressed; 1 for two zero rows, 0 for one. Null when the output is not floating-point or has no rows.</param>
/// <param name="RelativeMse">Σ(a−b)² / Σa² over all rows; +∞ when the compressed output is not finite somewhere, or differs from an all-zero original. Null like <paramref name="Cosine"/>.</param>
/// <param name="MaxAbsError">max |a−b|. Null like <paramref name="Cosine"/>.</param>
/// <param name="Kl">Mean over rows of KL(original‖compressed) in nats; null without a class axis.</param>
/// <param name="Top1">Share of rows whose most probable class agrees; null without a class axis.</param>
/// <param name="ExactShare">Share of elements that are equal; only for outputs that are not floating-point.</param>
/// <param name="OriginalNotFiniteRows">Rows left out because the original holds NaN, or an infinity that the compressed output does not repeat. (Equal infinities at equal places, such as −∞ for suppressed classes, are left out of the row instead.)</param>
/// <param name="CompressedNotFiniteRows">Rows in which only the compressed output holds NaN or an infinity.</param>
/// <param name="ShapeMismatches">Batches in which the two shapes differ; there the compressed output counts as all zeros.</param>
public sealed record OutputDivergence(
    string Name,
    string ElementType,
    ClassAxis ClassAxis,
    long Rows,
    long MaskedRows,
    double? Cosine,
    double? RelativeMse,
    double? MaxAbsError,
    double? Kl,
    double? Top1,
    double? ExactShare,
    long OriginalNotFiniteRows,
    long CompressedNotFiniteRows,
    int ShapeMismatches
)
{
    /// <summary>
    /// Mean over rows of KL / (1 + KL / c) with c = <see cref="KlBound"/>: like <see cref="Kl"/> for small divergences, but one row whose
    /// best class flips counts at most c. On a few hundred rows a plain mean is ruled by such rows, and says little about a plan.
    /// Null without a class axis.
    /// </summary>
    public double? BoundedKl { get; init; }

    /// <summary>What one row can add to <see cref="BoundedKl"/>, in nats.</summary>
    public const double KlBound = 0.25;
}
