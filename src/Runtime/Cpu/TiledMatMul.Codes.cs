using System.Runtime.CompilerServices;

namespace Lorq.Runtime.Cpu;

/// <content>From packed codes and float16 to what the tiles read.</content>
internal sealed unsafe partial class TiledMatMul<TIsa, TInt, TFloat, TWidth>
{
    /// <summary>Codes of a panel's units, a byte each, as <c>[unit][step][vector]</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Unpack(byte* packed, int units, byte* unpacked)
    {
        int vector = sizeof(TInt);
        for (int g = 0; g < 2 * units; g++)
        {
            byte* to = unpacked + g / 2 * 16 * vector + g % 2 * vector;
            TIsa.StoreBytes(to, TWidth.Step<TIsa, TInt, TFloat>(packed, 0));
            TIsa.StoreBytes(to + 2 * vector, TWidth.Step<TIsa, TInt, TFloat>(packed, 1));
            TIsa.StoreBytes(to + 4 * vector, TWidth.Step<TIsa, TInt, TFloat>(packed, 2));
            TIsa.StoreBytes(to + 6 * vector, TWidth.Step<TIsa, TInt, TFloat>(packed, 3));
            TIsa.StoreBytes(to + 8 * vector, TWidth.Step<TIsa, TInt, TFloat>(packed, 4));
            TIsa.StoreBytes(to + 10 * vector, TWidth.Step<TIsa, TInt, TFloat>(packed, 5));
            TIsa.StoreBytes(to + 12 * vector, TWidth.Step<TIsa, TInt, TFloat>(packed, 6));
            TIsa.StoreBytes(to + 14 * vector, TWidth.Step<TIsa, TInt, TFloat>(packed, 7));
            packed += TWidth.Bits * vector;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen(Half* source, float* target, int blocks)
    {
        for (int i = 0; i < 2 * blocks; i++)
        {
            TIsa.Store(target + i * TIsa.Lanes, TIsa.LoadHalf(source + i * TIsa.Lanes));
        }
    }

    /// <summary>A chunk's float16 or 8-bit scales as floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WidenScales(in TileWork work, float* target, int blocks)
    {
        if (work.HalfScales is not null)
        {
            Widen(work.HalfScales, target, blocks);
            return;
        }
        for (int i = 0; i < 2 * blocks; i++)
        {
            TIsa.Store(
                target + i * TIsa.Lanes,
                TIsa.Multiply(TIsa.LoadInt8(work.ByteScales + i * TIsa.Lanes), TIsa.Load(work.ScaleFactors + i % 2 * TIsa.Lanes))
            );
        }
    }

    /// <summary>The weights of a panel's units as floats, <c>[k][column]</c>.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Decode(int panel, int unit, int units, float* target)
    {
        int vector = sizeof(TInt);
        float usual = weights.DefaultZero;
        byte* codes = stackalloc byte[16 * vector];
        for (int u = 0; u < units; u++)
        {
            Unpack(weights.Codes + ((nint)panel * weights.Units + unit + u) * weights.UnitBytes, 1, codes);
            for (int v = 0; v < 16; v++)
            {
                int block = weights.IsHalfBlock ? 2 * (unit + u) + v / 8 : (unit + u) / weights.UnitsPerBlock;
                nint at = ((nint)panel * weights.Blocks + block) * Panel + v % 2 * TIsa.Lanes;
                TFloat scale =
                    weights.Scales is not null ? TIsa.Load(weights.Scales + at)
                    : weights.HalfScales is not null ? TIsa.LoadHalf(weights.HalfScales + at)
                    : TIsa.Multiply(
                        TIsa.LoadInt8(weights.ByteScales + at),
                        TIsa.Load(weights.ScaleFactors + (nint)panel * Panel + v % 2 * TIsa.Lanes)
                    );
                TFloat zero = weights.Zeros is null ? TIsa.Broadcast(&usual) : TIsa.LoadInt16(weights.Zeros + at);
                TInt four = TIsa.LoadBytes(codes + v * vector);
                float* to = target + ((nint)u * PackedMatrix.Unit + v / 2 * 4) * Panel + v % 2 * TIsa.Lanes;
                TIsa.Store(to, Weight(TIsa.ByteOfLane(four, 0), zero, scale));
                TIsa.Store(to + Panel, Weight(TIsa.ByteOfLane(four, 8), zero, scale));
                TIsa.Store(to + 2 * Panel, Weight(TIsa.ByteOfLane(four, 16), zero, scale));
                TIsa.Store(to + 3 * Panel, Weight(TIsa.ByteOfLane(four, 24), zero, scale));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private TFloat Weight(TInt code, TFloat zero, TFloat scale)
    {
        float minusOne = -1;
        return TIsa.Multiply(
            weights.Codebook is null
                ? TIsa.MultiplyAdd(zero, TIsa.Broadcast(&minusOne), TIsa.ToFloat(code))
                : TIsa.Lookup(weights.Codebook, code),
            scale
        );
    }
}
