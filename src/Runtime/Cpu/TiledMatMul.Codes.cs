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
            PackedWeights<TIsa, TInt, TFloat>.FetchAhead(packed, TWidth.Bits * vector);
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
            PackedWeights<TIsa, TInt, TFloat>.FetchAhead(source + i * TIsa.Lanes);
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
        float usualZero = weights.DefaultZero;
        float unity = 1;
        TFloat usual = TIsa.Broadcast(&usualZero),
            one = TIsa.Broadcast(&unity);
        for (int u = unit; u < unit + units; u++)
        {
            TileWork work = Chunk(panel, u, 1);
            PackedWeights<TIsa, TInt, TFloat>.FetchAhead(work.Weights, weights.UnitBytes);
            for (int column = 0; column < Panel; column += TIsa.Lanes)
            {
                // Blocks of 16: the second half has a scale of its own.
                int next = weights.IsHalfBlock ? Panel : 0;
                TFloat scale0 = PackedWeights<TIsa, TInt, TFloat>.Scale(work, column, work.ScaleFactors + column),
                    scale1 = PackedWeights<TIsa, TInt, TFloat>.Scale(work, column + next, work.ScaleFactors + column);
                byte* codes = work.Weights + column / TIsa.Lanes * TWidth.Bits * sizeof(TInt);
                if (weights.Codebook is not null)
                {
                    DecodeUnit<Codebook>(codes, weights.Codebook, scale0, usual, scale1, usual, target + column);
                    continue;
                }
                TFloat offset0 = PackedWeights<TIsa, TInt, TFloat>.Offset(work, column, usual, IsOffsetExact ? scale0 : one),
                    offset1 = PackedWeights<TIsa, TInt, TFloat>.Offset(work, column + next, usual, IsOffsetExact ? scale1 : one);
                if (IsOffsetExact)
                {
                    DecodeUnit<Offsets>(codes, null, scale0, offset0, scale1, offset1, target + column);
                }
                else
                {
                    DecodeUnit<Zeros>(codes, null, scale0, offset0, scale1, offset1, target + column);
                }
            }
            target += PackedMatrix.Unit * Panel;
        }
    }

    /// <summary>A unit of one vector of columns, with a scale and what <typeparamref name="TValues"/> wants beside it for each half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DecodeUnit<TValues>(
        byte* codes,
        float* codebook,
        TFloat scale0,
        TFloat beside0,
        TFloat scale1,
        TFloat beside1,
        float* to
    )
    {
        DecodeStep<TValues>(codes, 0, codebook, scale0, beside0, to);
        DecodeStep<TValues>(codes, 1, codebook, scale0, beside0, to);
        DecodeStep<TValues>(codes, 2, codebook, scale0, beside0, to);
        DecodeStep<TValues>(codes, 3, codebook, scale0, beside0, to);
        DecodeStep<TValues>(codes, 4, codebook, scale1, beside1, to);
        DecodeStep<TValues>(codes, 5, codebook, scale1, beside1, to);
        DecodeStep<TValues>(codes, 6, codebook, scale1, beside1, to);
        DecodeStep<TValues>(codes, 7, codebook, scale1, beside1, to);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DecodeStep<TValues>(byte* codes, int step, float* codebook, TFloat scale, TFloat beside, float* to)
    {
        TInt four = TWidth.Step<TIsa, TInt, TFloat>(codes, step);
        to += step * 4 * Panel;
        TIsa.Store(to, Value<TValues>(TIsa.ByteOfLane(four, 0), codebook, scale, beside));
        TIsa.Store(to + Panel, Value<TValues>(TIsa.ByteOfLane(four, 8), codebook, scale, beside));
        TIsa.Store(to + 2 * Panel, Value<TValues>(TIsa.ByteOfLane(four, 16), codebook, scale, beside));
        TIsa.Store(to + 3 * Panel, Value<TValues>(TIsa.ByteOfLane(four, 24), codebook, scale, beside));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloat Value<TValues>(TInt code, float* codebook, TFloat scale, TFloat beside)
    {
        if (typeof(TValues) == typeof(Codebook))
        {
            return TIsa.Multiply(TIsa.Lookup(codebook, code), scale);
        }
        return typeof(TValues) == typeof(Offsets)
            ? TIsa.MultiplyAdd(TIsa.ToFloat(code), scale, beside)
            : TIsa.Multiply(TIsa.Add(TIsa.ToFloat(code), beside), scale);
    }

    /// <summary>What codes stand for: <c>code·scale + beside</c>.</summary>
    private readonly struct Offsets;

    /// <summary><c>(code + beside)·scale</c>, beside being <c>−zero</c>: exact where <c>zero·scale</c> is not.</summary>
    private readonly struct Zeros;

    /// <summary><c>codebook[code]·scale</c>.</summary>
    private readonly struct Codebook;
}
