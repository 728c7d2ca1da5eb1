using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Lorq.Runtime.Cpu.Isa;

/// <summary>Arm64: the portable 128-bit vectors with <c>sdot</c>, which sums four signed products per lane, and fused multiply-add.</summary>
internal readonly unsafe struct ArmIsa : IKernelIsa<Vector128<byte>, Vector128<float>>
{
    public static string Name => "AdvSimd with dot product";
    public static bool IsSupported => Dp.IsSupported;
    public static int Lanes => 4;
    public static bool HasNarrowSums => false;
    public static int WideOffset => 128;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> LoadBytes(byte* source) => PortableIsa.LoadBytes(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreBytes(byte* target, Vector128<byte> value) => PortableIsa.StoreBytes(target, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(byte* address) => PortableIsa.Prefetch(address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> BroadcastBytes(byte* source) => PortableIsa.BroadcastBytes(source);

    public static Vector128<byte> ZeroInt
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector128<byte>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> And(Vector128<byte> value, byte mask) => PortableIsa.And(value, mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Or(Vector128<byte> left, Vector128<byte> right) => PortableIsa.Or(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ShiftRight(Vector128<byte> value, [ConstantExpected] byte count) => PortableIsa.ShiftRight(value, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Dot(Vector128<byte> accumulator, Vector128<byte> codes, Vector128<byte> x) =>
        Dp.DotProduct(accumulator.AsInt32(), codes.AsSByte(), x.AsSByte()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Dot(Vector128<byte> codes, Vector128<byte> x) => Dot(ZeroInt, codes, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> DotWide(Vector128<byte> accumulator, Vector128<byte> codes, Vector128<byte> x) =>
        Dp.DotProduct(accumulator.AsInt32(), (codes ^ Vector128.Create((byte)0x80)).AsSByte(), x.AsSByte()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Sum(Vector128<byte> accumulator) => accumulator;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Add(Vector128<byte> left, Vector128<byte> right) => PortableIsa.Add(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ByteOfLane(Vector128<byte> value, [ConstantExpected] byte shift) => PortableIsa.ByteOfLane(value, shift);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> ToFloat(Vector128<byte> value) => PortableIsa.ToFloat(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Round(Vector128<float> value) => PortableIsa.Round(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreNarrow(sbyte* target, Vector128<byte> value) => PortableIsa.StoreNarrow(target, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Total(Vector128<byte> value) => PortableIsa.Total(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* source) => PortableIsa.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadHalf(Half* source) => PortableIsa.LoadHalf(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadInt8(sbyte* source) => PortableIsa.LoadInt8(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadInt16(short* source) => PortableIsa.LoadInt16(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, Vector128<float> value) => PortableIsa.Store(target, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Broadcast(float* source) => PortableIsa.Broadcast(source);

    public static Vector128<float> ZeroFloat
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector128<float>.Zero;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Multiply(Vector128<float> left, Vector128<float> right) => PortableIsa.Multiply(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> left, Vector128<float> right) => PortableIsa.Add(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> left, Vector128<float> right, Vector128<float> addend) =>
        AdvSimd.FusedMultiplyAdd(addend, left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> NegativeMultiplyAdd(Vector128<float> left, Vector128<float> right, Vector128<float> addend) =>
        AdvSimd.FusedMultiplySubtract(addend, left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MaxMagnitude(Vector128<float> left, Vector128<float> right) => PortableIsa.MaxMagnitude(left, right);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Largest(Vector128<float> value) => PortableIsa.Largest(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Lookup(float* table, Vector128<byte> index) => PortableIsa.Lookup(table, index);
}
