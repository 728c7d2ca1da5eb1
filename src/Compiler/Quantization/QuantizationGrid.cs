namespace Lorq.Quantization;

/// <summary>What a code means.</summary>
public enum GridKind
{
    /// <summary>Evenly spaced: <c>w = (code − zeroPoint)·scale</c>.</summary>
    Integer,

    /// <summary>NormalFloat codebook (QLoRA, LQ-LoRA): <c>w = codebook[code]·scale</c>, scale = absmax of the block.</summary>
    NormalFloat,
}

/// <summary>How a scale is stored.</summary>
public enum ScaleType
{
    /// <summary>fp32, 4 bytes.</summary>
    Float32,

    /// <summary>fp16, 2 bytes.</summary>
    Float16,

    /// <summary>
    /// int8 times an fp16 factor of the column: 1 byte, and 2 per column. Double quantization (QLoRA section 3) with the blocks of a column as
    /// the second block; signed, since scales are.
    /// </summary>
    Int8,
}

/// <summary>A grid: how codes, scales and zero points stand for weights. Blocks run along K within one column.</summary>
/// <param name="Kind">Integer or codebook.</param>
/// <param name="Bits">Bits per code: 2, 3, 4, 5, 6 or 8.</param>
/// <param name="BlockSize">Weights of one column that share a scale; 0 means the whole column (K).</param>
/// <param name="Symmetric">No stored zero point: it is 2^(bits−1). Always true for a codebook.</param>
/// <param name="Scale">How scales are stored; quantizers round scales to this type before they round codes.</param>
public sealed record QuantizationGrid(GridKind Kind, int Bits, int BlockSize, bool Symmetric, ScaleType Scale)
{
    /// <summary>Number of code values.</summary>
    public int Levels => 1 << Bits;

    /// <summary>True when a whole zero point is stored beside every scale.</summary>
    public bool HasZeroPoint => Kind == GridKind.Integer && !Symmetric;

    /// <summary>True when scales are multiples of an fp16 factor per column, which is stored too.</summary>
    public bool HasScaleFactors => Scale == ScaleType.Int8;

    /// <summary>The block length for a column of K weights.</summary>
    public int BlockLength(int k) => BlockSize == 0 ? k : Math.Min(BlockSize, k);

    /// <summary>Blocks in a column of K weights.</summary>
    public int BlockCount(int k) => BlockSize == 0 ? 1 : (k + BlockSize - 1) / BlockSize;

    /// <summary>A short name for tables, for example <c>4b·32</c>, <c>3b·64 asym</c>, <c>nf4·64</c>.</summary>
    public override string ToString() =>
        (Kind == GridKind.NormalFloat ? $"nf{Bits}" : $"{Bits}b")
        + (BlockSize == 0 ? "·col" : $"·{BlockSize}")
        + (Kind == GridKind.Integer && !Symmetric ? " asym" : "")
        + Scale switch
        {
            ScaleType.Float32 => " s32",
            ScaleType.Int8 => " s8",
            _ => "",
        };
}
