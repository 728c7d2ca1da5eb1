using System.Runtime.CompilerServices;

namespace Lorq.Runtime.Cpu;

/// <content>From packed codes and float16 to what the tiles read.</content>
internal sealed unsafe partial class TiledMatMul<TIsa, TInt, TFloat, TWidth>
{
    private const int CacheLine = 64;
    private const int PrefetchDistance = 4096;

    /// <summary>Codes of a panel's units, a byte each, as <c>[unit][step][vector]</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Unpack(byte* packed, int units, byte* unpacked)
    {
        int vector = sizeof(TInt);
        for (int g = 0; g < 2 * units; g++)
        {
            // The next chunk's codes; what fetches ahead by itself stops at every page.
            for (int at = 0; at < TWidth.Bits * vector; at += CacheLine)
            {
                TIsa.Prefetch(packed + PrefetchDistance + at);
            }
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
            TIsa.Prefetch((byte*)(source + i * TIsa.Lanes) + 1024);
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
        float usual = weights.DefaultZero;
        byte* codes = stackalloc byte[16 * sizeof(TInt)];
        int steps = 8 / Runs;
        for (int u = 0; u < units; u++)
        {
            Unpack(weights.Codes + ((nint)panel * weights.Units + unit + u) * weights.UnitBytes, 1, codes);
            // One vector of columns within one block at a time: it has one scale and one zero point.
            for (int i = 0; i < 2 * Runs; i++)
            {
                int block = weights.IsHalfBlock ? 2 * (unit + u) + i / 2 : (unit + u) / weights.UnitsPerBlock;
                int column = i % 2 * TIsa.Lanes;
                nint at = ((nint)panel * weights.Blocks + block) * Panel + column;
                TFloat scale =
                    weights.Scales is not null ? TIsa.Load(weights.Scales + at)
                    : weights.HalfScales is not null ? TIsa.LoadHalf(weights.HalfScales + at)
                    : TIsa.Multiply(TIsa.LoadInt8(weights.ByteScales + at), TIsa.Load(weights.ScaleFactors + (nint)panel * Panel + column));
                TFloat zero = weights.Zeros is null ? TIsa.Broadcast(&usual) : TIsa.LoadInt16(weights.Zeros + at);
                byte* from = codes + (i / 2 * steps * 2 + i % 2) * sizeof(TInt);
                float* to = target + ((nint)u * PackedMatrix.Unit + i / 2 * steps * 4) * Panel + column;
                if (weights.Codebook is null)
                {
                    Decode(from, steps, zero, scale, to);
                }
                else
                {
                    LookUp(from, steps, weights.Codebook, scale, to);
                }
            }
        }
    }

    /// <summary><c>(code − zero)·scale</c> of some steps' four k each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Decode(byte* codes, int steps, TFloat zero, TFloat scale, float* to)
    {
        float minusOne = -1;
        TFloat minus = TIsa.Multiply(zero, TIsa.Broadcast(&minusOne));
        for (int step = 0; step < steps; step++)
        {
            TInt four = TIsa.LoadBytes(codes);
            TIsa.Store(to, TIsa.Multiply(TIsa.Add(TIsa.ToFloat(TIsa.ByteOfLane(four, 0)), minus), scale));
            TIsa.Store(to + Panel, TIsa.Multiply(TIsa.Add(TIsa.ToFloat(TIsa.ByteOfLane(four, 8)), minus), scale));
            TIsa.Store(to + 2 * Panel, TIsa.Multiply(TIsa.Add(TIsa.ToFloat(TIsa.ByteOfLane(four, 16)), minus), scale));
            TIsa.Store(to + 3 * Panel, TIsa.Multiply(TIsa.Add(TIsa.ToFloat(TIsa.ByteOfLane(four, 24)), minus), scale));
            codes += 2 * sizeof(TInt);
            to += 4 * Panel;
        }
    }

    /// <summary><c>codebook[code]·scale</c> of some steps' four k each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LookUp(byte* codes, int steps, float* codebook, TFloat scale, float* to)
    {
        for (int step = 0; step < steps; step++)
        {
            TInt four = TIsa.LoadBytes(codes);
            TIsa.Store(to, TIsa.Multiply(TIsa.Lookup(codebook, TIsa.ByteOfLane(four, 0)), scale));
            TIsa.Store(to + Panel, TIsa.Multiply(TIsa.Lookup(codebook, TIsa.ByteOfLane(four, 8)), scale));
            TIsa.Store(to + 2 * Panel, TIsa.Multiply(TIsa.Lookup(codebook, TIsa.ByteOfLane(four, 16)), scale));
            TIsa.Store(to + 3 * Panel, TIsa.Multiply(TIsa.Lookup(codebook, TIsa.ByteOfLane(four, 24)), scale));
            codes += 2 * sizeof(TInt);
            to += 4 * Panel;
        }
    }
}
