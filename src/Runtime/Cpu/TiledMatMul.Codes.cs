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
            // The next chunk's codes; what fetches ahead by itself stops at every page.
            for (int at = 0; at < TWidth.Bits * vector; at += PackedMatrix.CacheLine)
            {
                TIsa.Prefetch(packed + PackedMatrix.PrefetchDistance + at);
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
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Decode(int panel, int unit, int units, float* target)
    {
        for (int u = 0; u < units; u++)
        {
            byte* codes = weights.Codes + ((nint)panel * weights.Units + unit + u) * weights.UnitBytes;
            for (int column = 0; column < Panel; column += TIsa.Lanes)
            {
                Grid(panel, unit + u, 0, column, out TFloat scale, out TFloat offset);
                TFloat scale1 = scale,
                    offset1 = offset;
                if (weights.IsHalfBlock)
                {
                    Grid(panel, unit + u, 1, column, out scale1, out offset1);
                }
                if (weights.Codebook is null)
                {
                    DecodeUnit<Integers>(codes, null, scale, offset, scale1, offset1, target + column);
                }
                else
                {
                    DecodeUnit<Codebook>(codes, weights.Codebook, scale, offset, scale1, offset1, target + column);
                }
                codes += TWidth.Bits * sizeof(TInt);
            }
            target += PackedMatrix.Unit * Panel;
        }
    }

    /// <summary>What a vector of columns multiplies the codes of one run by, and what it adds: <c>scale</c> and <c>−zero·scale</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Grid(int panel, int unit, int run, int column, out TFloat scale, out TFloat offset)
    {
        int block = weights.IsHalfBlock ? 2 * unit + run : unit / weights.UnitsPerBlock;
        nint at = ((nint)panel * weights.Blocks + block) * Panel + column;
        float usual = weights.DefaultZero;
        scale =
            weights.Scales is not null ? TIsa.Load(weights.Scales + at)
            : weights.HalfScales is not null ? TIsa.LoadHalf(weights.HalfScales + at)
            : TIsa.Multiply(TIsa.LoadInt8(weights.ByteScales + at), TIsa.Load(weights.ScaleFactors + (nint)panel * Panel + column));
        TFloat zero = weights.Zeros is null ? TIsa.Broadcast(&usual) : TIsa.LoadInt16(weights.Zeros + at);
        offset = TIsa.NegativeMultiplyAdd(zero, scale, TIsa.ZeroFloat);
    }

    /// <summary>A unit of one vector of columns: the two halves' scales and offsets are the same but for blocks of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DecodeUnit<TValues>(
        byte* codes,
        float* codebook,
        TFloat scale0,
        TFloat offset0,
        TFloat scale1,
        TFloat offset1,
        float* to
    )
    {
        DecodeStep<TValues>(codes, 0, codebook, scale0, offset0, to);
        DecodeStep<TValues>(codes, 1, codebook, scale0, offset0, to);
        DecodeStep<TValues>(codes, 2, codebook, scale0, offset0, to);
        DecodeStep<TValues>(codes, 3, codebook, scale0, offset0, to);
        DecodeStep<TValues>(codes, 4, codebook, scale1, offset1, to);
        DecodeStep<TValues>(codes, 5, codebook, scale1, offset1, to);
        DecodeStep<TValues>(codes, 6, codebook, scale1, offset1, to);
        DecodeStep<TValues>(codes, 7, codebook, scale1, offset1, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DecodeStep<TValues>(byte* codes, int step, float* codebook, TFloat scale, TFloat offset, float* to)
    {
        TInt four = TWidth.Step<TIsa, TInt, TFloat>(codes, step);
        to += step * 4 * Panel;
        TIsa.Store(to, Value<TValues>(TIsa.ByteOfLane(four, 0), codebook, scale, offset));
        TIsa.Store(to + Panel, Value<TValues>(TIsa.ByteOfLane(four, 8), codebook, scale, offset));
        TIsa.Store(to + 2 * Panel, Value<TValues>(TIsa.ByteOfLane(four, 16), codebook, scale, offset));
        TIsa.Store(to + 3 * Panel, Value<TValues>(TIsa.ByteOfLane(four, 24), codebook, scale, offset));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloat Value<TValues>(TInt code, float* codebook, TFloat scale, TFloat offset) =>
        typeof(TValues) == typeof(Codebook)
            ? TIsa.Multiply(TIsa.Lookup(codebook, code), scale)
            : TIsa.MultiplyAdd(TIsa.ToFloat(code), scale, offset);

    /// <summary>Codes are integers.</summary>
    private readonly struct Integers;

    /// <summary>Codes are places in a codebook.</summary>
    private readonly struct Codebook;
}
