using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Lorq.Runtime.Cpu.Isa;

/// <summary>AVX2 with the 256-bit <c>vpdpbusd</c> (AVX-VNNI): four products and their sum in one instruction, in 32 bits.</summary>
internal readonly unsafe struct AvxVnniIsa : IKernelIsa<Vector256<byte>, Vector256<float>>
{
    public static string Name => "AVX-VNNI";
    public static bool IsSupported => AvxVnni.IsSupported && Avx2Isa.IsSupported;
    public static int Lanes => 8;
    public static bool HasNarrowSums => false;
    public static int WideOffset => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LoadBytes(byte* source) => Avx2Isa.LoadBytes(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* target, Vector256<byte> value) => Avx2Isa.StoreBytes(target, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* address) => Avx2Isa.Prefetch(address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> BroadcastBytes(byte* source) => Avx2Isa.BroadcastBytes(source);

    public static Vector256<byte> ZeroInt
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector256<byte>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> And(Vector256<byte> value, byte mask) => Avx2Isa.And(value, mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Or(Vector256<byte> left, Vector256<byte> right) => Avx2Isa.Or(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ShiftRight(Vector256<byte> value, [ConstantExpected] byte count) => Avx2Isa.ShiftRight(value, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Dot(Vector256<byte> accumulator, Vector256<byte> codes, Vector256<byte> x) =>
        AvxVnni.MultiplyWideningAndAdd(accumulator.AsInt32(), codes, x.AsSByte()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Dot(Vector256<byte> codes, Vector256<byte> x) => Dot(ZeroInt, codes, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> DotWide(Vector256<byte> accumulator, Vector256<byte> codes, Vector256<byte> x) =>
        Dot(accumulator, codes, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Sum(Vector256<byte> accumulator) => accumulator;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Add(Vector256<byte> left, Vector256<byte> right) => Avx2Isa.Add(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ByteOfLane(Vector256<byte> value, [ConstantExpected] byte shift) => Avx2Isa.ByteOfLane(value, shift);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ToFloat(Vector256<byte> value) => Avx2Isa.ToFloat(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Round(Vector256<float> value) => Avx2Isa.Round(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNarrow(sbyte* target, Vector256<byte> value) => Avx2Isa.StoreNarrow(target, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Total(Vector256<byte> value) => Avx2Isa.Total(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Avx2Isa.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadHalf(Half* source) => Avx2Isa.LoadHalf(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadInt8(sbyte* source) => Avx2Isa.LoadInt8(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadInt16(short* source) => Avx2Isa.LoadInt16(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, Vector256<float> value) => Avx2Isa.Store(target, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float* source) => Avx2Isa.Broadcast(source);

    public static Vector256<float> ZeroFloat
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector256<float>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> left, Vector256<float> right) => Avx2Isa.Multiply(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> left, Vector256<float> right) => Avx2Isa.Add(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> left, Vector256<float> right, Vector256<float> addend) =>
        Avx2Isa.MultiplyAdd(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> NegativeMultiplyAdd(Vector256<float> left, Vector256<float> right, Vector256<float> addend) =>
        Avx2Isa.NegativeMultiplyAdd(left, right, addend);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MaxMagnitude(Vector256<float> left, Vector256<float> right) => Avx2Isa.MaxMagnitude(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Vector256<float> value) => Avx2Isa.Largest(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Lookup(float* table, Vector256<byte> index) => Avx2Isa.Lookup(table, index);
}
