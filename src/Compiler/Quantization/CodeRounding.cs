using System.Numerics;

namespace Lorq.Quantization;

/// <summary>The nearest point of a grid to weights divided by their scale. A struct, so that the loops over it are compiled per grid.</summary>
internal interface ICodeRounding
{
    /// <summary>Nearest points: what a code stands for before it is multiplied by the scale.</summary>
    /// <param name="scaled">Weights divided by their scales.</param>
    /// <param name="zero">Zero points.</param>
    Vector<float> Nearest(Vector<float> scaled, Vector<float> zero);

    /// <summary>The codes of points that <see cref="Nearest"/> returned.</summary>
    Vector<int> Codes(Vector<float> points, Vector<float> zero);
}

/// <summary>Evenly spaced: integers from −zero to levels − 1 − zero, ties to even.</summary>
internal readonly struct IntegerRounding(int levels) : ICodeRounding
{
    private readonly float largest = levels - 1;

    /// <inheritdoc />
    public Vector<float> Nearest(Vector<float> scaled, Vector<float> zero) =>
        Vector.Max(Vector.Min(Vector.Round(scaled), Vector.Create(largest) - zero), -zero);

    /// <inheritdoc />
    public Vector<int> Codes(Vector<float> points, Vector<float> zero) => Vector.ConvertToInt32(points + zero);
}

/// <summary>A sorted codebook; the boundary between two codes is their midpoint.</summary>
internal readonly struct CodebookRounding : ICodeRounding
{
    /// <summary>Up to this many codes comparing with every boundary is faster than a search per lane.</summary>
    private const int ComparedCodes = 16;

    private readonly float[] codebook;
    private readonly float[] boundaries;

    public CodebookRounding(ReadOnlySpan<float> values)
    {
        codebook = values.ToArray();
        boundaries = new float[values.Length - 1];
        for (int i = 0; i < boundaries.Length; i++)
        {
            boundaries[i] = (float)(((double)values[i] + values[i + 1]) / 2);
        }
    }

    /// <inheritdoc />
    public Vector<float> Nearest(Vector<float> scaled, Vector<float> zero)
    {
        if (codebook.Length > ComparedCodes)
        {
            Span<float> lanes = stackalloc float[Vector<float>.Count];
            scaled.CopyTo(lanes);
            for (int i = 0; i < lanes.Length; i++)
            {
                lanes[i] = codebook[IndexOf(boundaries, lanes[i])];
            }
            return new Vector<float>(lanes);
        }
        Vector<float> nearest = Vector.Create(codebook[0]);
        for (int i = 0; i < boundaries.Length; i++)
        {
            nearest = Vector.ConditionalSelect(
                Vector.GreaterThan(scaled, Vector.Create(boundaries[i])),
                Vector.Create(codebook[i + 1]),
                nearest
            );
        }
        return nearest;
    }

    /// <inheritdoc />
    public Vector<int> Codes(Vector<float> points, Vector<float> zero)
    {
        if (codebook.Length <= ComparedCodes)
        {
            Vector<int> below = Vector<int>.Zero;
            foreach (float boundary in boundaries)
            {
                // A comparison that holds is −1 in every bit.
                below -= Vector.GreaterThan(points, Vector.Create(boundary));
            }
            return below;
        }
        Span<float> lanes = stackalloc float[Vector<float>.Count];
        Span<int> codes = stackalloc int[Vector<float>.Count];
        points.CopyTo(lanes);
        for (int i = 0; i < lanes.Length; i++)
        {
            codes[i] = IndexOf(boundaries, lanes[i]);
        }
        return new Vector<int>(codes);
    }

    /// <summary>How many boundaries lie below the value.</summary>
    private static int IndexOf(float[] boundaries, float value)
    {
        int low = 0;
        int high = boundaries.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (value > boundaries[middle])
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }
        return low;
    }
}
