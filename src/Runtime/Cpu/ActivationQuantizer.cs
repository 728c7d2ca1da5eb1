using System.Runtime.CompilerServices;
using Lorq.Runtime.Cpu.Isa;

namespace Lorq.Runtime.Cpu;

/// <summary>
/// Rounds activations to int8: per row and run of 32 k (16 for blocks of 16) <c>s = max|x|/127</c>, <c>q = round(x/s)</c>. A tile's codes are <c>[unit][row][32]</c>;
/// beside them an entry each, <c>[unit][run][row]{s, c}</c>, where c is <c>s·Σq</c>, times <c>−zero</c> where all zero points are the same; <c>{s, c, start, start}</c> where sums are centered.
/// </summary>
internal static unsafe class ActivationQuantizer<TIsa, TInt, TFloat>
    where TIsa : IKernelIsa<TInt, TFloat>
    where TInt : unmanaged
    where TFloat : unmanaged
{
    /// <summary>Below this, 127/max is not finite; such a run is rounded to zero.</summary>
    private const float Smallest = 1e-36f;

    /// <summary>Quantizes one row of a tile.</summary>
    /// <param name="x">K activations.</param>
    /// <param name="k">K.</param>
    /// <param name="codes">The row's place in the tile's codes.</param>
    /// <param name="sums">The row's place in the tile's scales and sums.</param>
    /// <param name="rows">Rows of the tile.</param>
    /// <param name="runs">Runs per unit: 1 or 2.</param>
    /// <param name="factor">What sums are multiplied with.</param>
    /// <param name="center">What centered sums start with; the default where they start with 0.</param>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Row(float* x, int k, sbyte* codes, float* sums, int rows, int runs, float factor, Centering center)
    {
        float* filled = stackalloc float[PackedMatrix.Unit];
        int length = PackedMatrix.Unit / runs;
        int entry = Centering.Entry(center.IsCentered);
        for (int at = 0; at < k; at += PackedMatrix.Unit, codes += PackedMatrix.Unit * rows)
        {
            float* source = x + at;
            if (at + PackedMatrix.Unit > k)
            {
                var last = new Span<float>(filled, PackedMatrix.Unit);
                last.Clear();
                new ReadOnlySpan<float>(source, k - at).CopyTo(last);
                source = filled;
            }
            for (int run = 0; run < runs; run++, sums += entry * rows)
            {
                Run(source + run * length, length, codes + run * length, sums, factor);
                if (center.IsCentered)
                {
                    center.Start(codes + run * length, length, (int*)(sums + 2));
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Run(float* x, int length, sbyte* codes, float* sums, float factor)
    {
        TFloat largest = TIsa.ZeroFloat;
        for (int i = 0; i < length; i += TIsa.Lanes)
        {
            largest = TIsa.MaxMagnitude(largest, TIsa.Load(x + i));
        }
        float max = TIsa.Largest(largest);
        float inverse = max > Smallest ? 127f / max : 0;
        TFloat scale = TIsa.Broadcast(&inverse);
        TInt total = TIsa.ZeroInt;
        for (int i = 0; i < length; i += TIsa.Lanes)
        {
            TInt rounded = TIsa.Round(TIsa.Multiply(TIsa.Load(x + i), scale));
            TIsa.StoreNarrow(codes + i, rounded);
            total = TIsa.Add(total, rounded);
        }
        // NaN and infinity make the scale NaN and with it the whole row of y.
        float s = float.IsFinite(max) ? (inverse == 0 ? 0 : max / 127f) : float.NaN;
        sums[0] = s;
        sums[1] = s * TIsa.Total(total) * factor;
    }
}
