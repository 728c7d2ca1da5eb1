namespace Lorq.Runtime.Cpu;

/// <summary>
/// What one call of a tile function works on: tiles, each of as many rows of x as the function has against one panel of columns. What differs from tile to tile,
/// rows or panel, is where pointers move by their steps.
/// </summary>
internal unsafe struct TileWork
{
    /// <summary>Tiles.</summary>
    public nint Tiles;

    /// <summary>The panel's codes: packed, or one a byte as <c>[unit][step][vector]</c>; or floats as <c>[k][column]</c>. The step, of <see cref="HalfWeights"/> too, is in bytes.</summary>
    public byte* Weights;
    public nint WeightsStep;

    /// <summary>Where <see cref="Weights"/> is null: float16 as <c>[k][column]</c>.</summary>
    public Half* HalfWeights;

    /// <summary>Units of codes, or k of floats.</summary>
    public int Length;

    /// <summary>The scales of the first unit's block, one row of panel columns per block; where <see cref="Scales"/> is null float16, or 8-bit.</summary>
    public float* Scales;
    public Half* HalfScales;
    public sbyte* ByteScales;

    /// <summary>What the panel's columns multiply 8-bit scales by; the step is a panel's width.</summary>
    public float* ScaleFactors;

    /// <summary>The zero points beside the scales, or null.</summary>
    public short* Zeros;

    /// <summary>The step of scales and zero points, in numbers.</summary>
    public nint ScaleStep;

    /// <summary>Units that share a scale.</summary>
    public int UnitsPerBlock;

    /// <summary>The tile's activation codes, and the entries of their runs.</summary>
    public sbyte* Codes;
    public nint CodesStep;
    public float* Sums;
    public nint SumsStep;

    /// <summary>Exact activations, and the distance of their rows.</summary>
    public float* X;
    public nint XStride;
    public nint XStep;

    /// <summary>What the tile's sums start with, and the distance of its rows.</summary>
    public float* From;
    public nint FromStride;
    public nint FromStep;

    /// <summary>Where they go.</summary>
    public float* To;
    public nint ToStride;
    public nint ToStep;
}
