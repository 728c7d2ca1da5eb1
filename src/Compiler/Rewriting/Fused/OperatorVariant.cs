using System.Text;
using Lorq.Decomposition;
using Lorq.Quantization;
using Lorq.Sites;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting.Fused;

/// <summary>How blocks lie in a column.</summary>
internal enum BlockFit
{
    /// <summary>Every block is whole and K is a multiple of 8: codes are viewed as [rows, blocks, length].</summary>
    Even,

    /// <summary>One block, and codes are padded: cut to K, one scale for the row.</summary>
    Column,

    /// <summary>The last block is short, or codes are padded: cut to K, every weight finds its scale by an index.</summary>
    Short,
}

/// <summary>A run of rows on one grid in the body of a lookup.</summary>
/// <param name="Rows">Rows of the run.</param>
/// <param name="Length">Weights per row.</param>
/// <param name="BlockLength">Weights per block.</param>
/// <param name="Blocks">Blocks per row.</param>
/// <param name="Variant">The lookup in these rows alone.</param>
internal sealed record TableRun(int Rows, int Length, int BlockLength, int Blocks, OperatorVariant Variant);

/// <summary>A table cut into runs, as its body has it written in; equal when all runs are.</summary>
/// <param name="K">Weights per row.</param>
/// <param name="Runs">The runs in order.</param>
internal sealed record TableRuns(int K, IReadOnlyList<TableRun> Runs)
{
    /// <summary>A short name for overloads: rows and grid of every run.</summary>
    public string Key =>
        $"t{K}_" + string.Join('_', Runs.Select(r => $"{r.Rows}x{r.Variant.Overload}{(r.Blocks == 1 ? "" : $".{r.BlockLength}")}"));

    /// <inheritdoc />
    public bool Equals(TableRuns? other) => other is not null && K == other.K && Runs.SequenceEqual(other.Runs);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(K, Runs.Count, Runs[0]);
}

/// <summary>Everything that makes a different body of an operator; equal variants share one.</summary>
/// <param name="Operator">The operator's name.</param>
/// <param name="Bits">Bits per code.</param>
/// <param name="Fit">How blocks lie in a column.</param>
/// <param name="Block">Weights per block where the body names them: a product with even blocks, several to a column; otherwise 0.</param>
/// <param name="ZeroPoints">True when zero points are stored.</param>
/// <param name="PaddedZeroPoints">True when their number is no multiple of 8, so that what is stored ends in padding.</param>
/// <param name="Codebook">True when codes mean levels of a codebook.</param>
/// <param name="ScaleFactors">True when scales are 8-bit, times a factor per column.</param>
/// <param name="Factors">How the low-rank pair is stored; null for none.</param>
/// <param name="Bias">True when a bias is added.</param>
/// <param name="Half">True for fp16 results.</param>
/// <param name="Opset">The default-domain opset of the body.</param>
/// <param name="Table">The runs of a table that has several; null for one, and for products.</param>
internal sealed record OperatorVariant(
    string Operator,
    int Bits,
    BlockFit Fit,
    int Block,
    bool ZeroPoints,
    bool PaddedZeroPoints,
    bool Codebook,
    bool ScaleFactors,
    FactorType? Factors,
    bool Bias,
    bool Half,
    long Opset,
    TableRuns? Table = null
)
{
    /// <summary>The domain of the operators.</summary>
    public const string Domain = "ai.lorq";

    /// <summary>The product.</summary>
    public const string LowRankQMatMul = "LowRankQMatMul";

    /// <summary>The lookup.</summary>
    public const string QGather = "QGather";

    /// <summary>Version of the domain.</summary>
    public const int Version = 1;

    /// <summary>The <c>overload</c> that joins nodes and function.</summary>
    public string Overload
    {
        get
        {
            var key = new StringBuilder(Table is null ? GridKey : Table.Key);
            key.Append(
                Factors is null ? ""
                : Factors == FactorType.Int8 ? "i"
                : "l"
            );
            key.Append(Block == 0 ? "" : $"_{Block}");
            key.Append(Bias ? "b" : "").Append(Half ? "h" : "");
            return key.Append(Opset == Encodings.BitPlanes.RequiredOpset ? "" : $"o{Opset}").ToString();
        }
    }

    private string GridKey =>
        Bits
        + (ZeroPoints ? "z" : "")
        + (PaddedZeroPoints ? "p" : "")
        + (Codebook ? "n" : "")
        + (ScaleFactors ? "d" : "")
        + Fit switch
        {
            BlockFit.Column => "c",
            BlockFit.Short => "s",
            _ => "",
        };

    /// <summary>The variant that a lookup in a table of several runs needs; those of its runs are in it.</summary>
    /// <param name="site">The site.</param>
    /// <param name="segments">The runs.</param>
    /// <param name="factors">How its pair is stored; null for none.</param>
    /// <param name="opset">The default-domain opset of the reader's scope.</param>
    public static OperatorVariant OfTable(Site site, IReadOnlyList<WeightSegment> segments, FactorType? factors, long opset)
    {
        TableRun[] runs =
        [
            .. segments.Select(s => new TableRun(
                s.Columns,
                s.K,
                s.BlockLength,
                s.Blocks,
                Of(site, SiteKind.Gather, s, null, false, opset) with
                {
                    // The sum is rounded once.
                    Half = false,
                }
            )),
        ];
        return new(
            QGather,
            0,
            BlockFit.Even,
            0,
            runs.Any(r => r.Variant.ZeroPoints),
            false,
            runs.Any(r => r.Variant.Codebook),
            runs.Any(r => r.Variant.ScaleFactors),
            factors,
            false,
            site.Weight.ElementType == DataType.Float16,
            opset,
            new TableRuns(site.K, runs)
        );
    }

    /// <summary>The variant that a reader of a site needs.</summary>
    /// <param name="site">The site.</param>
    /// <param name="kind">What kind of reader.</param>
    /// <param name="segment">Its codes, or one run of them.</param>
    /// <param name="factors">How its pair is stored; null for none.</param>
    /// <param name="bias">True when the reader adds a bias.</param>
    /// <param name="opset">The default-domain opset of the reader's scope.</param>
    public static OperatorVariant Of(Site site, SiteKind kind, WeightSegment segment, FactorType? factors, bool bias, long opset)
    {
        QuantizationGrid grid = segment.Grid;
        BlockFit fit = Fitting(grid, site.K);
        bool named = kind != SiteKind.Gather && fit == BlockFit.Even && grid.BlockCount(site.K) > 1;
        return new(
            kind == SiteKind.Gather ? QGather : LowRankQMatMul,
            grid.Bits,
            fit,
            named ? grid.BlockSize : 0,
            segment.HasZeroPoints,
            segment.HasPaddedZeroPoints,
            grid.Kind == GridKind.NormalFloat,
            grid.HasScaleFactors,
            factors,
            bias,
            site.Weight.ElementType == DataType.Float16,
            opset
        );
    }

    private static BlockFit Fitting(QuantizationGrid grid, int k)
    {
        bool padded = k % Encodings.CodePacking.Granule != 0;
        bool whole = k % grid.BlockLength(k) == 0;
        return whole && !padded ? BlockFit.Even
            : grid.BlockCount(k) == 1 ? BlockFit.Column
            : BlockFit.Short;
    }
}
