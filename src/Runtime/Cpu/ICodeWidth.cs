using Lorq.Runtime.Cpu.Isa;

namespace Lorq.Runtime.Cpu;

/// <summary>
/// How the codes of one bit-width lie in memory. Eight K-steps (32 consecutive k) of one vector of columns take <c>Bits</c> vectors; a K-step is one vector whose lanes hold
/// the four codes of their column. Codes keep their bits, so memory traffic is that of the width; each layout is chosen for few instructions per step.
/// </summary>
internal unsafe interface ICodeWidth
{
    /// <summary>Bits per code.</summary>
    static abstract int Bits { get; }

    /// <summary>
    /// Whether 16-bit sums hold centered codes: they start at <c>−2^(Bits − 1)·Σx</c>, so that what they end at is <c>Σ(code − 2^(Bits − 1))·x</c>. On the way they
    /// may wrap around.
    /// </summary>
    static abstract bool IsCentered { get; }

    /// <summary>K-steps whose products with |x| ≤ 127 end within a 16-bit sum, at most 8: <c>2·127·steps</c> times the largest (centered) code is at most 32767. Wide codes have 32-bit sums and say 8.</summary>
    static abstract int StepsPerSum { get; }

    /// <summary>Whether codes need <c>DotWide</c>.</summary>
    static abstract bool IsWide { get; }

    /// <summary>The codes of step 0…7.</summary>
    static abstract TInt Step<TIsa, TInt, TFloat>(byte* packed, int step)
        where TIsa : IKernelIsa<TInt, TFloat>
        where TInt : unmanaged
        where TFloat : unmanaged;

    /// <summary>Packs eight bytes of each of the eight steps into eight bytes of each of the <c>Bits</c> vectors.</summary>
    /// <param name="steps">Eight groups of eight codes, one code a byte.</param>
    /// <param name="packed">One group of eight bytes per vector.</param>
    static abstract void Pack(ReadOnlySpan<ulong> steps, Span<ulong> packed);
}
