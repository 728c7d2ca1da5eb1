using System.Runtime.CompilerServices;
using Lorq.Runtime.Cpu.Isa;

namespace Lorq.Runtime.Cpu;

/// <summary>The float sums of a tile's rows, two vectors of columns each, from and to memory.</summary>
internal static unsafe class RowSums<TIsa, TInt, TFloat, TRows>
    where TIsa : IKernelIsa<TInt, TFloat>
    where TInt : unmanaged
    where TFloat : unmanaged
    where TRows : IRowCount
{
    /// <summary>Loads as many rows as there are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load(
        float* from,
        nint stride,
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
        int lanes = sizeof(TFloat) / sizeof(float);
        f00 = TIsa.Load(from);
        f01 = TIsa.Load(from + lanes);
        if (typeof(TRows) != typeof(OneRow))
        {
            f10 = TIsa.Load(from + stride);
            f11 = TIsa.Load(from + stride + lanes);
        }
        if (typeof(TRows) == typeof(ThreeRows) || typeof(TRows) == typeof(FourRows))
        {
            f20 = TIsa.Load(from + 2 * stride);
            f21 = TIsa.Load(from + 2 * stride + lanes);
        }
        if (typeof(TRows) == typeof(FourRows))
        {
            f30 = TIsa.Load(from + 3 * stride);
            f31 = TIsa.Load(from + 3 * stride + lanes);
        }
    }

    /// <summary>Stores as many rows as there are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(
        float* to,
        nint stride,
        TFloat f00,
        TFloat f01,
        TFloat f10,
        TFloat f11,
        TFloat f20,
        TFloat f21,
        TFloat f30,
        TFloat f31
    )
    {
        int lanes = sizeof(TFloat) / sizeof(float);
        TIsa.Store(to, f00);
        TIsa.Store(to + lanes, f01);
        if (typeof(TRows) != typeof(OneRow))
        {
            TIsa.Store(to + stride, f10);
            TIsa.Store(to + stride + lanes, f11);
        }
        if (typeof(TRows) == typeof(ThreeRows) || typeof(TRows) == typeof(FourRows))
        {
            TIsa.Store(to + 2 * stride, f20);
            TIsa.Store(to + 2 * stride + lanes, f21);
        }
        if (typeof(TRows) == typeof(FourRows))
        {
            TIsa.Store(to + 3 * stride, f30);
            TIsa.Store(to + 3 * stride + lanes, f31);
        }
    }
}
