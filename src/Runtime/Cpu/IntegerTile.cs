using System.Runtime.CompilerServices;
using Lorq.Runtime.Cpu.Isa;

namespace Lorq.Runtime.Cpu;

/// <summary>
/// The integer inner loop: tiles of up to three rows of int8 activations against a panel of two vectors of columns, all sums in registers. Choices by type are written as comparisons of types
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

    /// <summary>Sums the tiles, one after the other: each starts at its <c>From</c>, adds every unit's products, stores to its <c>To</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in TileWork work)
    {
        int rows = TRows.Count;
        int lanes = sizeof(TFloat) / sizeof(float);
        bool isCentered = TIsa.HasNarrowSums && TWidth.IsCentered;
        // A unit's sum in two parts, which fit 16 bits each.
        bool isSplit = isCentered && TWidth.StepsPerSum == 4 && typeof(TForm) != typeof(HalfUnitForm);
        bool isNarrow = typeof(TWidth) != typeof(Codes8) && !isSplit;
        int entry = Centering.Entry(isCentered);
        int steps = typeof(TForm) == typeof(HalfUnitForm) ? 4 : 8;
        int unitBytes = (typeof(TForm) == typeof(PackedForm) ? 2 * TWidth.Bits : 2 * steps) * sizeof(TInt);
        bool isHalf = work.HalfScales is not null;
        bool isByte = work.ByteScales is not null;
        bool hasZeros = work.Zeros is not null;
        sbyte* tileCodes = work.Codes;
        float* tileSums = work.Sums;
        float* from = work.From;
        float* to = work.To;
        for (int tile = 0; tile < work.Tiles; tile++)
        {
            byte* weights = work.Weights;
            sbyte* x = tileCodes;
            float* sums = tileSums;
            float* scales = work.Scales;
            Half* halves = work.HalfScales;
            sbyte* bytes = work.ByteScales;
            short* zeros = work.Zeros;
            int left = work.UnitsPerBlock;
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
                    Prefetch(weights + PrefetchDistance);
                }
                TInt a00 = TIsa.ZeroInt,
                    a01 = TIsa.ZeroInt,
                    a10 = TIsa.ZeroInt,
                    a11 = TIsa.ZeroInt,
                    a20 = TIsa.ZeroInt,
                    a21 = TIsa.ZeroInt;
                if (isCentered)
                {
                    Start(sums + 2, entry, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
                }
                FourSteps(!isCentered, weights, x, 0, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
                if (isSplit)
                {
                    TInt b00 = TIsa.ZeroInt,
                        b01 = TIsa.ZeroInt,
                        b10 = TIsa.ZeroInt,
                        b11 = TIsa.ZeroInt,
                        b20 = TIsa.ZeroInt,
                        b21 = TIsa.ZeroInt;
                    Start(sums + 3, entry, ref b00, ref b01, ref b10, ref b11, ref b20, ref b21);
                    FourSteps(false, weights, x, 4, ref b00, ref b01, ref b10, ref b11, ref b20, ref b21);
                    a00 = TIsa.Add(TIsa.Sum(a00), TIsa.Sum(b00));
                    a01 = TIsa.Add(TIsa.Sum(a01), TIsa.Sum(b01));
                    a10 = TIsa.Add(TIsa.Sum(a10), TIsa.Sum(b10));
                    a11 = TIsa.Add(TIsa.Sum(a11), TIsa.Sum(b11));
                    a20 = TIsa.Add(TIsa.Sum(a20), TIsa.Sum(b20));
                    a21 = TIsa.Add(TIsa.Sum(a21), TIsa.Sum(b21));
                }
                else if (typeof(TForm) != typeof(HalfUnitForm))
                {
                    FourSteps(false, weights, x, 4, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
                }
                TFloat s0,
                    s1;
                if (typeof(TForm) == typeof(PackedForm) && isHalf)
                {
                    s0 = TIsa.LoadHalf(halves);
                    s1 = TIsa.LoadHalf(halves + lanes);
                }
                else if (typeof(TForm) == typeof(PackedForm) && isByte)
                {
                    float* factors = work.ScaleFactors;
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
                        Scale(isNarrow, sums + entry, a10, a11, s0, s1, ref f10, ref f11);
                    }
                    if (rows > 2)
                    {
                        Scale(isNarrow, sums + 2 * entry, a20, a21, s0, s1, ref f20, ref f21);
                    }
                }
                else
                {
                    TFloat z0 = TIsa.LoadInt16(zeros),
                        z1 = TIsa.LoadInt16(zeros + lanes);
                    Scale(isNarrow, sums, a00, a01, s0, s1, z0, z1, ref f00, ref f01);
                    if (rows > 1)
                    {
                        Scale(isNarrow, sums + entry, a10, a11, s0, s1, z0, z1, ref f10, ref f11);
                    }
                    if (rows > 2)
                    {
                        Scale(isNarrow, sums + 2 * entry, a20, a21, s0, s1, z0, z1, ref f20, ref f21);
                    }
                }
                weights += unitBytes;
                sums += entry * rows;
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
            from += rows * stride;
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
            to += rows * stride;
            tileCodes += rows * work.CodesStride;
            tileSums += rows * work.SumsStride;
        }
    }

    /// <summary>Each packed code is read once, from memory; what fetches ahead by itself stops at every page. Beyond the end it is a hint without effect.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* unit)
    {
        int lines = 2 * TWidth.Bits * sizeof(TInt) / CacheLine;
        // Written out: a loop of so few turns would not be unrolled.
        TIsa.Prefetch(unit);
        PrefetchIf(lines > 1, unit + CacheLine);
        PrefetchIf(lines > 2, unit + 2 * CacheLine);
        PrefetchIf(lines > 3, unit + 3 * CacheLine);
        PrefetchIf(lines > 4, unit + 4 * CacheLine);
        PrefetchIf(lines > 5, unit + 5 * CacheLine);
        PrefetchIf(lines > 6, unit + 6 * CacheLine);
        PrefetchIf(lines > 7, unit + 7 * CacheLine);
        for (int line = 8; line < lines; line++)
        {
            TIsa.Prefetch(unit + line * CacheLine);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchIf(bool isThere, byte* line)
    {
        if (isThere)
        {
            TIsa.Prefetch(line);
        }
    }

    /// <summary>What the rows' sums start with.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Start(float* starts, int entry, ref TInt a00, ref TInt a01, ref TInt a10, ref TInt a11, ref TInt a20, ref TInt a21)
    {
        a00 = a01 = TIsa.BroadcastBytes((byte*)starts);
        if (typeof(TRows) != typeof(OneRow))
        {
            a10 = a11 = TIsa.BroadcastBytes((byte*)(starts + entry));
        }
        if (typeof(TRows) == typeof(ThreeRows))
        {
            a20 = a21 = TIsa.BroadcastBytes((byte*)(starts + 2 * entry));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourSteps(
        bool isFirst,
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
        Step(isFirst, weights, x, first, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
        Step(false, weights, x, first + 1, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
        Step(false, weights, x, first + 2, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
        Step(false, weights, x, first + 3, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(
        bool isFirst,
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
        DotRow(isFirst, (byte*)x + 4 * step, w0, w1, ref a00, ref a01);
        if (typeof(TRows) != typeof(OneRow))
        {
            DotRow(isFirst, (byte*)x + PackedMatrix.Unit + 4 * step, w0, w1, ref a10, ref a11);
        }
        if (typeof(TRows) == typeof(ThreeRows))
        {
            DotRow(isFirst, (byte*)x + 2 * PackedMatrix.Unit + 4 * step, w0, w1, ref a20, ref a21);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DotRow(bool isFirst, byte* x, TInt w0, TInt w1, ref TInt a0, ref TInt a1)
    {
        TInt value = TIsa.BroadcastBytes(x);
        if (typeof(TWidth) == typeof(Codes8))
        {
            a0 = TIsa.DotWide(a0, w0, value);
            a1 = TIsa.DotWide(a1, w1, value);
        }
        else if (isFirst)
        {
            a0 = TIsa.Dot(w0, value);
            a1 = TIsa.Dot(w1, value);
        }
        else
        {
            a0 = TIsa.Dot(a0, w0, value);
            a1 = TIsa.Dot(a1, w1, value);
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
