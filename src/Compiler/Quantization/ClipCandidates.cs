using System.Numerics;

namespace Lorq.Quantization;

/// <summary>
/// The scales and zero points that a search over clipped ranges tries for one block of each lane: the range times 1.00, 0.94, …, 0.52,
/// then 0.46, …, 0.18, which long blocks at 2 and 3 bits need and blocks whose largest weight meets a weak input; and 0.02 on either side
/// of the best of these.
/// </summary>
internal readonly struct ClipCandidates
{
    private const int HighFactors = 9;
    private const float HighStep = 0.06f;
    private const int LowFactors = 8;
    private const float LowStep = 0.04f;

    /// <summary>How far beside the best factor to look.</summary>
    public const float Beside = 0.02f;

    private readonly QuantizationGrid grid;
    private readonly ScaleRounding rounding;
    private readonly Vector<float> low;
    private readonly Vector<float> high;

    private ClipCandidates(QuantizationGrid grid, ScaleRounding rounding, Vector<float> low, Vector<float> high)
    {
        this.grid = grid;
        this.rounding = rounding;
        this.low = low;
        this.high = high;
    }

    /// <summary>Candidates for blocks with the given extremes.</summary>
    /// <param name="grid">The grid.</param>
    /// <param name="rounding">How scales are stored.</param>
    /// <param name="low">Smallest weight, at most 0.</param>
    /// <param name="high">Largest weight, at least 0.</param>
    public static ClipCandidates For(QuantizationGrid grid, ScaleRounding rounding, Vector<float> low, Vector<float> high) =>
        new(grid, rounding, low, high);

    /// <summary>How many factors are tried at first.</summary>
    public int Count => grid.HasZeroPoint ? HighFactors + LowFactors : 2 * (HighFactors + LowFactors);

    /// <summary>One of the factors that are tried at first.</summary>
    public float Factor(int index)
    {
        if (grid.HasZeroPoint)
        {
            return Size(index);
        }
        // Neither the levels of an integer grid around its zero point nor those of a codebook are symmetric: a negative scale
        // turns them round, and suits blocks whose longer tail is the positive one.
        return Size(index >> 1) * ((index & 1) == 0 ? 1 : -1);
    }

    /// <summary>The candidate with a factor of each lane's own.</summary>
    public (Vector<float> Scale, Vector<float> Zero) At(Vector<float> factor)
    {
        if (grid.HasZeroPoint)
        {
            return Asymmetric(factor);
        }
        float reach = grid.Kind == GridKind.NormalFloat ? 1 : (grid.Levels - 1) / 2f;
        return Scaled(Vector.Max(high, -low) * (factor / reach));
    }

    private static float Size(int index) => index < HighFactors ? 1 - HighStep * index : 0.5f - LowStep * (index - HighFactors + 1);

    /// <summary>
    /// The rule of plain rounding. Asymmetric: the range over the levels. Symmetric: the weight of largest magnitude gets the outermost
    /// code, 0, by a scale of its opposite sign (what ONNX Runtime's own quantizer does). Codebook: the largest magnitude.
    /// </summary>
    public (Vector<float> Scale, Vector<float> Zero) Plain()
    {
        if (grid.HasZeroPoint)
        {
            return Asymmetric(Vector<float>.One);
        }
        if (grid.Kind == GridKind.NormalFloat)
        {
            return Scaled(Vector.Max(high, -low));
        }
        Vector<float> largest = Vector.ConditionalSelect(Vector.GreaterThan(high, -low), high, low);
        return Scaled(largest / -(grid.Levels / 2f));
    }

    private (Vector<float> Scale, Vector<float> Zero) Scaled(Vector<float> scale) =>
        (rounding.Round(scale), grid.Kind == GridKind.NormalFloat ? Vector<float>.Zero : Vector.Create(grid.Levels / 2f));

    private (Vector<float> Scale, Vector<float> Zero) Asymmetric(Vector<float> factor)
    {
        float largest = grid.Levels - 1;
        Vector<float> scale = rounding.Round((high - low) * factor / largest);
        Vector<float> zero = Vector.ConditionalSelect(
            Vector.Equals(scale, Vector<float>.Zero),
            Vector<float>.Zero,
            Vector.Round(-low * factor / scale)
        );
        return (scale, Vector.Min(zero, Vector.Create(largest)));
    }
}
