using System.Runtime.CompilerServices;
using Lorq.Runtime.Cpu.Isa;

namespace Lorq.Runtime.Cpu;

/// <summary>What tile functions read of packed weights beside the codes.</summary>
internal static unsafe class PackedWeights<TIsa, TInt, TFloat>
    where TIsa : IKernelIsa<TInt, TFloat>
    where TInt : unmanaged
    where TFloat : unmanaged
{
    /// <summary>How far ahead codes are fetched: what memory delivers while it takes to answer.</summary>
    private const int CodesAhead = 4096;

    /// <summary>The same of scales, of which there are fewer.</summary>
    private const int ScalesAhead = 1024;

    /// <summary>
    /// Fetches the codes some way behind <paramref name="codes"/>: each is read once, from memory, and what fetches ahead by itself stops at every page. Beyond the end it is a
    /// hint without effect.
    /// </summary>
    /// <param name="codes">What is read now.</param>
    /// <param name="bytes">How much of it.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FetchAhead(byte* codes, int bytes)
    {
        int lines = (bytes + PackedMatrix.CacheLine - 1) / PackedMatrix.CacheLine;
        codes += CodesAhead;
        // Written out: a loop of so few turns would not be unrolled.
        TIsa.Prefetch(codes);
        FetchIf(lines > 1, codes + PackedMatrix.CacheLine);
        FetchIf(lines > 2, codes + 2 * PackedMatrix.CacheLine);
        FetchIf(lines > 3, codes + 3 * PackedMatrix.CacheLine);
        FetchIf(lines > 4, codes + 4 * PackedMatrix.CacheLine);
        FetchIf(lines > 5, codes + 5 * PackedMatrix.CacheLine);
        FetchIf(lines > 6, codes + 6 * PackedMatrix.CacheLine);
        FetchIf(lines > 7, codes + 7 * PackedMatrix.CacheLine);
        for (int line = 8; line < lines; line++)
        {
            TIsa.Prefetch(codes + line * PackedMatrix.CacheLine);
        }
    }

    /// <summary>Fetches the line of float16 numbers some way behind <paramref name="halves"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FetchAhead(Half* halves) => TIsa.Prefetch((byte*)halves + ScalesAhead);

    /// <summary>The scales of a vector of columns, in whichever form they are stored.</summary>
    /// <param name="work">The scales.</param>
    /// <param name="at">The place of the first.</param>
    /// <param name="factors">What 8-bit scales are multiplied by.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloat Scale(in TileWork work, nint at, float* factors) =>
        work.Scales is not null ? TIsa.Load(work.Scales + at)
        : work.HalfScales is not null ? TIsa.LoadHalf(work.HalfScales + at)
        : TIsa.Multiply(TIsa.LoadInt8(work.ByteScales + at), TIsa.Load(factors));

    /// <summary>What is added to <c>code·scale</c>: <c>−zero·scale</c>.</summary>
    /// <param name="work">The zero points.</param>
    /// <param name="at">The place of the first.</param>
    /// <param name="usual">What is subtracted from codes where there are none.</param>
    /// <param name="scale">The scales.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TFloat Offset(in TileWork work, nint at, TFloat usual, TFloat scale) =>
        TIsa.NegativeMultiplyAdd(work.Zeros is null ? usual : TIsa.LoadInt16(work.Zeros + at), scale, TIsa.ZeroFloat);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FetchIf(bool isThere, byte* line)
    {
        if (isThere)
        {
            TIsa.Prefetch(line);
        }
    }
}
