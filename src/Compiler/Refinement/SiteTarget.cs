using System.Numerics.Tensors;
using Lorq.Sites;

namespace Lorq.Refinement;

/// <summary>A site's weight as the compressed prefix wants it.</summary>
/// <param name="site">The site.</param>
/// <param name="weight">Its weight, row-major K×N.</param>
/// <param name="index">Its place among the sites that read the same input.</param>
/// <param name="fit">The input, per group, on the samples that weights are fitted to.</param>
/// <param name="judge">The same on samples kept aside.</param>
internal sealed class SiteTarget(Site site, float[] weight, int index, IReadOnlyList<GroupShift> fit, IReadOnlyList<GroupShift> judge)
{
    /// <summary>The site.</summary>
    public Site Site { get; } = site;

    /// <summary>
    /// W + α·(W* − W) with the α in [0, 1] that answers best on the samples kept aside: a full step fits the calibration data and generalises
    /// worse. Null when no step helps there, or the system cannot be solved.
    /// </summary>
    public float[]? Moved()
    {
        if (Correction() is not { } correction)
        {
            return null;
        }
        (double square, double product) = Terms(correction);
        double share = square > 0 ? Math.Clamp(product / square, 0, 1) : 0;
        if (!(share > 0))
        {
            return null;
        }
        var moved = new float[weight.Length];
        TensorPrimitives.MultiplyAdd(correction, (float)share, weight, moved);
        return moved;
    }

    /// <summary>Output error of a replacement on the samples kept aside, up to a constant.</summary>
    /// <param name="replacement">Row-major K×N.</param>
    public double Excess(float[] replacement)
    {
        var difference = new float[weight.Length];
        TensorPrimitives.Subtract(replacement, weight, difference);
        (double square, double product) = Terms(difference);
        return square - 2 * product;
    }

    private (double Square, double Product) Terms(float[] difference)
    {
        (double square, double product) = (0, 0);
        for (int g = 0; g < Site.Groups; g++)
        {
            (double s, double p) = judge[Math.Min(g, judge.Count - 1)].Terms(index, Part(Site, difference, g));
            square += s;
            product += p;
        }
        return (square, product);
    }

    /// <summary>One group's columns of a matrix, row-major K×N/groups.</summary>
    public static float[] Part(Site site, float[] matrix, int group)
    {
        if (site.Groups == 1)
        {
            return matrix;
        }
        int columns = site.N / site.Groups;
        var part = new float[site.K * columns];
        for (int row = 0; row < site.K; row++)
        {
            matrix.AsSpan(row * site.N + group * columns, columns).CopyTo(part.AsSpan(row * columns));
        }
        return part;
    }

    private float[]? Correction()
    {
        int columns = Site.N / Site.Groups;
        var whole = new float[weight.Length];
        for (int g = 0; g < Site.Groups; g++)
        {
            if (fit[Math.Min(g, fit.Count - 1)].Correction(index) is not { } part)
            {
                return null;
            }
            for (int row = 0; row < Site.K; row++)
            {
                part.AsSpan(row * columns, columns).CopyTo(whole.AsSpan(row * Site.N + g * columns));
            }
        }
        return whole;
    }
}
