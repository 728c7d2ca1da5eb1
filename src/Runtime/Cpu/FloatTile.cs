using System.Runtime.CompilerServices;
using Lorq.Runtime.Cpu.Isa;

namespace Lorq.Runtime.Cpu;

/// <summary>The float inner loops: tiles of up to three rows, or six, against a panel of two vectors of columns. The projections onto and from the low rank, and exact activations.</summary>
internal static unsafe class FloatTile<TIsa, TInt, TFloat, TRows>
    where TIsa : IKernelIsa<TInt, TFloat>
    where TInt : unmanaged
    where TFloat : unmanaged
    where TRows : IRowCount
{
    /// <summary><c>To = From + X·Weights</c>; From may be null for zeros; weights are floats, or float16 where they are null.</summary>
    public static void Run(in TileWork work)
    {
        if (work.Weights is null)
        {
            Run(work, work.HalfWeights);
        }
        else
        {
            Run(work, (float*)work.Weights);
        }
    }

    /// <summary>Compiled for each type of weights: a choice within the loop would cost as much as the arithmetic.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Run<TWeight>(in TileWork work, TWeight* first)
        where TWeight : unmanaged
    {
        int rows = TRows.Count;
        int lanes = sizeof(TFloat) / sizeof(float);
        TFloat zero = TIsa.ZeroFloat;
        nint length = work.Length;
        for (nint tile = 0; tile < work.Tiles; tile++)
        {
            TWeight* weights = (TWeight*)((byte*)first + tile * work.WeightsStep);
            TFloat f00 = zero,
                f01 = zero,
                f10 = zero,
                f11 = zero,
                f20 = zero,
                f21 = zero;
            // The second half of six rows, or of the k of fewer.
            TFloat g00 = zero,
                g01 = zero,
                g10 = zero,
                g11 = zero,
                g20 = zero,
                g21 = zero;
            nint stride = work.FromStride;
            if (work.From is not null)
            {
                float* from = work.From + tile * work.FromStep;
                Load(from, stride, ref f00, ref f01, ref f10, ref f11, ref f20, ref f21);
                if (rows > 3)
                {
                    Load(from + 3 * stride, stride, ref g00, ref g01, ref g10, ref g11, ref g20, ref g21);
                }
            }
            stride = work.XStride;
            float* x = work.X + tile * work.XStep;
            float* x1 = x + (rows > 1 ? stride : 0);
            float* x2 = x1 + (rows > 2 ? stride : 0);
            nint k = 0;
            if (rows == 1)
            {
                // One row has too few sums to hide the latency of an addition: three k at a time, each into its own.
                for (; k + 3 <= length; k += 3)
                {
                    Add(x + k, weights, ref f00, ref f01);
                    Add(x + k + 1, weights + 2 * lanes, ref f10, ref f11);
                    Add(x + k + 2, weights + 4 * lanes, ref f20, ref f21);
                    weights += 6 * lanes;
                }
                f00 = TIsa.Add(f00, TIsa.Add(f10, f20));
                f01 = TIsa.Add(f01, TIsa.Add(f11, f21));
            }
            else if (rows == SixRows.Count)
            {
                float* x3 = x2 + stride;
                float* x4 = x3 + stride;
                float* x5 = x4 + stride;
                for (; k < length; k++)
                {
                    TFloat w0 = Load(weights);
                    TFloat w1 = Load(weights + lanes);
                    Step(x + k, x1 + k, x2 + k, w0, w1, ref f00, ref f01, ref f10, ref f11, ref f20, ref f21);
                    Step(x3 + k, x4 + k, x5 + k, w0, w1, ref g00, ref g01, ref g10, ref g11, ref g20, ref g21);
                    weights += 2 * lanes;
                }
            }
            else
            {
                // Six sums do not hide it either: twelve do, of every other k, and still fit into sixteen registers.
                for (; k + 2 <= length; k += 2)
                {
                    Step(x + k, x1 + k, x2 + k, Load(weights), Load(weights + lanes), ref f00, ref f01, ref f10, ref f11, ref f20, ref f21);
                    Step(
                        x + k + 1,
                        x1 + k + 1,
                        x2 + k + 1,
                        Load(weights + 2 * lanes),
                        Load(weights + 3 * lanes),
                        ref g00,
                        ref g01,
                        ref g10,
                        ref g11,
                        ref g20,
                        ref g21
                    );
                    weights += 4 * lanes;
                }
                f00 = TIsa.Add(f00, g00);
                f01 = TIsa.Add(f01, g01);
                f10 = TIsa.Add(f10, g10);
                f11 = TIsa.Add(f11, g11);
                f20 = TIsa.Add(f20, g20);
                f21 = TIsa.Add(f21, g21);
            }
            for (; k < length; k++)
            {
                Step(x + k, x1 + k, x2 + k, Load(weights), Load(weights + lanes), ref f00, ref f01, ref f10, ref f11, ref f20, ref f21);
                weights += 2 * lanes;
            }
            stride = work.ToStride;
            float* to = work.To + tile * work.ToStep;
            Store(to, stride, f00, f01, f10, f11, f20, f21);
            if (rows > 3)
            {
                Store(to + 3 * stride, stride, g00, g01, g10, g11, g20, g21);
            }
        }
    }

    /// <summary>The first rows of a tile, or the second three of six.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(
        float* from,
        nint stride,
        ref TFloat f00,
        ref TFloat f01,
        ref TFloat f10,
        ref TFloat f11,
        ref TFloat f20,
        ref TFloat f21
    )
    {
        TFloat none = TIsa.ZeroFloat;
        if (typeof(TRows) == typeof(SixRows))
        {
            RowSums<TIsa, TInt, TFloat, ThreeRows>.Load(
                from,
                stride,
                ref f00,
                ref f01,
                ref f10,
                ref f11,
                ref f20,
                ref f21,
                ref none,
                ref none
            );
            return;
        }
        RowSums<TIsa, TInt, TFloat, TRows>.Load(from, stride, ref f00, ref f01, ref f10, ref f11, ref f20, ref f21, ref none, ref none);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, nint stride, TFloat f00, TFloat f01, TFloat f10, TFloat f11, TFloat f20, TFloat f21)
    {
        if (typeof(TRows) == typeof(SixRows))
        {
            RowSums<TIsa, TInt, TFloat, ThreeRows>.Store(to, stride, f00, f01, f10, f11, f20, f21, f20, f21);
            return;
        }
        RowSums<TIsa, TInt, TFloat, TRows>.Store(to, stride, f00, f01, f10, f11, f20, f21, f20, f21);
    }

    /// <summary>One k of all rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step(
        float* x,
        float* x1,
        float* x2,
        TFloat w0,
        TFloat w1,
        ref TFloat f00,
        ref TFloat f01,
        ref TFloat f10,
        ref TFloat f11,
        ref TFloat f20,
        ref TFloat f21
    )
    {
        TFloat value = TIsa.Broadcast(x);
        f00 = TIsa.MultiplyAdd(value, w0, f00);
        f01 = TIsa.MultiplyAdd(value, w1, f01);
        if (TRows.Count > 1)
        {
            value = TIsa.Broadcast(x1);
            f10 = TIsa.MultiplyAdd(value, w0, f10);
            f11 = TIsa.MultiplyAdd(value, w1, f11);
        }
        if (TRows.Count > 2)
        {
            value = TIsa.Broadcast(x2);
            f20 = TIsa.MultiplyAdd(value, w0, f20);
            f21 = TIsa.MultiplyAdd(value, w1, f21);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TFloat Load<TWeight>(TWeight* weights)
        where TWeight : unmanaged => typeof(TWeight) == typeof(Half) ? TIsa.LoadHalf((Half*)weights) : TIsa.Load((float*)weights);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<TWeight>(float* x, TWeight* weights, ref TFloat f0, ref TFloat f1)
        where TWeight : unmanaged
    {
        int lanes = sizeof(TFloat) / sizeof(float);
        TFloat value = TIsa.Broadcast(x);
        f0 = TIsa.MultiplyAdd(value, Load(weights), f0);
        f1 = TIsa.MultiplyAdd(value, Load(weights + lanes), f1);
    }
}
