using System.Runtime.CompilerServices;
using Lorq.Runtime.Cpu.Isa;

namespace Lorq.Runtime.Cpu;

/// <summary>The float inner loops: up to three rows against a panel of two vectors of columns. The projections onto and from the low rank, and exact activations.</summary>
internal static unsafe class FloatTile<TIsa, TInt, TFloat, TRows>
    where TIsa : IKernelIsa<TInt, TFloat>
    where TInt : struct
    where TFloat : struct
    where TRows : IRowCount
{
    /// <summary><c>To = From + X·Weights + T·L2</c>; From may be null for zeros; Weights are floats, or float16 where they are null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(in TileWork work)
    {
        TFloat f00 = TIsa.ZeroFloat,
            f01 = TIsa.ZeroFloat,
            f10 = TIsa.ZeroFloat,
            f11 = TIsa.ZeroFloat,
            f20 = TIsa.ZeroFloat,
            f21 = TIsa.ZeroFloat;
        if (work.From is not null)
        {
            f00 = TIsa.Load(work.From);
            f01 = TIsa.Load(work.From + TIsa.Lanes);
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
        }
        Continue(
            work.Length,
            work.X,
            work.XStride,
            (float*)work.Weights,
            work.HalfWeights,
            ref f00,
            ref f01,
            ref f10,
            ref f11,
            ref f20,
            ref f21
        );
        if (work.Rank > 0)
        {
            Continue(work.Rank, work.T, work.TStride, work.L2, work.HalfL2, ref f00, ref f01, ref f10, ref f11, ref f20, ref f21);
        }
        Store(work.To, work.ToStride, f00, f01, f10, f11, f20, f21);
    }

    /// <summary>Adds <paramref name="length"/> products of x and a panel's rows, float32 or (where <paramref name="weights"/> is null) float16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Continue(
        int length,
        float* x,
        nint stride,
        float* weights,
        Half* halves,
        ref TFloat f00,
        ref TFloat f01,
        ref TFloat f10,
        ref TFloat f11,
        ref TFloat f20,
        ref TFloat f21
    )
    {
        int k = 0;
        if (TRows.Count == 1)
        {
            // One row has too few sums to hide the latency of an addition: three k at a time, each into its own.
            f10 = f11 = f20 = f21 = TIsa.ZeroFloat;
            for (; k + 3 <= length; k += 3)
            {
                Add(x + k, Row(weights, halves, k, 0), Row(weights, halves, k, 1), ref f00, ref f01);
                Add(x + k + 1, Row(weights, halves, k + 1, 0), Row(weights, halves, k + 1, 1), ref f10, ref f11);
                Add(x + k + 2, Row(weights, halves, k + 2, 0), Row(weights, halves, k + 2, 1), ref f20, ref f21);
            }
            f00 = TIsa.Add(f00, TIsa.Add(f10, f20));
            f01 = TIsa.Add(f01, TIsa.Add(f11, f21));
        }
        for (; k < length; k++)
        {
            TFloat w0 = Row(weights, halves, k, 0),
                w1 = Row(weights, halves, k, 1);
            Add(x + k, w0, w1, ref f00, ref f01);
            if (TRows.Count > 1)
            {
                Add(x + stride + k, w0, w1, ref f10, ref f11);
            }
            if (TRows.Count > 2)
            {
                Add(x + 2 * stride + k, w0, w1, ref f20, ref f21);
            }
        }
    }

    /// <summary>Stores the rows of the tile.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* to, nint stride, TFloat f00, TFloat f01, TFloat f10, TFloat f11, TFloat f20, TFloat f21)
    {
        TIsa.Store(to, f00);
        TIsa.Store(to + TIsa.Lanes, f01);
        if (TRows.Count > 1)
        {
            TIsa.Store(to + stride, f10);
            TIsa.Store(to + stride + TIsa.Lanes, f11);
        }
        if (TRows.Count > 2)
        {
            TIsa.Store(to + 2 * stride, f20);
            TIsa.Store(to + 2 * stride + TIsa.Lanes, f21);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloat Row(float* weights, Half* halves, int k, int vector)
    {
        nint at = (nint)k * 2 * TIsa.Lanes + vector * TIsa.Lanes;
        return weights is null ? TIsa.LoadHalf(halves + at) : TIsa.Load(weights + at);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* x, TFloat w0, TFloat w1, ref TFloat f0, ref TFloat f1)
    {
        TFloat value = TIsa.Broadcast(x);
        f0 = TIsa.MultiplyAdd(value, w0, f0);
        f1 = TIsa.MultiplyAdd(value, w1, f1);
    }
}
