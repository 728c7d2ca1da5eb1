using System.Numerics;

namespace Lorq.Quantization;

/// <summary>
/// The scales and zero points that a search over clipped ranges tries for one block of each lane: the range times 1.00, 0.98, …, 0.50.
/// </summary>
internal readonly struct ClipCandidates
{
    private const float Step = 0.02f;

    private readonly QuantizationGrid grid;
    private readonly Vector<float> low;
    private readonly Vector<float> high;
    private readonly int factors;

    private ClipCandidates(QuantizationGrid grid, Vector<float> low, Vector<float> high)
    {
        this.grid = grid;
        this.low = low;
        this.high = high;
        factors = 26;
    }

    /// <summary>Candidates for blocks with the given extremes.</summary>
    /// <param name="grid">The grid.</param>
    /// <param name="low">Smallest weight, at most 0.</param>
    /// <param name="high">Largest weight, at least 0.</param>
    public static ClipCandidates For(QuantizationGrid grid, Vector<float> low, Vector<float> high) => new(grid, low, high);

    /// <summary>How many there are.</summary>
    public int Count => HasZeroPoint ? factors : 2 * factors;

    private bool HasZeroPoint => grid.Kind == GridKind.Integer && !grid.Symmetric;

    /// <summary>One candidate.</summary>
    public (Vector<float> Scale, Vector<float> Zero) this[int index]
    {
        get
        {
            if (HasZeroPoint)
            {
                return Asymmetric(1 - Step * index);
            }
            // Neither the levels of an integer grid around its zero point nor those of a codebook are symmetric: a negative scale
            // turns them round, and suits blocks whose longer tail is the positive one.
            float factor = (1 - Step * (index >> 1)) * ((index & 1) == 0 ? 1 : -1);
            float reach = grid.Kind == GridKind.NormalFloat ? 1 : (grid.Levels - 1) / 2f;
            return Scaled(Vector.Max(high, -low) * (factor / reach));
        }
    }

    /// <summary>
    /// The rule of plain rounding. Asymmetric: the range over the levels. Symmetric: the weight of largest magnitude gets the outermost
    /// code, 0, by a scale of its opposite sign (what ONNX Runtime's own quantizer does). Codebook: the largest magnitude.
    /// </summary>
    public (Vector<float> Scale, Vector<float> Zero) Plain()
    {
        if (HasZeroPoint)
        {
            return Asymmetric(1);
        }
        if (grid.Kind == GridKind.NormalFloat)
        {
            return Scaled(Vector.Max(high, -low));
        }
        Vector<float> largest = Vector.ConditionalSelect(Vector.GreaterThan(high, -low), high, low);
        return Scaled(largest / -(grid.Levels / 2f));
    }

    private (Vector<float> Scale, Vector<float> Zero) Scaled(Vector<float> scale) =>
        (ScaleRounding.Round(scale, grid.Scale), grid.Kind == GridKind.NormalFloat ? Vector<float>.Zero : Vector.Create(grid.Levels / 2f));

    private (Vector<float> Scale, Vector<float> Zero) Asymmetric(float factor)
    {
        float largest = grid.Levels - 1;
        Vector<float> scale = ScaleRounding.Round((high - low) * (factor / largest), grid.Scale);
        Vector<float> zero = Vector.ConditionalSelect(
            Vector.Equals(scale, Vector<float>.Zero),
            Vector<float>.Zero,
            Vector.Round(-low * factor / scale)
        );
        return (scale, Vector.Min(zero, Vector.Create(largest)));
    }
}
