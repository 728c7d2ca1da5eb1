using System.Numerics;

namespace Lorq.Quantization;

/// <summary>Rounds scales of a few columns to the type they are stored in, before any code is rounded with them.</summary>
/// <param name="type">The type.</param>
/// <param name="factors">What 8-bit scales are multiplied by, one per lane; of no account for other types.</param>
internal readonly struct ScaleRounding(ScaleType type, Vector<float> factors)
{
    /// <summary>The largest 8-bit scale. −128 is left out: a scale and its opposite are equally good.</summary>
    public const float LargestInt8 = 127;

    /// <summary>
    /// How far above the full range of a column's widest block its factor reaches: quantizers try scales beyond it, and fit them to weights that
    /// other blocks' errors were added to.
    /// </summary>
    private const float Headroom = 1.25f;

    private const float LargestHalf = 65504f;
    private const float SmallestNormalHalf = 6.103515625e-5f;
    private const float SmallestHalf = 5.9604644775390625e-8f;

    /// <summary>The rounding of the columns from one on.</summary>
    /// <param name="grid">Their grid.</param>
    /// <param name="factors">One factor per column; empty unless scales are 8-bit.</param>
    /// <param name="column">The first column.</param>
    public static ScaleRounding At(QuantizationGrid grid, ReadOnlySpan<float> factors, int column) =>
        new(grid.Scale, factors.IsEmpty ? Vector<float>.Zero : LaneBlock.Load(factors, column));

    /// <summary>The factor, an fp16 number, of a column whose scales on the full range are at most this large.</summary>
    public static float Factor(float largestScale)
    {
        if (largestScale == 0)
        {
            return 0;
        }
        float factor = largestScale * Headroom / LargestInt8;
        return Math.Clamp((float)(Half)Math.Min(factor, LargestHalf), SmallestHalf, LargestHalf);
    }

    /// <summary>
    /// The nearest storable scales (ties to even). A non-zero scale never becomes zero or infinite: it is held at the smallest or
    /// largest number of the type, so that a block of tiny weights does not vanish.
    /// </summary>
    public Vector<float> Round(Vector<float> scale) =>
        type switch
        {
            ScaleType.Float32 => scale,
            ScaleType.Int8 => RoundToMultiple(scale),
            _ => RoundToHalf(scale),
        };

    private Vector<float> RoundToMultiple(Vector<float> scale)
    {
        // A column without a factor is all zeros, and so are its scales.
        Vector<float> size = Vector.Round(Vector.Abs(scale) / factors);
        Vector<float> multiple = Vector.Min(Vector.Max(size, Vector<float>.One), Vector.Create(LargestInt8));
        Vector<int> isZero = Vector.Equals(scale, Vector<float>.Zero) | Vector.Equals(factors, Vector<float>.Zero);
        return Vector.ConditionalSelect(isZero, Vector<float>.Zero, Vector.CopySign(multiple * factors, scale));
    }

    private static Vector<float> RoundToHalf(Vector<float> scale)
    {
        Vector<float> size = Vector.Min(Vector.Abs(scale), Vector.Create(LargestHalf));
        // Normal numbers of fp16 keep 10 of the 23 fraction bits.
        Vector<uint> bits = Vector.AsVectorUInt32(size);
        Vector<uint> even = Vector.ShiftRightLogical(bits, 13) & Vector<uint>.One;
        Vector<float> normal = Vector.AsVectorSingle((bits + Vector.Create(0x0fffu) + even) & Vector.Create(0xffffe000u));
        // Below, the spacing is 2^-24, which is the spacing of fp32 numbers just above one half.
        Vector<float> subnormal = Vector.Max(size + Vector.Create(0.5f) - Vector.Create(0.5f), Vector.Create(SmallestHalf));
        Vector<float> rounded = Vector.ConditionalSelect(Vector.LessThan(size, Vector.Create(SmallestNormalHalf)), subnormal, normal);
        rounded = Vector.ConditionalSelect(Vector.Equals(size, Vector<float>.Zero), size, rounded);
        return Vector.CopySign(rounded, scale);
    }
}
