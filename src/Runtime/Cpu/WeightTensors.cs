namespace Lorq.Runtime.Cpu;

/// <summary>Numbers that are float32 or float16 in the model and stay so in memory.</summary>
/// <param name="Single">The numbers as float32, or null.</param>
/// <param name="Half">The numbers as float16, or null.</param>
internal readonly record struct FloatArray(float[]? Single, Half[]? Half)
{
    /// <summary>How many there are.</summary>
    public int Length => Single?.Length ?? Half?.Length ?? 0;

    /// <summary>Whether they are float16.</summary>
    public bool IsHalf => Half is not null;

    /// <summary>One of them.</summary>
    public float this[int index] => Single is { } single ? single[index] : (float)Half![index];
}

/// <summary>The codes of a quantized matrix, column by column.</summary>
internal interface ICodeColumns
{
    /// <summary>Reads the codes of column <paramref name="column"/>, one a byte, for k from 0 to <c>codes.Length</c>.</summary>
    void Read(int column, Span<byte> codes);
}

/// <summary>Everything a node holds: <c>y = x·dequant(Q) + (x·L1)·L2 + bias</c>, <c>dequant = (code − zero)·scale</c> or <c>codebook[code]·scale</c>.</summary>
internal sealed record WeightTensors
{
    /// <summary>Rows of the weight: length of the dot products.</summary>
    public required int K { get; init; }

    /// <summary>Columns of the weight.</summary>
    public required int N { get; init; }

    /// <summary>Bits per code: 2, 3, 4, 5, 6 or 8.</summary>
    public required int Bits { get; init; }

    /// <summary>Consecutive k that share a scale: 16, 32, 64, 128, 256, or 0 for the whole column.</summary>
    public required int Block { get; init; }

    /// <summary>The codes.</summary>
    public required ICodeColumns Codes { get; init; }

    /// <summary>Scale of block b of column n at <c>n·Blocks + b</c>; empty with <see cref="ByteScales"/>.</summary>
    public FloatArray Scales { get; init; }

    /// <summary>8-bit scales in the same order, each times its column's <see cref="ScaleFactors"/>; null where <see cref="Scales"/> holds them.</summary>
    public sbyte[]? ByteScales { get; init; }

    /// <summary>N numbers beside <see cref="ByteScales"/>.</summary>
    public float[]? ScaleFactors { get; init; }

    /// <summary>Zero points in the order of the scales; null means <c>2^(Bits − 1)</c> everywhere.</summary>
    public byte[]? Zeros { get; init; }

    /// <summary>The <c>2^Bits</c> numbers that codes stand for, or null where codes are integers.</summary>
    public float[]? Codebook { get; init; }

    /// <summary>Columns of L1 and rows of L2; 0 without a low-rank pair.</summary>
    public int Rank { get; init; }

    /// <summary>K×Rank, row by row.</summary>
    public FloatArray L1 { get; init; }

    /// <summary>Rank×N, row by row.</summary>
    public FloatArray L2 { get; init; }

    /// <summary>N numbers, or null.</summary>
    public float[]? Bias { get; init; }

    /// <summary>The scale of a block, by its place in the order of <see cref="Scales"/>.</summary>
    public float ScaleAt(int index) => ByteScales is { } bytes ? bytes[index] * ScaleFactors![index / Blocks] : Scales[index];

    /// <summary>Blocks per column.</summary>
    public int Blocks => Block == 0 ? 1 : (K + Block - 1) / Block;
}
