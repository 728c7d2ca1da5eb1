using Lorq.Decomposition;
using Lorq.Sites;

namespace Lorq.Rewriting;

/// <summary>What is to become of one site: the shape of it, with values when there are any (none while only measuring bytes).</summary>
/// <param name="Site">The site.</param>
/// <param name="Encoding">How the weight is stored.</param>
/// <param name="Segments">Column runs in order; empty when there are no codes.</param>
/// <param name="Factors">The low-rank part; null for none.</param>
internal sealed record PlannedWeight(Site Site, Encoding Encoding, IReadOnlyList<WeightSegment> Segments, PlannedFactors? Factors)
{
    /// <summary>True when its products take activations exactly.</summary>
    public bool ExactActivations { get; private init; }

    /// <summary>A compressed weight, with values.</summary>
    public static PlannedWeight Of(CompressedWeight weight) =>
        new(
            weight.Site,
            weight.Encoding,
            WeightSegment.Of(weight),
            weight.Factors is { } pair ? new PlannedFactors(pair.Shape, pair) : null
        )
        {
            ExactActivations = weight.ExactActivations,
        };

    /// <summary>A shape, to be measured.</summary>
    public static PlannedWeight Measured(Site site, WeightShape shape) =>
        new(
            site,
            shape.Encoding,
            [.. shape.Segments.Select(s => new WeightSegment(s.Grid, site.K, s.Columns, null))],
            shape.Factors is { } factors ? new PlannedFactors(factors, null) : null
        );
}

/// <summary>A low-rank pair: its shape, and its values when there are any (none while only measuring bytes).</summary>
/// <param name="Shape">Rank and storage.</param>
/// <param name="Pair">The values; null while measuring.</param>
internal sealed record PlannedFactors(FactorShape Shape, FactorPair? Pair)
{
    /// <summary>The values; only while writing.</summary>
    public FactorPair Values => Pair ?? throw new InvalidOperationException("A measured pair has no values.");
}
