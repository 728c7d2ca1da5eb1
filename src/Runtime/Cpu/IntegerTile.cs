using System.Runtime.CompilerServices;
using Lorq.Runtime.Cpu.Isa;

namespace Lorq.Runtime.Cpu;

/// <summary>Where a tile's codes come from.</summary>
internal interface ICodeForm
{
    /// <summary>True: packed as the width packs them; false: unpacked to bytes, so that many tiles share the unpacking.</summary>
    static abstract bool IsPacked { get; }
}

internal readonly struct PackedForm : ICodeForm
{
    public static bool IsPacked => true;
}

internal readonly struct UnpackedForm : ICodeForm
{
    public static bool IsPacked => false;
}

/// <summary>The integer inner loop: up to three rows of int8 activations against a panel of two vectors of columns, all sums in registers.</summary>
internal static unsafe class IntegerTile<TIsa, TInt, TFloat, TWidth, TForm, TRows>
    where TIsa : IKernelIsa<TInt, TFloat>
    where TInt : struct
    where TFloat : struct
    where TWidth : ICodeWidth
    where TForm : ICodeForm
    where TRows : IRowCount
{
    /// <summary>Whether sums of a whole unit fit the accumulators of the dot product.</summary>
    private static bool IsOneSum
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => !TIsa.HasNarrowSums || TWidth.IsWide || TWidth.StepsPerSum == 8;
    }

    /// <summary>Sums the tile: starts at <c>From</c>, adds every unit's products, continues with the low-rank pair, stores to <c>To</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in TileWork work)
    {
        int panel = 2 * TIsa.Lanes;
        byte* weights = work.Weights;
        sbyte* x = work.Codes;
        float* sums = work.Sums;
        float* scales = work.Scales;
        Half* halves = work.HalfScales;
        short* zeros = work.Zeros;
        int block = work.UnitsPerBlock;
        int left = block;
        bool half = work.IsHalfBlock;
        bool fp16 = scales is null;
        TFloat f00 = TIsa.Load(work.From),
            f01 = TIsa.Load(work.From + TIsa.Lanes);
        TFloat f10 = TIsa.ZeroFloat,
            f11 = TIsa.ZeroFloat,
            f20 = TIsa.ZeroFloat,
            f21 = TIsa.ZeroFloat;
        if (TRows.Count > 1)
        {
            f10 = TIsa.Load(work.From + work.FromStride);
            f11 = TIsa.Load(work.From + work.FromStride + TIsa.Lanes);
        }
        if (TRows.Count > 2)
        {
            f20 = TIsa.Load(work.From + 2 * work.FromStride);
            f21 = TIsa.Load(work.From + 2 * work.FromStride + TIsa.Lanes);
        }
        for (int unit = work.Length; unit > 0; unit--)
        {
            TInt a00 = TIsa.ZeroInt,
                a01 = TIsa.ZeroInt,
                a10 = TIsa.ZeroInt,
                a11 = TIsa.ZeroInt,
                a20 = TIsa.ZeroInt,
                a21 = TIsa.ZeroInt;
            FourSteps(weights, x, 0, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
            if (half)
            {
                Scale(
                    fp16,
                    scales,
                    halves,
                    zeros,
                    sums,
                    a00,
                    a01,
                    a10,
                    a11,
                    a20,
                    a21,
                    ref f00,
                    ref f01,
                    ref f10,
                    ref f11,
                    ref f20,
                    ref f21
                );
                a00 = a01 = a10 = a11 = a20 = a21 = TIsa.ZeroInt;
                sums += 2 * TRows.Count;
                scales += panel;
                halves += panel;
                zeros = zeros is null ? null : zeros + panel;
            }
            FourSteps(weights, x, 4, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
            Scale(fp16, scales, halves, zeros, sums, a00, a01, a10, a11, a20, a21, ref f00, ref f01, ref f10, ref f11, ref f20, ref f21);
            weights += (TForm.IsPacked ? 2 * TWidth.Bits : 16) * (4 * TIsa.Lanes);
            x += PackedMatrix.Unit * TRows.Count;
            sums += 2 * TRows.Count;
            if (--left == 0)
            {
                left = block;
                scales += panel;
                halves += panel;
                zeros = zeros is null ? null : zeros + panel;
            }
        }
        if (work.Rank > 0)
        {
            FloatTile<TIsa, TInt, TFloat, TRows>.Continue(
                work.Rank,
                work.T,
                work.TStride,
                work.L2,
                work.HalfL2,
                ref f00,
                ref f01,
                ref f10,
                ref f11,
                ref f20,
                ref f21
            );
        }
        FloatTile<TIsa, TInt, TFloat, TRows>.Store(work.To, work.ToStride, f00, f01, f10, f11, f20, f21);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourSteps(
        byte* weights,
        sbyte* x,
        [System.Diagnostics.CodeAnalysis.ConstantExpected] int first,
        ref TInt a00,
        ref TInt a01,
        ref TInt a10,
        ref TInt a11,
        ref TInt a20,
        ref TInt a21
    )
    {
        if (IsOneSum)
        {
            Step(weights, x, first, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
            Step(weights, x, first + 1, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
            Step(weights, x, first + 2, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
            Step(weights, x, first + 3, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
            return;
        }
        TInt b00 = TIsa.ZeroInt,
            b01 = TIsa.ZeroInt,
            b10 = TIsa.ZeroInt,
            b11 = TIsa.ZeroInt,
            b20 = TIsa.ZeroInt,
            b21 = TIsa.ZeroInt;
        Step(weights, x, first, ref b00, ref b01, ref b10, ref b11, ref b20, ref b21);
        Step(weights, x, first + 1, ref b00, ref b01, ref b10, ref b11, ref b20, ref b21);
        if (TWidth.StepsPerSum == 2)
        {
            Widen(b00, b01, b10, b11, b20, b21, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
            b00 = b01 = b10 = b11 = b20 = b21 = TIsa.ZeroInt;
        }
        Step(weights, x, first + 2, ref b00, ref b01, ref b10, ref b11, ref b20, ref b21);
        Step(weights, x, first + 3, ref b00, ref b01, ref b10, ref b11, ref b20, ref b21);
        Widen(b00, b01, b10, b11, b20, b21, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(
        byte* weights,
        sbyte* x,
        int step,
        ref TInt a00,
        ref TInt a01,
        ref TInt a10,
        ref TInt a11,
        ref TInt a20,
        ref TInt a21
    )
    {
        int vector = 4 * TIsa.Lanes;
        TInt w0,
            w1;
        if (TForm.IsPacked)
        {
            w0 = TWidth.Step<TIsa, TInt, TFloat>(weights, step);
            w1 = TWidth.Step<TIsa, TInt, TFloat>(weights + TWidth.Bits * vector, step);
        }
        else
        {
            w0 = TIsa.LoadBytes(weights + 2 * step * vector);
            w1 = TIsa.LoadBytes(weights + (2 * step + 1) * vector);
        }
        TInt x0 = TIsa.BroadcastBytes((byte*)x + 4 * step);
        a00 = Dot(a00, w0, x0);
        a01 = Dot(a01, w1, x0);
        if (TRows.Count > 1)
        {
            TInt x1 = TIsa.BroadcastBytes((byte*)x + PackedMatrix.Unit + 4 * step);
            a10 = Dot(a10, w0, x1);
            a11 = Dot(a11, w1, x1);
        }
        if (TRows.Count > 2)
        {
            TInt x2 = TIsa.BroadcastBytes((byte*)x + 2 * PackedMatrix.Unit + 4 * step);
            a20 = Dot(a20, w0, x2);
            a21 = Dot(a21, w1, x2);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TInt Dot(TInt accumulator, TInt codes, TInt x) =>
        TWidth.IsWide ? TIsa.DotWide(accumulator, codes, x) : TIsa.Dot(accumulator, codes, x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Widen(
        TInt b00,
        TInt b01,
        TInt b10,
        TInt b11,
        TInt b20,
        TInt b21,
        ref TInt a00,
        ref TInt a01,
        ref TInt a10,
        ref TInt a11,
        ref TInt a20,
        ref TInt a21
    )
    {
        a00 = TIsa.Add(a00, TIsa.Sum(b00));
        a01 = TIsa.Add(a01, TIsa.Sum(b01));
        if (TRows.Count > 1)
        {
            a10 = TIsa.Add(a10, TIsa.Sum(b10));
            a11 = TIsa.Add(a11, TIsa.Sum(b11));
        }
        if (TRows.Count > 2)
        {
            a20 = TIsa.Add(a20, TIsa.Sum(b20));
            a21 = TIsa.Add(a21, TIsa.Sum(b21));
        }
    }

    /// <summary><c>f += (Σ·s + c)·scale</c>, or with zero points <c>f += (Σ·s − zero·c)·scale</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(
        bool fp16,
        float* scales,
        Half* halves,
        short* zeros,
        float* sums,
        TInt a00,
        TInt a01,
        TInt a10,
        TInt a11,
        TInt a20,
        TInt a21,
        ref TFloat f00,
        ref TFloat f01,
        ref TFloat f10,
        ref TFloat f11,
        ref TFloat f20,
        ref TFloat f21
    )
    {
        TFloat s0,
            s1;
        if (TForm.IsPacked && fp16)
        {
            s0 = TIsa.LoadHalf(halves);
            s1 = TIsa.LoadHalf(halves + TIsa.Lanes);
        }
        else
        {
            s0 = TIsa.Load(scales);
            s1 = TIsa.Load(scales + TIsa.Lanes);
        }
        if (zeros is null)
        {
            ScaleRow(sums, a00, a01, s0, s1, ref f00, ref f01);
            if (TRows.Count > 1)
            {
                ScaleRow(sums + 2, a10, a11, s0, s1, ref f10, ref f11);
            }
            if (TRows.Count > 2)
            {
                ScaleRow(sums + 4, a20, a21, s0, s1, ref f20, ref f21);
            }
        }
        else
        {
            TFloat z0 = TIsa.LoadInt16(zeros),
                z1 = TIsa.LoadInt16(zeros + TIsa.Lanes);
            ScaleRow(sums, a00, a01, s0, s1, z0, z1, ref f00, ref f01);
            if (TRows.Count > 1)
            {
                ScaleRow(sums + 2, a10, a11, s0, s1, z0, z1, ref f10, ref f11);
            }
            if (TRows.Count > 2)
            {
                ScaleRow(sums + 4, a20, a21, s0, s1, z0, z1, ref f20, ref f21);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloat Total(TInt sum) => TIsa.ToFloat(IsOneSum && !TWidth.IsWide ? TIsa.Sum(sum) : sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScaleRow(float* sums, TInt a0, TInt a1, TFloat s0, TFloat s1, ref TFloat f0, ref TFloat f1)
    {
        TFloat s = TIsa.Broadcast(sums),
            c = TIsa.Broadcast(sums + 1);
        f0 = TIsa.MultiplyAdd(TIsa.MultiplyAdd(Total(a0), s, c), s0, f0);
        f1 = TIsa.MultiplyAdd(TIsa.MultiplyAdd(Total(a1), s, c), s1, f1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScaleRow(float* sums, TInt a0, TInt a1, TFloat s0, TFloat s1, TFloat z0, TFloat z1, ref TFloat f0, ref TFloat f1)
    {
        TFloat s = TIsa.Broadcast(sums),
            c = TIsa.Broadcast(sums + 1);
        f0 = TIsa.MultiplyAdd(TIsa.NegativeMultiplyAdd(z0, c, TIsa.Multiply(Total(a0), s)), s0, f0);
        f1 = TIsa.MultiplyAdd(TIsa.NegativeMultiplyAdd(z1, c, TIsa.Multiply(Total(a1), s)), s1, f1);
    }
}
