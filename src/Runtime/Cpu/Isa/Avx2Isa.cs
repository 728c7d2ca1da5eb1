using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lorq.Runtime.Cpu.Isa;

/// <summary>
/// 256-bit vectors with AVX2 and FMA. <c>vpmaddubsw</c> sums pairs of byte products in 16 bits; <c>vpmaddwd</c> with ones widens the sums. Only instructions by name, so that
/// ahead-of-time compilation for an older baseline still emits them.
/// </summary>
internal readonly unsafe struct Avx2Isa : IKernelIsa<Vector256<byte>, Vector256<float>>
{
    public static string Name => "AVX2";
    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;
    public static int Lanes => 8;
    public static bool HasNarrowSums => true;
    public static int WideOffset => 128;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LoadBytes(byte* source) => Avx.LoadVector256(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* target, Vector256<byte> value) => Avx.Store(target, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* address) => Sse.Prefetch0(address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> BroadcastBytes(byte* source) => Avx2.BroadcastScalarToVector256((int*)source).AsByte();

    public static Vector256<byte> ZeroInt
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector256<byte>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> And(Vector256<byte> value, byte mask) => Avx2.And(value, Vector256.Create(mask));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Or(Vector256<byte> left, Vector256<byte> right) => Avx2.Or(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ShiftRight(Vector256<byte> value, [ConstantExpected] byte count) =>
        Avx2.ShiftRightLogical(value.AsUInt16(), count).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Dot(Vector256<byte> accumulator, Vector256<byte> codes, Vector256<byte> x) =>
        Avx2.Add(accumulator.AsInt16(), Avx2.MultiplyAddAdjacent(codes, x.AsSByte())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Dot(Vector256<byte> codes, Vector256<byte> x) => Avx2.MultiplyAddAdjacent(codes, x.AsSByte()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> DotWide(Vector256<byte> accumulator, Vector256<byte> codes, Vector256<byte> x)
    {
        // |w| ≤ 128 and |x| ≤ 127: two products fit 16 bits, which 255·127 would not.
        Vector256<sbyte> w = Avx2.Xor(codes, Vector256.Create((byte)0x80)).AsSByte();
        Vector256<short> pairs = Avx2.MultiplyAddAdjacent(Avx2.Abs(w), Avx2.Sign(x.AsSByte(), w));
        return Avx2.Add(accumulator.AsInt32(), Avx2.MultiplyAddAdjacent(pairs, Vector256.Create((short)1))).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Sum(Vector256<byte> accumulator) =>
        Avx2.MultiplyAddAdjacent(accumulator.AsInt16(), Vector256.Create((short)1)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Add(Vector256<byte> left, Vector256<byte> right) => Avx2.Add(left.AsInt32(), right.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ByteOfLane(Vector256<byte> value, [ConstantExpected] byte shift) =>
        shift switch
        {
            0 => Avx2.And(value, Vector256.Create(255).AsByte()),
            24 => Avx2.ShiftRightLogical(value.AsUInt32(), 24).AsByte(),
            _ => Avx2.And(Avx2.ShiftRightLogical(value.AsUInt32(), shift).AsByte(), Vector256.Create(255).AsByte()),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ToFloat(Vector256<byte> value) => Avx.ConvertToVector256Single(value.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Round(Vector256<float> value) => Avx.ConvertToVector256Int32(value).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNarrow(sbyte* target, Vector256<byte> value)
    {
        Vector128<short> words = Sse2.PackSignedSaturate(value.AsInt32().GetLower(), Avx2.ExtractVector128(value.AsInt32(), 1));
        Sse2.StoreScalar((long*)target, Sse2.PackSignedSaturate(words, words).AsInt64());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Total(Vector256<byte> value)
    {
        Vector128<int> v = Sse2.Add(value.AsInt32().GetLower(), Avx2.ExtractVector128(value.AsInt32(), 1));
        v = Sse2.Add(v, Sse2.Shuffle(v, 0b01_00_11_10));
        return Sse2.ConvertToInt32(Sse2.Add(v, Sse2.Shuffle(v, 0b10_11_00_01)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Avx.LoadVector256(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadHalf(Half* source)
    {
        // The exponent moves by multiplying with 2^112, which is exact; the sign rides along.
        Vector256<int> wide = Avx2.ShiftLeftLogical(Avx2.ConvertToVector256Int32((short*)source), 13);
        return Avx.Multiply(Avx2.And(wide, Vector256.Create(unchecked((int)0x8FFFE000))).AsSingle(), Vector256.Create(5.192297e33f));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadInt8(sbyte* source) => Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadInt16(short* source) => Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, Vector256<float> value) => Avx.Store(target, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float* source) => Avx.BroadcastScalarToVector256(source);

    public static Vector256<float> ZeroFloat
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector256<float>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> left, Vector256<float> right) => Avx.Multiply(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> left, Vector256<float> right) => Avx.Add(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> left, Vector256<float> right, Vector256<float> addend) =>
        Fma.MultiplyAdd(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> NegativeMultiplyAdd(Vector256<float> left, Vector256<float> right, Vector256<float> addend) =>
        Fma.MultiplyAddNegated(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MaxMagnitude(Vector256<float> left, Vector256<float> right) =>
        Avx2.Max(left.AsInt32(), Avx2.And(right.AsInt32(), Vector256.Create(0x7FFFFFFF))).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Vector256<float> value)
    {
        Vector128<int> v = Sse41.Max(value.AsInt32().GetLower(), Avx2.ExtractVector128(value.AsInt32(), 1));
        v = Sse41.Max(v, Sse2.Shuffle(v, 0b01_00_11_10));
        return Sse41.Max(v, Sse2.Shuffle(v, 0b10_11_00_01)).AsSingle().ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Lookup(float* table, Vector256<byte> index) => Avx2.GatherVector256(table, index.AsInt32(), 4);
}
