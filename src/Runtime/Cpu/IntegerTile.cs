using System.Runtime.CompilerServices;
using Lorq.Runtime.Cpu.Isa;

namespace Lorq.Runtime.Cpu;

/// <summary>
/// The integer inner loop: up to three rows of int8 activations against a panel of two vectors of columns, all sums in registers. Choices by type are written as comparisons of types
/// and sizes, which cost the compiler's budget for inlining nothing.
/// </summary>
internal static unsafe class IntegerTile<TIsa, TInt, TFloat, TWidth, TForm, TRows>
    where TIsa : IKernelIsa<TInt, TFloat>
    where TInt : unmanaged
    where TFloat : unmanaged
    where TWidth : ICodeWidth
    where TForm : ICodeForm
    where TRows : IRowCount
{
    private const int CacheLine = 64;

    /// <summary>How far ahead packed codes are fetched: what memory delivers while it takes to answer.</summary>
    private const int PrefetchDistance = 4096;

    /// <summary>Sums the tile: starts at <c>From</c>, adds every unit's products, stores to <c>To</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in TileWork work)
    {
        int rows = TRows.Count;
        int lanes = sizeof(TFloat) / sizeof(float);
        bool isOneSum = typeof(TWidth) == typeof(Codes8) || !TIsa.HasNarrowSums || TWidth.StepsPerSum == 8;
        int steps = typeof(TForm) == typeof(HalfUnitForm) ? 4 : 8;
        int unitBytes = (typeof(TForm) == typeof(PackedForm) ? 2 * TWidth.Bits : 2 * steps) * sizeof(TInt);
        byte* weights = work.Weights;
        sbyte* x = work.Codes;
        float* sums = work.Sums;
        float* scales = work.Scales;
        Half* halves = work.HalfScales;
        sbyte* bytes = work.ByteScales;
        float* factors = work.ScaleFactors;
        short* zeros = work.Zeros;
        bool isHalf = halves is not null;
        bool isByte = bytes is not null;
        bool hasZeros = zeros is not null;
        int left = work.UnitsPerBlock;
        float* from = work.From;
        nint stride = work.FromStride;
        TFloat f00 = TIsa.Load(from),
            f01 = TIsa.Load(from + lanes);
        TFloat f10 = rows > 1 ? TIsa.Load(from + stride) : f00,
            f11 = rows > 1 ? TIsa.Load(from + stride + lanes) : f00;
        TFloat f20 = rows > 2 ? TIsa.Load(from + 2 * stride) : f00,
            f21 = rows > 2 ? TIsa.Load(from + 2 * stride + lanes) : f00;
        int units = typeof(TForm) == typeof(HalfUnitForm) ? 2 * work.Length : work.Length;
        for (int unit = 0; unit < units; unit++)
        {
            if (typeof(TForm) == typeof(PackedForm))
            {
                // Each code is read once, from memory; what fetches ahead by itself stops at every page. Beyond the end it is a hint without effect.
                for (int line = 0; line < unitBytes; line += CacheLine)
                {
                    TIsa.Prefetch(weights + PrefetchDistance + line);
                }
            }
            TInt a00 = TIsa.ZeroInt;
            TInt a01 = a00,
                a10 = a00,
                a11 = a00,
                a20 = a00,
                a21 = a00;
            FourSteps(isOneSum, weights, x, 0, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
            if (typeof(TForm) != typeof(HalfUnitForm))
            {
                FourSteps(isOneSum, weights, x, 4, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
            }
            bool isNarrow = typeof(TWidth) != typeof(Codes8) && isOneSum;
            TFloat s0,
                s1;
            if (typeof(TForm) == typeof(PackedForm) && isHalf)
            {
                s0 = TIsa.LoadHalf(halves);
                s1 = TIsa.LoadHalf(halves + lanes);
            }
            else if (typeof(TForm) == typeof(PackedForm) && isByte)
            {
                s0 = TIsa.Multiply(TIsa.LoadInt8(bytes), TIsa.Load(factors));
                s1 = TIsa.Multiply(TIsa.LoadInt8(bytes + lanes), TIsa.Load(factors + lanes));
            }
            else
            {
                s0 = TIsa.Load(scales);
                s1 = TIsa.Load(scales + lanes);
            }
            if (!hasZeros)
            {
                Scale(isNarrow, sums, a00, a01, s0, s1, ref f00, ref f01);
                if (rows > 1)
                {
                    Scale(isNarrow, sums + 2, a10, a11, s0, s1, ref f10, ref f11);
                }
                if (rows > 2)
                {
                    Scale(isNarrow, sums + 4, a20, a21, s0, s1, ref f20, ref f21);
                }
            }
            else
            {
                TFloat z0 = TIsa.LoadInt16(zeros),
                    z1 = TIsa.LoadInt16(zeros + lanes);
                Scale(isNarrow, sums, a00, a01, s0, s1, z0, z1, ref f00, ref f01);
                if (rows > 1)
                {
                    Scale(isNarrow, sums + 2, a10, a11, s0, s1, z0, z1, ref f10, ref f11);
                }
                if (rows > 2)
                {
                    Scale(isNarrow, sums + 4, a20, a21, s0, s1, z0, z1, ref f20, ref f21);
                }
            }
            weights += unitBytes;
            sums += 2 * rows;
            // Activation codes lie in whole units, [row][32]: the second half of a unit is 16 codes on.
            x +=
                typeof(TForm) != typeof(HalfUnitForm) ? PackedMatrix.Unit * rows
                : unit % 2 == 0 ? PackedMatrix.Unit / 2
                : PackedMatrix.Unit * rows - PackedMatrix.Unit / 2;
            if (--left == 0)
            {
                left = work.UnitsPerBlock;
                scales += 2 * lanes;
                halves += 2 * lanes;
                bytes += 2 * lanes;
                zeros += 2 * lanes;
            }
        }
        float* to = work.To;
        stride = work.ToStride;
        TIsa.Store(to, f00);
        TIsa.Store(to + lanes, f01);
        if (rows > 1)
        {
            TIsa.Store(to + stride, f10);
            TIsa.Store(to + stride + lanes, f11);
        }
        if (rows > 2)
        {
            TIsa.Store(to + 2 * stride, f20);
            TIsa.Store(to + 2 * stride + lanes, f21);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourSteps(
        bool isOneSum,
        byte* weights,
        sbyte* x,
        int first,
        ref TInt a00,
        ref TInt a01,
        ref TInt a10,
        ref TInt a11,
        ref TInt a20,
        ref TInt a21
    )
    {
        if (isOneSum)
        {
            Step(weights, x, first, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
            Step(weights, x, first + 1, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
            Step(weights, x, first + 2, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
            Step(weights, x, first + 3, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
            return;
        }
        TInt zero = TIsa.ZeroInt;
        TInt b00 = zero,
            b01 = zero,
            b10 = zero,
            b11 = zero,
            b20 = zero,
            b21 = zero;
        Step(weights, x, first, ref b00, ref b01, ref b10, ref b11, ref b20, ref b21);
        Step(weights, x, first + 1, ref b00, ref b01, ref b10, ref b11, ref b20, ref b21);
        if (typeof(TWidth) == typeof(Codes6))
        {
            Widen(b00, b01, b10, b11, b20, b21, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
            b00 = b01 = b10 = b11 = b20 = b21 = zero;
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
        DotRow((byte*)x + 4 * step, w0, w1, ref a00, ref a01);
        if (typeof(TRows) != typeof(OneRow))
        {
            DotRow((byte*)x + PackedMatrix.Unit + 4 * step, w0, w1, ref a10, ref a11);
        }
        if (typeof(TRows) == typeof(ThreeRows))
        {
            DotRow((byte*)x + 2 * PackedMatrix.Unit + 4 * step, w0, w1, ref a20, ref a21);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DotRow(byte* x, TInt w0, TInt w1, ref TInt a0, ref TInt a1)
    {
        TInt value = TIsa.BroadcastBytes(x);
        if (typeof(TWidth) == typeof(Codes8))
        {
            a0 = TIsa.DotWide(a0, w0, value);
            a1 = TIsa.DotWide(a1, w1, value);
        }
        else
        {
            a0 = TIsa.Dot(a0, w0, value);
            a1 = TIsa.Dot(a1, w1, value);
        }
    }

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
        if (typeof(TRows) != typeof(OneRow))
        {
            a10 = TIsa.Add(a10, TIsa.Sum(b10));
            a11 = TIsa.Add(a11, TIsa.Sum(b11));
        }
        if (typeof(TRows) == typeof(ThreeRows))
        {
            a20 = TIsa.Add(a20, TIsa.Sum(b20));
            a21 = TIsa.Add(a21, TIsa.Sum(b21));
        }
    }

    /// <summary><c>f += (Σ·s + c)·scale</c>, where c holds the zero point.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(bool isNarrow, float* sums, TInt a0, TInt a1, TFloat s0, TFloat s1, ref TFloat f0, ref TFloat f1)
    {
        TFloat s = TIsa.Broadcast(sums),
            c = TIsa.Broadcast(sums + 1);
        f0 = TIsa.MultiplyAdd(TIsa.MultiplyAdd(TIsa.ToFloat(isNarrow ? TIsa.Sum(a0) : a0), s, c), s0, f0);
        f1 = TIsa.MultiplyAdd(TIsa.MultiplyAdd(TIsa.ToFloat(isNarrow ? TIsa.Sum(a1) : a1), s, c), s1, f1);
    }

    /// <summary><c>f += (Σ·s − zero·c)·scale</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(
        bool isNarrow,
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
        TFloat s = TIsa.Broadcast(sums),
            c = TIsa.Broadcast(sums + 1);
        TFloat t0 = TIsa.Multiply(TIsa.ToFloat(isNarrow ? TIsa.Sum(a0) : a0), s),
            t1 = TIsa.Multiply(TIsa.ToFloat(isNarrow ? TIsa.Sum(a1) : a1), s);
        f0 = TIsa.MultiplyAdd(TIsa.NegativeMultiplyAdd(z0, c, t0), s0, f0);
        f1 = TIsa.MultiplyAdd(TIsa.NegativeMultiplyAdd(z1, c, t1), s1, f1);
    }
}
