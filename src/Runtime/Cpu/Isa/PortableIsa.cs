using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lorq.Runtime.Cpu.Isa;

/// <summary>128-bit vectors through the portable API: whatever the processor has, and plain code where it has nothing.</summary>
internal readonly unsafe struct PortableIsa : IKernelIsa<Vector128<byte>, Vector128<float>>
{
    public static string Name => "portable";
    public static bool IsSupported => true;
    public static int Lanes => 4;
    public static bool HasNarrowSums => false;
    public static int WideOffset => 128;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> LoadBytes(byte* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* target, Vector128<byte> value) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* address)
    {
        // .NET has no such instruction for Arm.
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(address);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> BroadcastBytes(byte* source) => Vector128.Create(Unsafe.ReadUnaligned<int>(source)).AsByte();

    public static Vector128<byte> ZeroInt
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector128<byte>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> And(Vector128<byte> value, byte mask) => value & Vector128.Create(mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Or(Vector128<byte> left, Vector128<byte> right) => left | right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ShiftRight(Vector128<byte> value, [ConstantExpected] byte count) => (value.AsUInt16() >>> count).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Dot(Vector128<byte> accumulator, Vector128<byte> codes, Vector128<byte> x)
    {
        // Bytes 0 and 2 of a lane, then 1 and 3, as 16-bit numbers; their products' sum fits 16 bits.
        Vector128<short> even = (codes & Vector128.Create((ushort)0x00FF).AsByte()).AsInt16() * ((x.AsInt16() << 8) >> 8);
        Vector128<short> odd = (codes.AsUInt16() >>> 8).AsInt16() * (x.AsInt16() >> 8);
        return AddHalves(accumulator, even + odd);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Dot(Vector128<byte> codes, Vector128<byte> x) => Dot(ZeroInt, codes, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> DotWide(Vector128<byte> accumulator, Vector128<byte> codes, Vector128<byte> x)
    {
        Vector128<short> w = (codes ^ Vector128.Create((byte)0x80)).AsInt16();
        Vector128<short> products = ((w << 8) >> 8) * ((x.AsInt16() << 8) >> 8) + (w >> 8) * (x.AsInt16() >> 8);
        return AddHalves(accumulator, products);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Sum(Vector128<byte> accumulator) => accumulator;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Add(Vector128<byte> left, Vector128<byte> right) => (left.AsInt32() + right.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ByteOfLane(Vector128<byte> value, [ConstantExpected] byte shift) =>
        ((value.AsUInt32() >>> shift) & Vector128.Create(255u)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> ToFloat(Vector128<byte> value) => Vector128.ConvertToSingle(value.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Round(Vector128<float> value) => Vector128.ConvertToInt32(Vector128.Round(value)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNarrow(sbyte* target, Vector128<byte> value)
    {
        Vector128<short> words = Vector128.NarrowWithSaturation(value.AsInt32(), value.AsInt32());
        Unsafe.WriteUnaligned(target, Vector128.NarrowWithSaturation(words, words).AsInt32().ToScalar());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Total(Vector128<byte> value) => Vector128.Sum(value.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* source) => Vector128.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadHalf(Half* source)
    {
        // The exponent moves by multiplying with 2^112, which is exact; the sign rides along.
        Vector128<int> wide = Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<long>(source)).AsInt16()) << 13;
        return (wide & Vector128.Create(unchecked((int)0x8FFFE000))).AsSingle() * Vector128.Create(5.192297e33f);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadInt8(sbyte* source) =>
        Vector128.ConvertToSingle(
            Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<int>(source)).AsSByte()))
        );

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadInt16(short* source) =>
        Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<long>(source)).AsInt16()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, Vector128<float> value) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Broadcast(float* source) => Vector128.Create(*source);

    public static Vector128<float> ZeroFloat
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector128<float>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Multiply(Vector128<float> left, Vector128<float> right) => left * right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> left, Vector128<float> right) => left + right;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> left, Vector128<float> right, Vector128<float> addend) =>
        Vector128.MultiplyAddEstimate(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> NegativeMultiplyAdd(Vector128<float> left, Vector128<float> right, Vector128<float> addend) =>
        Vector128.MultiplyAddEstimate(-left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MaxMagnitude(Vector128<float> left, Vector128<float> right) =>
        Vector128.Max(left.AsInt32(), right.AsInt32() & Vector128.Create(0x7FFFFFFF)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Vector128<float> value)
    {
        Vector128<int> v = value.AsInt32();
        v = Vector128.Max(v, Vector128.Shuffle(v, Vector128.Create(2, 3, 0, 1)));
        return Vector128.Max(v, Vector128.Shuffle(v, Vector128.Create(1, 0, 3, 2))).AsSingle().ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Lookup(float* table, Vector128<byte> index)
    {
        Vector128<int> at = index.AsInt32();
        return Vector128.Create(table[at.GetElement(0)], table[at.GetElement(1)], table[at.GetElement(2)], table[at.GetElement(3)]);
    }

    /// <summary>Adds both 16-bit halves of every lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> AddHalves(Vector128<byte> accumulator, Vector128<short> pairs) =>
        (accumulator.AsInt32() + ((pairs.AsInt32() << 16) >> 16) + (pairs.AsInt32() >> 16)).AsByte();
}
