namespace Lorq.Runtime.Cpu;

/// <summary>What one call of a tile function works on: tiles of as many rows of x as the function has, one after the other, against one panel of columns.</summary>
internal unsafe struct TileWork
{
    /// <summary>Tiles.</summary>
    public int Tiles;

    /// <summary>The panel's codes: packed, or one a byte as <c>[unit][step][vector]</c>; or floats as <c>[k][column]</c>.</summary>
    public byte* Weights;

    /// <summary>Where <see cref="Weights"/> is null: float16 as <c>[k][column]</c>.</summary>
    public Half* HalfWeights;

    /// <summary>Units of codes, or k of floats.</summary>
    public int Length;

    /// <summary>The scales of the first unit's block, one row of panel columns per block; where <see cref="Scales"/> is null float16, or 8-bit.</summary>
    public float* Scales;
    public Half* HalfScales;
    public sbyte* ByteScales;

    /// <summary>What the panel's columns multiply 8-bit scales by.</summary>
    public float* ScaleFactors;

    /// <summary>The zero points beside the scales, or null.</summary>
    public short* Zeros;
    public int UnitsPerBlock;

    /// <summary>The first tile's activation codes and sums, and how many of them each row has.</summary>
    public sbyte* Codes;
    public float* Sums;
    public nint CodesStride;
    public nint SumsStride;

    /// <summary>Exact activations, and the distance of their rows.</summary>
    public float* X;
    public nint XStride;

    /// <summary>What the sums start with, and the distance of the rows.</summary>
    public float* From;
    public nint FromStride;

    /// <summary>Where they go.</summary>
    public float* To;
    public nint ToStride;
}
