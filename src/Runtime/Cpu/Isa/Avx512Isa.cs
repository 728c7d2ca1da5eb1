using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lorq.Runtime.Cpu.Isa;

/// <summary>
/// 512-bit vectors with AVX-512 F and BW: the instructions of <see cref="Avx2Isa"/> at twice the width. .NET 10 offers no 512-bit <c>vpdpbusd</c> for AVX-512 VNNI
/// (only for AVX10.2), so that sums are 16-bit as with AVX2.
/// </summary>
internal readonly unsafe struct Avx512Isa : IKernelIsa<Vector512<byte>, Vector512<float>>
{
    public static string Name => "AVX-512 BW";
    public static bool IsSupported => Avx512BW.IsSupported && Avx2Isa.IsSupported;
    public static int Lanes => 16;
    public static bool HasNarrowSums => true;
    public static int WideOffset => 128;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> LoadBytes(byte* source) => Avx512F.LoadVector512(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* target, Vector512<byte> value) => Avx512F.Store(target, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* address) => Sse.Prefetch0(address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> BroadcastBytes(byte* source) => Vector512.Create(Unsafe.ReadUnaligned<int>(source)).AsByte();

    public static Vector512<byte> ZeroInt
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512<byte>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> And(Vector512<byte> value, byte mask) => Avx512F.And(value, Vector512.Create(mask));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Or(Vector512<byte> left, Vector512<byte> right) => Avx512F.Or(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ShiftRight(Vector512<byte> value, [ConstantExpected] byte count) =>
        Avx512BW.ShiftRightLogical(value.AsUInt16(), count).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Dot(Vector512<byte> accumulator, Vector512<byte> codes, Vector512<byte> x) =>
        Avx512BW.Add(accumulator.AsInt16(), Avx512BW.MultiplyAddAdjacent(codes, x.AsSByte())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Dot(Vector512<byte> codes, Vector512<byte> x) =>
        Avx512BW.MultiplyAddAdjacent(codes, x.AsSByte()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> DotWide(Vector512<byte> accumulator, Vector512<byte> codes, Vector512<byte> x)
    {
        // AVX-512 has no vpsignb: even and odd bytes as 16-bit numbers.
        Vector512<short> w = Avx512F.Xor(codes, Vector512.Create((byte)0x80)).AsInt16();
        Vector512<int> even = Avx512BW.MultiplyAddAdjacent(Even(w), Even(x.AsInt16()));
        Vector512<int> odd = Avx512BW.MultiplyAddAdjacent(
            Avx512BW.ShiftRightArithmetic(w, 8),
            Avx512BW.ShiftRightArithmetic(x.AsInt16(), 8)
        );
        return Avx512F.Add(accumulator.AsInt32(), Avx512F.Add(even, odd)).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Sum(Vector512<byte> accumulator) =>
        Avx512BW.MultiplyAddAdjacent(accumulator.AsInt16(), Vector512.Create((short)1)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Add(Vector512<byte> left, Vector512<byte> right) => Avx512F.Add(left.AsInt32(), right.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ByteOfLane(Vector512<byte> value, [ConstantExpected] byte shift) =>
        shift switch
        {
            0 => Avx512F.And(value.AsUInt32(), Vector512.Create(255u)).AsByte(),
            24 => Avx512F.ShiftRightLogical(value.AsUInt32(), 24).AsByte(),
            _ => Avx512F.And(Avx512F.ShiftRightLogical(value.AsUInt32(), shift), Vector512.Create(255u)).AsByte(),
        };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ToFloat(Vector512<byte> value) => Avx512F.ConvertToVector512Single(value.AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Round(Vector512<float> value) => Avx512F.ConvertToVector512Int32(value).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNarrow(sbyte* target, Vector512<byte> value) =>
        Sse2.Store(target, Avx512F.ConvertToVector128SByteWithSaturation(value.AsInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Total(Vector512<byte> value) =>
        Avx2Isa.Total(Avx2Isa.Add(value.GetLower(), Avx512F.ExtractVector256(value.AsInt32(), 1).AsByte()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source) => Avx512F.LoadVector512(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadHalf(Half* source)
    {
        // The exponent moves by multiplying with 2^112, which is exact; the sign rides along.
        Vector512<int> wide = Avx512F.ShiftLeftLogical(Avx512F.ConvertToVector512Int32(Avx.LoadVector256((short*)source)), 13);
        return Avx512F.Multiply(Avx512F.And(wide, Vector512.Create(unchecked((int)0x8FFFE000))).AsSingle(), Vector512.Create(5.192297e33f));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadInt8(sbyte* source) =>
        Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(Sse2.LoadVector128(source)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadInt16(short* source) =>
        Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(Avx.LoadVector256(source)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, Vector512<float> value) => Avx512F.Store(target, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float* source) => Vector512.Create(*source);

    public static Vector512<float> ZeroFloat
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512<float>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> left, Vector512<float> right) => Avx512F.Multiply(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> left, Vector512<float> right) => Avx512F.Add(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> left, Vector512<float> right, Vector512<float> addend) =>
        Avx512F.FusedMultiplyAdd(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> NegativeMultiplyAdd(Vector512<float> left, Vector512<float> right, Vector512<float> addend) =>
        Avx512F.FusedMultiplyAddNegated(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MaxMagnitude(Vector512<float> left, Vector512<float> right) =>
        Avx512F.Max(left.AsInt32(), Avx512F.And(right.AsInt32(), Vector512.Create(0x7FFFFFFF))).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Vector512<float> value) =>
        Avx2Isa.Largest(Avx2.Max(value.AsInt32().GetLower(), Avx512F.ExtractVector256(value.AsInt32(), 1)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Lookup(float* table, Vector512<byte> index) =>
        Vector512.Create(
            Avx2.GatherVector256(table, index.AsInt32().GetLower(), 4),
            Avx2.GatherVector256(table, Avx512F.ExtractVector256(index.AsInt32(), 1), 4)
        );

    /// <summary>The even bytes of 16-bit lanes, sign-extended.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Even(Vector512<short> value) => Avx512BW.ShiftRightArithmetic(Avx512BW.ShiftLeftLogical(value, 8), 8);
}
