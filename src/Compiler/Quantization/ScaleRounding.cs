using System.Numerics;

namespace Lorq.Quantization;

/// <summary>Rounds scales to the type they are stored in, before any code is rounded with them.</summary>
internal static class ScaleRounding
{
    private const float LargestHalf = 65504f;
    private const float SmallestNormalHalf = 6.103515625e-5f;
    private const float SmallestHalf = 5.9604644775390625e-8f;

    /// <summary>
    /// The nearest storable scales (ties to even). A non-zero scale never becomes zero or infinite: it is held at the smallest or
    /// largest number of the type, so that a block of tiny weights does not vanish.
    /// </summary>
    public static Vector<float> Round(Vector<float> scale, ScaleType type)
    {
        if (type == ScaleType.Float32)
        {
            return scale;
        }
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
