using System.Runtime.CompilerServices;
using Lorq.Runtime.Cpu.Isa;

namespace Lorq.Runtime.Cpu;

/// <summary>2 bits: four steps per vector.</summary>
internal readonly unsafe struct Codes2 : ICodeWidth
{
    public static int Bits => 2;
    public static bool IsCentered => false;
    public static int StepsPerSum => 8;
    public static bool IsWide => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TInt Step<TIsa, TInt, TFloat>(byte* packed, int step)
        where TIsa : IKernelIsa<TInt, TFloat>
        where TInt : unmanaged
        where TFloat : unmanaged
    {
        TInt v = TIsa.LoadBytes(packed + step / 4 * sizeof(TInt));
        return (step % 4) switch
        {
            0 => TIsa.And(v, 3),
            1 => TIsa.And(TIsa.ShiftRight(v, 2), 3),
            2 => TIsa.And(TIsa.ShiftRight(v, 4), 3),
            _ => TIsa.And(TIsa.ShiftRight(v, 6), 3),
        };
    }

    public static void Pack(ReadOnlySpan<ulong> steps, Span<ulong> packed)
    {
        packed[0] = steps[0] | steps[1] << 2 | steps[2] << 4 | steps[3] << 6;
        packed[1] = steps[4] | steps[5] << 2 | steps[6] << 4 | steps[7] << 6;
    }
}

/// <summary>3 bits: two whole steps per vector and the other two steps in the three vectors' top bits.</summary>
internal readonly unsafe struct Codes3 : ICodeWidth
{
    private const ulong Low2 = 0x0303030303030303;
    private const ulong Bit2 = 0x0404040404040404;

    public static int Bits => 3;
    public static bool IsCentered => false;
    public static int StepsPerSum => 8;
    public static bool IsWide => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TInt Step<TIsa, TInt, TFloat>(byte* packed, int step)
        where TIsa : IKernelIsa<TInt, TFloat>
        where TInt : unmanaged
        where TFloat : unmanaged
    {
        int w = sizeof(TInt);
        switch (step)
        {
            case 0 or 2 or 4:
                return TIsa.And(TIsa.LoadBytes(packed + step / 2 * w), 7);
            case 1 or 3 or 5:
                return TIsa.And(TIsa.ShiftRight(TIsa.LoadBytes(packed + step / 2 * w), 3), 7);
            case 6:
                return TIsa.Or(
                    TIsa.And(TIsa.ShiftRight(TIsa.LoadBytes(packed), 6), 3),
                    TIsa.And(TIsa.ShiftRight(TIsa.LoadBytes(packed + w), 4), 4)
                );
            default:
                return TIsa.Or(
                    TIsa.And(TIsa.ShiftRight(TIsa.LoadBytes(packed + 2 * w), 6), 3),
                    TIsa.And(TIsa.ShiftRight(TIsa.LoadBytes(packed + w), 5), 4)
                );
        }
    }

    public static void Pack(ReadOnlySpan<ulong> steps, Span<ulong> packed)
    {
        packed[0] = steps[0] | steps[1] << 3 | (steps[6] & Low2) << 6;
        packed[1] = steps[2] | steps[3] << 3 | (steps[6] & Bit2) << 4 | (steps[7] & Bit2) << 5;
        packed[2] = steps[4] | steps[5] << 3 | (steps[7] & Low2) << 6;
    }
}

/// <summary>4 bits: two steps per vector.</summary>
internal readonly unsafe struct Codes4 : ICodeWidth
{
    public static int Bits => 4;
    public static bool IsCentered => false;
    public static int StepsPerSum => 8;
    public static bool IsWide => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TInt Step<TIsa, TInt, TFloat>(byte* packed, int step)
        where TIsa : IKernelIsa<TInt, TFloat>
        where TInt : unmanaged
        where TFloat : unmanaged
    {
        TInt v = TIsa.LoadBytes(packed + step / 2 * sizeof(TInt));
        return step % 2 == 0 ? TIsa.And(v, 15) : TIsa.And(TIsa.ShiftRight(v, 4), 15);
    }

    public static void Pack(ReadOnlySpan<ulong> steps, Span<ulong> packed)
    {
        for (int i = 0; i < 4; i++)
        {
            packed[i] = steps[2 * i] | steps[2 * i + 1] << 4;
        }
    }
}

/// <summary>5 bits: one whole step per vector and the other three in the five vectors' top three bits.</summary>
internal readonly unsafe struct Codes5 : ICodeWidth
{
    private const ulong Low3 = 0x0707070707070707;
    private const ulong Bits34 = 0x1818181818181818;
    private const ulong Bit3 = 0x0808080808080808;
    private const ulong Bit4 = 0x1010101010101010;

    public static int Bits => 5;
    public static bool IsCentered => true;
    public static int StepsPerSum => 8;
    public static bool IsWide => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TInt Step<TIsa, TInt, TFloat>(byte* packed, int step)
        where TIsa : IKernelIsa<TInt, TFloat>
        where TInt : unmanaged
        where TFloat : unmanaged
    {
        int w = sizeof(TInt);
        if (step < 5)
        {
            return TIsa.And(TIsa.LoadBytes(packed + step * w), 31);
        }
        TInt low = TIsa.And(TIsa.ShiftRight(TIsa.LoadBytes(packed + 2 * (step - 5) * w), 5), 7);
        return step < 7
            ? TIsa.Or(low, TIsa.And(TIsa.ShiftRight(TIsa.LoadBytes(packed + (2 * (step - 5) + 1) * w), 2), 24))
            : TIsa.Or(
                low,
                TIsa.Or(
                    TIsa.And(TIsa.ShiftRight(TIsa.LoadBytes(packed + w), 4), 8),
                    TIsa.And(TIsa.ShiftRight(TIsa.LoadBytes(packed + 3 * w), 3), 16)
                )
            );
    }

    public static void Pack(ReadOnlySpan<ulong> steps, Span<ulong> packed)
    {
        packed[0] = steps[0] | (steps[5] & Low3) << 5;
        packed[1] = steps[1] | (steps[5] & Bits34) << 2 | (steps[7] & Bit3) << 4;
        packed[2] = steps[2] | (steps[6] & Low3) << 5;
        packed[3] = steps[3] | (steps[6] & Bits34) << 2 | (steps[7] & Bit4) << 3;
        packed[4] = steps[4] | (steps[7] & Low3) << 5;
    }
}

/// <summary>6 bits: one whole step per vector and the other two in the six vectors' top two bits.</summary>
internal readonly unsafe struct Codes6 : ICodeWidth
{
    private const ulong Bits01 = 0x0303030303030303;
    private const ulong Bits23 = 0x0C0C0C0C0C0C0C0C;
    private const ulong Bits45 = 0x3030303030303030;

    public static int Bits => 6;
    public static bool IsCentered => true;
    public static int StepsPerSum => 4;
    public static bool IsWide => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TInt Step<TIsa, TInt, TFloat>(byte* packed, int step)
        where TIsa : IKernelIsa<TInt, TFloat>
        where TInt : unmanaged
        where TFloat : unmanaged
    {
        int w = sizeof(TInt);
        if (step < 6)
        {
            return TIsa.And(TIsa.LoadBytes(packed + step * w), 63);
        }
        byte* first = packed + (step - 6) * 3 * w;
        return TIsa.Or(
            TIsa.Or(TIsa.And(TIsa.ShiftRight(TIsa.LoadBytes(first), 6), 3), TIsa.And(TIsa.ShiftRight(TIsa.LoadBytes(first + w), 4), 12)),
            TIsa.And(TIsa.ShiftRight(TIsa.LoadBytes(first + 2 * w), 2), 48)
        );
    }

    public static void Pack(ReadOnlySpan<ulong> steps, Span<ulong> packed)
    {
        for (int i = 0; i < 2; i++)
        {
            ulong split = steps[6 + i];
            packed[3 * i] = steps[3 * i] | (split & Bits01) << 6;
            packed[3 * i + 1] = steps[3 * i + 1] | (split & Bits23) << 4;
            packed[3 * i + 2] = steps[3 * i + 2] | (split & Bits45) << 2;
        }
    }
}

/// <summary>8 bits: a byte each.</summary>
internal readonly unsafe struct Codes8 : ICodeWidth
{
    public static int Bits => 8;
    public static bool IsCentered => false;
    public static int StepsPerSum => 8;
    public static bool IsWide => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TInt Step<TIsa, TInt, TFloat>(byte* packed, int step)
        where TIsa : IKernelIsa<TInt, TFloat>
        where TInt : unmanaged
        where TFloat : unmanaged => TIsa.LoadBytes(packed + step * sizeof(TInt));

    public static void Pack(ReadOnlySpan<ulong> steps, Span<ulong> packed) => steps.CopyTo(packed);
}
