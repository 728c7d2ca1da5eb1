using System.Runtime.CompilerServices;
using Lorq.Runtime.Cpu.Isa;

namespace Lorq.Runtime.Cpu;

/// <summary>
/// Exact activations against packed integer codes: up to three rows against one panel after the other. Each weight is decoded in registers and used at once; with more rows it pays to
/// decode into memory, for all of them.
/// </summary>
internal static unsafe class ExactTile<TIsa, TInt, TFloat, TWidth, TRows>
    where TIsa : IKernelIsa<TInt, TFloat>
    where TInt : unmanaged
    where TFloat : unmanaged
    where TWidth : ICodeWidth
    where TRows : IRowCount
{
    /// <summary>Sums each panel: starts at its <c>From</c>, adds the products with X, whose rows are whole units, stores to its <c>To</c>.</summary>
    /// <param name="work">Packed codes, their scales and zero points, and X.</param>
    /// <param name="usualZero">What columns without zero points of their own subtract from codes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in TileWork work, float usualZero)
    {
        int lanes = sizeof(TFloat) / sizeof(float);
        TFloat usual = TIsa.Broadcast(&usualZero);
        for (nint tile = 0; tile < work.Tiles; tile++)
        {
            byte* weights = work.Weights + tile * work.WeightsStep;
            float* from = work.From + tile * work.FromStep;
            float* to = work.To + tile * work.ToStep;
            float* factors = work.ScaleFactors + tile * 2 * lanes;
            nint scale = tile * work.ScaleStep;
            nint stride = work.XStride;
            int left = 0;
            // One row's sums of odd k are for themselves: two chains of additions more hide the latency of each.
            TFloat f00 = TIsa.ZeroFloat,
                f01 = TIsa.ZeroFloat,
                f10 = TIsa.ZeroFloat,
                f11 = TIsa.ZeroFloat,
                f20 = TIsa.ZeroFloat,
                f21 = TIsa.ZeroFloat;
            TFloat none = TIsa.ZeroFloat;
            RowSums<TIsa, TInt, TFloat, TRows>.Load(
                from,
                work.FromStride,
                ref f00,
                ref f01,
                ref f10,
                ref f11,
                ref f20,
                ref f21,
                ref none,
                ref none
            );
            TFloat s0 = usual,
                s1 = usual,
                o0 = usual,
                o1 = usual;
            for (int unit = 0; unit < work.Length; unit++)
            {
                if (left == 0)
                {
                    s0 = PackedWeights<TIsa, TInt, TFloat>.Scale(work, scale, factors);
                    s1 = PackedWeights<TIsa, TInt, TFloat>.Scale(work, scale + lanes, factors + lanes);
                    o0 = PackedWeights<TIsa, TInt, TFloat>.Offset(work, scale, usual, s0);
                    o1 = PackedWeights<TIsa, TInt, TFloat>.Offset(work, scale + lanes, usual, s1);
                    scale += 2 * lanes;
                    left = work.UnitsPerBlock;
                }
                left--;
                PackedWeights<TIsa, TInt, TFloat>.FetchAhead(weights, 2 * TWidth.Bits * sizeof(TInt));
                float* x = work.X + unit * PackedMatrix.Unit;
                Step(0, weights, x, stride, s0, s1, o0, o1, ref f00, ref f01, ref f10, ref f11, ref f20, ref f21);
                Step(1, weights, x, stride, s0, s1, o0, o1, ref f00, ref f01, ref f10, ref f11, ref f20, ref f21);
                Step(2, weights, x, stride, s0, s1, o0, o1, ref f00, ref f01, ref f10, ref f11, ref f20, ref f21);
                Step(3, weights, x, stride, s0, s1, o0, o1, ref f00, ref f01, ref f10, ref f11, ref f20, ref f21);
                Step(4, weights, x, stride, s0, s1, o0, o1, ref f00, ref f01, ref f10, ref f11, ref f20, ref f21);
                Step(5, weights, x, stride, s0, s1, o0, o1, ref f00, ref f01, ref f10, ref f11, ref f20, ref f21);
                Step(6, weights, x, stride, s0, s1, o0, o1, ref f00, ref f01, ref f10, ref f11, ref f20, ref f21);
                Step(7, weights, x, stride, s0, s1, o0, o1, ref f00, ref f01, ref f10, ref f11, ref f20, ref f21);
                weights += 2 * TWidth.Bits * sizeof(TInt);
            }
            if (typeof(TRows) == typeof(OneRow))
            {
                f00 = TIsa.Add(f00, f10);
                f01 = TIsa.Add(f01, f11);
            }
            RowSums<TIsa, TInt, TFloat, TRows>.Store(to, work.ToStride, f00, f01, f10, f11, f20, f21, none, none);
        }
    }

    /// <summary>Four k of all rows and columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(
        int step,
        byte* weights,
        float* x,
        nint stride,
        TFloat s0,
        TFloat s1,
        TFloat o0,
        TFloat o1,
        ref TFloat f00,
        ref TFloat f01,
        ref TFloat f10,
        ref TFloat f11,
        ref TFloat f20,
        ref TFloat f21
    )
    {
        TInt w0 = TWidth.Step<TIsa, TInt, TFloat>(weights, step),
            w1 = TWidth.Step<TIsa, TInt, TFloat>(weights + TWidth.Bits * sizeof(TInt), step);
        x += 4 * step;
        Rows(
            0,
            x,
            stride,
            Value(TIsa.ByteOfLane(w0, 0), s0, o0),
            Value(TIsa.ByteOfLane(w1, 0), s1, o1),
            ref f00,
            ref f01,
            ref f10,
            ref f11,
            ref f20,
            ref f21
        );
        Rows(
            1,
            x + 1,
            stride,
            Value(TIsa.ByteOfLane(w0, 8), s0, o0),
            Value(TIsa.ByteOfLane(w1, 8), s1, o1),
            ref f00,
            ref f01,
            ref f10,
            ref f11,
            ref f20,
            ref f21
        );
        Rows(
            0,
            x + 2,
            stride,
            Value(TIsa.ByteOfLane(w0, 16), s0, o0),
            Value(TIsa.ByteOfLane(w1, 16), s1, o1),
            ref f00,
            ref f01,
            ref f10,
            ref f11,
            ref f20,
            ref f21
        );
        Rows(
            1,
            x + 3,
            stride,
            Value(TIsa.ByteOfLane(w0, 24), s0, o0),
            Value(TIsa.ByteOfLane(w1, 24), s1, o1),
            ref f00,
            ref f01,
            ref f10,
            ref f11,
            ref f20,
            ref f21
        );
    }

    /// <summary>One k of all rows and columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Rows(
        int odd,
        float* x,
        nint stride,
        TFloat v0,
        TFloat v1,
        ref TFloat f00,
        ref TFloat f01,
        ref TFloat f10,
        ref TFloat f11,
        ref TFloat f20,
        ref TFloat f21
    )
    {
        TFloat value = TIsa.Broadcast(x);
        if (typeof(TRows) == typeof(OneRow) && odd == 1)
        {
            f10 = TIsa.MultiplyAdd(value, v0, f10);
            f11 = TIsa.MultiplyAdd(value, v1, f11);
            return;
        }
        f00 = TIsa.MultiplyAdd(value, v0, f00);
        f01 = TIsa.MultiplyAdd(value, v1, f01);
        if (typeof(TRows) != typeof(OneRow))
        {
            value = TIsa.Broadcast(x + stride);
            f10 = TIsa.MultiplyAdd(value, v0, f10);
            f11 = TIsa.MultiplyAdd(value, v1, f11);
        }
        if (typeof(TRows) == typeof(ThreeRows))
        {
            value = TIsa.Broadcast(x + 2 * stride);
            f20 = TIsa.MultiplyAdd(value, v0, f20);
            f21 = TIsa.MultiplyAdd(value, v1, f21);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloat Value(TInt code, TFloat scale, TFloat offset) => TIsa.MultiplyAdd(TIsa.ToFloat(code), scale, offset);
}
