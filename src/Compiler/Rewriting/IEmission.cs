using Lorq.Decomposition;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Sites;

namespace Lorq.Rewriting;

/// <summary>How a weight is stored in the written file.</summary>
public abstract record Encoding
{
    /// <summary>As it was.</summary>
    public sealed record Keep : Encoding
    {
        /// <inheritdoc />
        public override string ToString() => "keep";
    }

    /// <summary>fp16 on disk, cast back to the original type at load.</summary>
    public sealed record Half : Encoding
    {
        /// <inheritdoc />
        public override string ToString() => "fp16";
    }

    /// <summary>A low-rank pair alone, without codes.</summary>
    public sealed record LowRank : Encoding
    {
        /// <inheritdoc />
        public override string ToString() => "low rank";
    }

    /// <summary>Codes on a grid.</summary>
    public sealed record Quantized(QuantizationGrid Grid) : Encoding
    {
        /// <inheritdoc />
        public override string ToString() => Grid.ToString();
    }
}

/// <summary>
/// What replaces one weight. For <see cref="Encoding.Quantized"/>, <see cref="Segments"/> cover the columns in order: one for the
/// whole matrix, several when an embedding's rows (columns of the view) get different grids.
/// </summary>
/// <param name="Site">The site.</param>
/// <param name="Segments">Column runs in order; empty for keep, fp16 and a low-rank pair alone.</param>
/// <param name="Encoding">Keep, Half, LowRank or (the first segment's) Quantized.</param>
/// <param name="Factors">The low-rank pair that is added to the codes, or stands alone; null for none.</param>
public sealed record CompressedWeight(Site Site, Encoding Encoding, IReadOnlyList<QuantizedMatrix> Segments, FactorPair? Factors = null)
{
    /// <summary>True when its products take activations exactly where they would otherwise round them (<see cref="IEmission.RoundsActivations"/>).</summary>
    public bool ExactActivations { get; init; }
}

/// <summary>The same without values: enough to know the bytes.</summary>
/// <param name="Encoding">Keep, Half, LowRank or Quantized.</param>
/// <param name="Segments">Grid and number of columns, in order.</param>
/// <param name="Factors">The low-rank pair; null for none.</param>
public sealed record WeightShape(
    Encoding Encoding,
    IReadOnlyList<(QuantizationGrid Grid, int Columns)> Segments,
    FactorShape? Factors = null
);

/// <summary>A way to write compressed weights into a graph: <c>ort</c>, <c>onnx</c>, <c>fused</c>. All of them in <see cref="Emissions.All"/>.</summary>
public interface IEmission
{
    /// <summary>As written in the spec's <c>target</c>.</summary>
    string Name { get; }

    /// <summary>One sentence for docs and <c>--help</c>.</summary>
    string Summary { get; }

    /// <summary>Why this model gets fewer encodings than the target knows (its opset cannot be raised), for the report; null when it gets all.</summary>
    string? Limitation(OnnxModel model);

    /// <summary>True when this target can store the site on this grid (in this model, at the opset it will have).</summary>
    bool Supports(OnnxModel model, Site site, QuantizationGrid grid);

    /// <summary>True when the columns of the site may be cut into segments with different grids.</summary>
    bool SupportsSegments(Site site);

    /// <summary>True when this target can store the site with a low-rank pair: beside codes on the grid, or alone when it is null.</summary>
    bool SupportsFactors(OnnxModel model, Site site, QuantizationGrid? grid);

    /// <summary>
    /// True when the site, with a low-rank pair beside codes on this grid (alone when it is null), can share its left factor with other
    /// sites that read the same input (<see cref="FactorShape.SharedBy"/>). False where the pair is added to the weight at load: there
    /// every site stores its own.
    /// </summary>
    bool SupportsSharedLeft(OnnxModel model, Site site, QuantizationGrid? grid);

    /// <summary>
    /// True when products with the site, on this grid, round their activations to int8 where the session says nothing else, unless
    /// <see cref="CompressedWeight.ExactActivations"/> is set. Which of the two is written takes no bytes.
    /// </summary>
    bool RoundsActivations(OnnxModel model, Site site, QuantizationGrid grid);

    /// <summary>
    /// Change of the written file's size, in bytes, when the site is stored this way instead of as it was (0 for keep;
    /// normally negative). Additive over sites, plus <see cref="FixedBytes"/>; shapes that several sites can share are counted for
    /// each, so a sum is an upper bound.
    /// </summary>
    long BytesDelta(OnnxModel model, Site site, WeightShape shape);

    /// <summary>
    /// What this emission adds at most once when any weight is compressed: opset imports, shared constants, converted nodes. An upper
    /// bound, because constants of encodings that nobody chose are not written; <see cref="PlanBytesDelta"/> is exact.
    /// </summary>
    long FixedBytes(OnnxModel model);

    /// <summary>Change of the written file's size for a whole plan (up to a few bytes of length prefixes).</summary>
    long PlanBytesDelta(OnnxModel model, IReadOnlyList<(Site Site, WeightShape Shape)> plan);

    /// <summary>Rewrites a clone of the model; the original is not changed.</summary>
    OnnxModel Rewrite(OnnxModel model, IReadOnlyList<CompressedWeight> weights, CancellationToken cancellationToken);
}

/// <summary>The emissions there are.</summary>
public static class Emissions
{
    /// <summary>Every emission; to add one, write its file and add its line.</summary>
    public static IReadOnlyList<IEmission> All { get; } = [new OrtEmission(), new OnnxEmission(), new FusedEmission()];
}
