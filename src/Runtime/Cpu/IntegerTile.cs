using System.Runtime.CompilerServices;
using Lorq.Runtime.Cpu.Isa;

namespace Lorq.Runtime.Cpu;

/// <summary>
/// The integer inner loop: up to four rows of int8 activations against a panel of two vectors of columns. Choices by type are written as comparisons of types and sizes, which cost the
/// compiler's budget for inlining nothing.
/// </summary>
internal static unsafe class IntegerTile<TIsa, TInt, TFloat, TWidth, TForm, TRows>
    where TIsa : IKernelIsa<TInt, TFloat>
    where TInt : unmanaged
    where TFloat : unmanaged
    where TWidth : ICodeWidth
    where TForm : ICodeForm
    where TRows : IRowCount
{
    /// <summary>
    /// Sums the tiles, one after the other: each starts at its <c>From</c>, adds every unit's products, stores to its <c>To</c>. The tiles are rows against one panel;
    /// in packed form, the same rows against one panel after the other.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in TileWork work)
    {
        int lanes = sizeof(TFloat) / sizeof(float);
        bool isPacked = typeof(TForm) == typeof(PackedForm);
        int steps = typeof(TForm) == typeof(HalfUnitForm) ? 4 : 8;
        int unitBytes = (isPacked ? 2 * TWidth.Bits : 2 * steps) * sizeof(TInt);
        int entry = Centering.Entry(TIsa.HasNarrowSums && TWidth.IsCentered);
        // A unit's sum in two parts, which fit 16 bits each.
        bool isSplit = TIsa.HasNarrowSums && TWidth.StepsPerSum < 8 && typeof(TForm) != typeof(HalfUnitForm);
        // Where sixteen registers do not hold the float sums beside the integer sums, they stay in memory between units.
        bool isInMemory = typeof(TRows) == typeof(FourRows);
        bool isHalf = work.HalfScales is not null;
        bool isByte = work.ByteScales is not null;
        bool hasZeros = work.Zeros is not null;
        for (nint tile = 0; tile < work.Tiles; tile++)
        {
            byte* weights = work.Weights + tile * work.WeightsStep;
            sbyte* x = work.Codes + tile * work.CodesStep;
            float* sums = work.Sums + tile * work.SumsStep;
            float* from = work.From + tile * work.FromStep;
            float* to = work.To + tile * work.ToStep;
            nint scale = tile * work.ScaleStep;
            int left = work.UnitsPerBlock;
            nint stride = work.ToStride;
            TFloat f00 = TIsa.ZeroFloat,
                f01 = TIsa.ZeroFloat,
                f10 = TIsa.ZeroFloat,
                f11 = TIsa.ZeroFloat,
                f20 = TIsa.ZeroFloat,
                f21 = TIsa.ZeroFloat,
                f30 = TIsa.ZeroFloat,
                f31 = TIsa.ZeroFloat;
            RowSums<TIsa, TInt, TFloat, TRows>.Load(
                from,
                work.FromStride,
                ref f00,
                ref f01,
                ref f10,
                ref f11,
                ref f20,
                ref f21,
                ref f30,
                ref f31
            );
            if (isInMemory && from != to)
            {
                RowSums<TIsa, TInt, TFloat, TRows>.Store(to, stride, f00, f01, f10, f11, f20, f21, f30, f31);
            }
            int units = typeof(TForm) == typeof(HalfUnitForm) ? 2 * work.Length : work.Length;
            for (int unit = 0; unit < units; unit++)
            {
                if (isPacked)
                {
                    PackedWeights<TIsa, TInt, TFloat>.FetchAhead(weights, unitBytes);
                }
                TInt a00 = TIsa.ZeroInt,
                    a01 = TIsa.ZeroInt,
                    a10 = TIsa.ZeroInt,
                    a11 = TIsa.ZeroInt,
                    a20 = TIsa.ZeroInt,
                    a21 = TIsa.ZeroInt,
                    a30 = TIsa.ZeroInt,
                    a31 = TIsa.ZeroInt;
                FourSteps(0, weights, x, sums, 2, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21, ref a30, ref a31);
                if (isSplit)
                {
                    TInt b00 = TIsa.ZeroInt,
                        b01 = TIsa.ZeroInt,
                        b10 = TIsa.ZeroInt,
                        b11 = TIsa.ZeroInt,
                        b20 = TIsa.ZeroInt,
                        b21 = TIsa.ZeroInt;
                    FourSteps(4, weights, x, sums, 3, ref b00, ref b01, ref b10, ref b11, ref b20, ref b21, ref a30, ref a31);
                    a00 = TIsa.Add(TIsa.Sum(a00), TIsa.Sum(b00));
                    a01 = TIsa.Add(TIsa.Sum(a01), TIsa.Sum(b01));
                    a10 = TIsa.Add(TIsa.Sum(a10), TIsa.Sum(b10));
                    a11 = TIsa.Add(TIsa.Sum(a11), TIsa.Sum(b11));
                    a20 = TIsa.Add(TIsa.Sum(a20), TIsa.Sum(b20));
                    a21 = TIsa.Add(TIsa.Sum(a21), TIsa.Sum(b21));
                }
                else if (typeof(TForm) != typeof(HalfUnitForm))
                {
                    FourSteps(4, weights, x, sums, 0, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21, ref a30, ref a31);
                }
                TFloat s0,
                    s1;
                if (isPacked && isHalf)
                {
                    s0 = TIsa.LoadHalf(work.HalfScales + scale);
                    s1 = TIsa.LoadHalf(work.HalfScales + scale + lanes);
                }
                else if (isPacked && isByte)
                {
                    float* factors = work.ScaleFactors + tile * 2 * lanes;
                    s0 = TIsa.Multiply(TIsa.LoadInt8(work.ByteScales + scale), TIsa.Load(factors));
                    s1 = TIsa.Multiply(TIsa.LoadInt8(work.ByteScales + scale + lanes), TIsa.Load(factors + lanes));
                }
                else
                {
                    s0 = TIsa.Load(work.Scales + scale);
                    s1 = TIsa.Load(work.Scales + scale + lanes);
                }
                TFloat z0 = TIsa.ZeroFloat,
                    z1 = TIsa.ZeroFloat;
                if (!hasZeros)
                {
                    ScaleRows(
                        false,
                        isSplit,
                        isInMemory,
                        to,
                        stride,
                        sums,
                        a00,
                        a01,
                        a10,
                        a11,
                        a20,
                        a21,
                        a30,
                        a31,
                        s0,
                        s1,
                        z0,
                        z1,
                        ref f00,
                        ref f01,
                        ref f10,
                        ref f11,
                        ref f20,
                        ref f21,
                        ref f30,
                        ref f31
                    );
                }
                else
                {
                    z0 = TIsa.LoadInt16(work.Zeros + scale);
                    z1 = TIsa.LoadInt16(work.Zeros + scale + lanes);
                    ScaleRows(
                        true,
                        isSplit,
                        isInMemory,
                        to,
                        stride,
                        sums,
                        a00,
                        a01,
                        a10,
                        a11,
                        a20,
                        a21,
                        a30,
                        a31,
                        s0,
                        s1,
                        z0,
                        z1,
                        ref f00,
                        ref f01,
                        ref f10,
                        ref f11,
                        ref f20,
                        ref f21,
                        ref f30,
                        ref f31
                    );
                }
                weights += unitBytes;
                sums += entry * TRows.Count;
                // Activation codes lie in whole units, [row][32]: the second half of a unit is 16 codes on.
                x +=
                    typeof(TForm) != typeof(HalfUnitForm) ? PackedMatrix.Unit * TRows.Count
                    : unit % 2 == 0 ? PackedMatrix.Unit / 2
                    : PackedMatrix.Unit * TRows.Count - PackedMatrix.Unit / 2;
                if (--left == 0)
                {
                    left = work.UnitsPerBlock;
                    scale += 2 * lanes;
                }
            }
            if (!isInMemory)
            {
                RowSums<TIsa, TInt, TFloat, TRows>.Store(to, stride, f00, f01, f10, f11, f20, f21, f30, f31);
            }
        }
    }

    /// <summary>Steps <paramref name="first"/> to <c>first + 3</c>. Unless <paramref name="start"/> is 0 they begin new sums, those of centered codes with the number at that place of the row's entry.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourSteps(
        int first,
        byte* weights,
        sbyte* x,
        float* sums,
        int start,
        ref TInt a00,
        ref TInt a01,
        ref TInt a10,
        ref TInt a11,
        ref TInt a20,
        ref TInt a21,
        ref TInt a30,
        ref TInt a31
    )
    {
        Step(first, weights, x, sums, start, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21, ref a30, ref a31);
        Step(first + 1, weights, x, sums, 0, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21, ref a30, ref a31);
        Step(first + 2, weights, x, sums, 0, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21, ref a30, ref a31);
        Step(first + 3, weights, x, sums, 0, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21, ref a30, ref a31);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(
        int step,
        byte* weights,
        sbyte* x,
        float* sums,
        int start,
        ref TInt a00,
        ref TInt a01,
        ref TInt a10,
        ref TInt a11,
        ref TInt a20,
        ref TInt a21,
        ref TInt a30,
        ref TInt a31
    )
    {
        TInt w0,
            w1;
        if (typeof(TForm) == typeof(PackedForm))
        {
            w0 = TWidth.Step<TIsa, TInt, TFloat>(weights, step);
            w1 = TWidth.Step<TIsa, TInt, TFloat>(weights + TWidth.Bits * sizeof(TInt), step);
        }
        else
        {
            w0 = TIsa.LoadBytes(weights + 2 * step * sizeof(TInt));
            w1 = TIsa.LoadBytes(weights + (2 * step + 1) * sizeof(TInt));
        }
        DotRow(0, step, x, sums, start, w0, w1, ref a00, ref a01);
        if (typeof(TRows) != typeof(OneRow))
        {
            DotRow(1, step, x, sums, start, w0, w1, ref a10, ref a11);
        }
        if (typeof(TRows) == typeof(ThreeRows) || typeof(TRows) == typeof(FourRows))
        {
            DotRow(2, step, x, sums, start, w0, w1, ref a20, ref a21);
        }
        if (typeof(TRows) == typeof(FourRows))
        {
            DotRow(3, step, x, sums, start, w0, w1, ref a30, ref a31);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DotRow(int row, int step, sbyte* x, float* sums, int start, TInt w0, TInt w1, ref TInt a0, ref TInt a1)
    {
        TInt value = TIsa.BroadcastBytes((byte*)x + row * PackedMatrix.Unit + 4 * step);
        if (typeof(TWidth) == typeof(Codes8))
        {
            a0 = TIsa.DotWide(a0, w0, value);
            a1 = TIsa.DotWide(a1, w1, value);
            return;
        }
        if (start != 0)
        {
            if (!TIsa.HasNarrowSums || !TWidth.IsCentered)
            {
                a0 = TIsa.Dot(w0, value);
                a1 = TIsa.Dot(w1, value);
                return;
            }
            a0 = a1 = TIsa.BroadcastBytes((byte*)(sums + row * Centering.Entry(true) + start));
        }
        a0 = TIsa.Dot(a0, w0, value);
        a1 = TIsa.Dot(a1, w1, value);
    }

    /// <summary><c>f += (Σ·s + c)·scale</c>, or <c>(Σ·s − zero·c)·scale</c> with zero points.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScaleRows(
        bool hasZeros,
        bool isSplit,
        bool isInMemory,
        float* memory,
        nint stride,
        float* sums,
        TInt a00,
        TInt a01,
        TInt a10,
        TInt a11,
        TInt a20,
        TInt a21,
        TInt a30,
        TInt a31,
        TFloat s0,
        TFloat s1,
        TFloat z0,
        TFloat z1,
        ref TFloat f00,
        ref TFloat f01,
        ref TFloat f10,
        ref TFloat f11,
        ref TFloat f20,
        ref TFloat f21,
        ref TFloat f30,
        ref TFloat f31
    )
    {
        int entry = Centering.Entry(TIsa.HasNarrowSums && TWidth.IsCentered);
        Scale(hasZeros, isSplit, isInMemory, memory, sums, a00, a01, s0, s1, z0, z1, ref f00, ref f01);
        if (typeof(TRows) != typeof(OneRow))
        {
            Scale(hasZeros, isSplit, isInMemory, memory + stride, sums + entry, a10, a11, s0, s1, z0, z1, ref f10, ref f11);
        }
        if (typeof(TRows) == typeof(ThreeRows) || typeof(TRows) == typeof(FourRows))
        {
            Scale(hasZeros, isSplit, isInMemory, memory + 2 * stride, sums + 2 * entry, a20, a21, s0, s1, z0, z1, ref f20, ref f21);
        }
        if (typeof(TRows) == typeof(FourRows))
        {
            Scale(hasZeros, isSplit, isInMemory, memory + 3 * stride, sums + 3 * entry, a30, a31, s0, s1, z0, z1, ref f30, ref f31);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(
        bool hasZeros,
        bool isSplit,
        bool isInMemory,
        float* memory,
        float* sums,
        TInt a0,
        TInt a1,
        TFloat s0,
        TFloat s1,
        TFloat z0,
        TFloat z1,
        ref TFloat f0,
        ref TFloat f1
    )
    {
        int lanes = sizeof(TFloat) / sizeof(float);
        if (typeof(TWidth) != typeof(Codes8) && !isSplit)
        {
            a0 = TIsa.Sum(a0);
            a1 = TIsa.Sum(a1);
        }
        TFloat s = TIsa.Broadcast(sums),
            c = TIsa.Broadcast(sums + 1);
        TFloat t0,
            t1;
        if (hasZeros)
        {
            t0 = TIsa.NegativeMultiplyAdd(z0, c, TIsa.Multiply(TIsa.ToFloat(a0), s));
            t1 = TIsa.NegativeMultiplyAdd(z1, c, TIsa.Multiply(TIsa.ToFloat(a1), s));
        }
        else
        {
            t0 = TIsa.MultiplyAdd(TIsa.ToFloat(a0), s, c);
            t1 = TIsa.MultiplyAdd(TIsa.ToFloat(a1), s, c);
        }
        if (isInMemory)
        {
            TIsa.Store(memory, TIsa.MultiplyAdd(t0, s0, TIsa.Load(memory)));
            TIsa.Store(memory + lanes, TIsa.MultiplyAdd(t1, s1, TIsa.Load(memory + lanes)));
        }
        else
        {
            f0 = TIsa.MultiplyAdd(t0, s0, f0);
            f1 = TIsa.MultiplyAdd(t1, s1, f1);
        }
    }
}
