namespace Lorq.Runtime.Cpu;

/// <summary>What 16-bit sums of centered codes start with (<see cref="ICodeWidth.IsCentered"/>): a word of two halves for each sum of a run, after the run's scale and sum.</summary>
/// <param name="Center"><c>2^(Bits − 1)</c>; 0 where sums start with nothing.</param>
/// <param name="StepsPerSum">K-steps per sum.</param>
internal readonly record struct Centering(int Center, int StepsPerSum)
{
    /// <summary>Whether there is anything to start with.</summary>
    public bool IsCentered => Center != 0;

    /// <summary>Numbers beside a run's codes: scale and sum, and two starts.</summary>
    public static int Entry(bool isCentered) => isCentered ? 4 : 2;

    /// <summary>The starts of a run's sums: <c>−Center·(q₀ + q₁)</c> of its K-steps in the low half, of q₂ and q₃ in the high half.</summary>
    public unsafe void Start(sbyte* codes, int length, int* starts)
    {
        for (int first = 0; first < length; first += 4 * StepsPerSum)
        {
            int low = 0;
            int high = 0;
            for (int k = first; k < Math.Min(first + 4 * StepsPerSum, length); k += 4)
            {
                low += codes[k] + codes[k + 1];
                high += codes[k + 2] + codes[k + 3];
            }
            *starts++ = (-Center * low & 0xFFFF) | (-Center * high) << 16;
        }
    }
}
