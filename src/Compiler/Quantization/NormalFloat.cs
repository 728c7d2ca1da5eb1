using Lorq.Numerics;

namespace Lorq.Quantization;

/// <summary>
/// NormalFloat codebooks (QLoRA, LQ-LoRA): quantiles of a normal distribution scaled to [−1, 1], with an exact zero and one point
/// more on the positive side.
/// </summary>
public static class NormalFloat
{
    /// <summary>Probability of the outermost quantile.</summary>
    private const double Offset = 0.9677083;

    private static readonly Lazy<float[]>[] Codebooks = [.. Enumerable.Range(0, 9).Select(bits => new Lazy<float[]>(() => Build(bits)))];

    /// <summary>The 2^bits values, ascending from −1 to 1.</summary>
    /// <param name="bits">2 to 8.</param>
    /// <exception cref="ArgumentOutOfRangeException">Another number of bits.</exception>
    public static ReadOnlySpan<float> Codebook(int bits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 8);
        return Codebooks[bits].Value;
    }

    /// <summary>
    /// 2^(b−1) probabilities from 1−o to ½ and 2^(b−1)+1 from ½ to o, the second ½ left out; the quantiles divided by the outermost one.
    /// </summary>
    private static float[] Build(int bits)
    {
        int half = 1 << (bits - 1);
        double[] probabilities =
        [
            .. Enumerable.Range(0, half).Select(i => 1 - Offset + (Offset - 0.5) * i / (half - 1)),
            .. Enumerable.Range(1, half).Select(i => 0.5 + (Offset - 0.5) * i / half),
        ];
        // The middle is ½ up to rounding; its quantile must be exactly 0.
        probabilities[half - 1] = 0.5;
        double[] quantiles = Linear.NormalQuantiles(probabilities);
        double largest = quantiles[^1];
        float[] values = [.. quantiles.Select(q => (float)(q / largest))];
        values[0] = -1;
        return values;
    }
}
