namespace Lorq.Runtime.Cpu.Isa;

/// <summary>
/// The vector primitives that the kernels are written over; one implementation per instruction set. A vector has <see cref="Lanes"/> 32-bit lanes;
/// a lane belongs to one output column. In a vector of codes a lane holds the four unsigned codes of four consecutive k.
/// </summary>
/// <typeparam name="TInt">The vector type for codes and integer sums.</typeparam>
/// <typeparam name="TFloat">The vector type for float32.</typeparam>
internal unsafe interface IKernelIsa<TInt, TFloat>
    where TInt : unmanaged
    where TFloat : unmanaged
{
    /// <summary>The name for reports, e.g. <c>AVX2</c>.</summary>
    static abstract string Name { get; }

    /// <summary>Whether this processor has the instructions.</summary>
    static abstract bool IsSupported { get; }

    /// <summary>The number of 32-bit lanes: columns per vector.</summary>
    static abstract int Lanes { get; }

    /// <summary>Whether <see cref="Dot(TInt, TInt, TInt)"/> sums into 16-bit lanes, of bytes 0 and 1, and of 2 and 3; what they sum up to must fit where <see cref="Sum"/> is called.</summary>
    static abstract bool HasNarrowSums { get; }

    /// <summary>What <see cref="DotWide"/> subtracts from every code: 0 or 128.</summary>
    static abstract int WideOffset { get; }

    /// <summary>Loads <c>4·Lanes</c> bytes.</summary>
    static abstract TInt LoadBytes(byte* source);

    /// <summary>Hints that a byte will be read soon. Any address will do.</summary>
    static abstract void Prefetch(byte* address);

    /// <summary>Stores <c>4·Lanes</c> bytes.</summary>
    static abstract void StoreBytes(byte* target, TInt value);

    /// <summary>Four bytes in every lane.</summary>
    static abstract TInt BroadcastBytes(byte* source);

    /// <summary>All bits zero.</summary>
    static abstract TInt ZeroInt { get; }

    /// <summary>Every byte masked.</summary>
    static abstract TInt And(TInt value, byte mask);

    /// <summary>Bitwise or.</summary>
    static abstract TInt Or(TInt left, TInt right);

    /// <summary>A logical right shift of 16-bit or wider lanes; callers mask away what crosses bytes.</summary>
    static abstract TInt ShiftRight(TInt value, [System.Diagnostics.CodeAnalysis.ConstantExpected] byte count);

    /// <summary>Lane-wise <c>accumulator + Σ₄ codes·x</c> for codes of at most 6 bits and signed x; in 16-bit halves, which wrap around, where <see cref="HasNarrowSums"/>.</summary>
    static abstract TInt Dot(TInt accumulator, TInt codes, TInt x);

    /// <summary>The same without an accumulator.</summary>
    static abstract TInt Dot(TInt codes, TInt x);

    /// <summary>Lane-wise <c>accumulator + Σ₄ (codes − WideOffset)·x</c> in 32 bits, for 8-bit codes.</summary>
    static abstract TInt DotWide(TInt accumulator, TInt codes, TInt x);

    /// <summary>The 32-bit sums of what <see cref="Dot(TInt, TInt, TInt)"/> accumulated.</summary>
    static abstract TInt Sum(TInt accumulator);

    /// <summary>32-bit addition.</summary>
    static abstract TInt Add(TInt left, TInt right);

    /// <summary>The byte at bit <paramref name="shift"/> (0, 8, 16, 24) of every lane as a 32-bit integer.</summary>
    static abstract TInt ByteOfLane(TInt value, [System.Diagnostics.CodeAnalysis.ConstantExpected] byte shift);

    /// <summary>Converts 32-bit integers.</summary>
    static abstract TFloat ToFloat(TInt value);

    /// <summary>Rounds to the nearest integer, ties to even.</summary>
    static abstract TInt Round(TFloat value);

    /// <summary>Stores the lanes, which fit a signed byte, as <see cref="Lanes"/> bytes.</summary>
    static abstract void StoreNarrow(sbyte* target, TInt value);

    /// <summary>The sum of all lanes.</summary>
    static abstract int Total(TInt value);

    /// <summary>Loads <see cref="Lanes"/> floats.</summary>
    static abstract TFloat Load(float* source);

    /// <summary>Loads <see cref="Lanes"/> finite float16 numbers.</summary>
    static abstract TFloat LoadHalf(Half* source);

    /// <summary>Loads <see cref="Lanes"/> 8-bit integers as floats.</summary>
    static abstract TFloat LoadInt8(sbyte* source);

    /// <summary>Loads <see cref="Lanes"/> 16-bit integers as floats.</summary>
    static abstract TFloat LoadInt16(short* source);

    /// <summary>Stores <see cref="Lanes"/> floats.</summary>
    static abstract void Store(float* target, TFloat value);

    /// <summary>One float in every lane.</summary>
    static abstract TFloat Broadcast(float* source);

    /// <summary>All lanes zero.</summary>
    static abstract TFloat ZeroFloat { get; }

    /// <summary>Product.</summary>
    static abstract TFloat Multiply(TFloat left, TFloat right);

    /// <summary>Sum.</summary>
    static abstract TFloat Add(TFloat left, TFloat right);

    /// <summary><c>left·right + addend</c>.</summary>
    static abstract TFloat MultiplyAdd(TFloat left, TFloat right, TFloat addend);

    /// <summary><c>addend − left·right</c>.</summary>
    static abstract TFloat NegativeMultiplyAdd(TFloat left, TFloat right, TFloat addend);

    /// <summary>Lane-wise <c>max(left, |right|)</c> of a left that is not negative; infinity and, above it, NaN are the largest.</summary>
    static abstract TFloat MaxMagnitude(TFloat left, TFloat right);

    /// <summary>The largest of lanes that are not negative, NaN above all.</summary>
    static abstract float Largest(TFloat value);

    /// <summary>Elements of a table, by index.</summary>
    static abstract TFloat Lookup(float* table, TInt index);
}
