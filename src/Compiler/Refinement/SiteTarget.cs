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
    private readonly Dictionary<double, float[]?> corrections = [];

    /// <summary>The site.</summary>
    public Site Site { get; } = site;

    /// <summary>W + share·(W* − W), row-major K×N; null when the system cannot be solved with this damping.</summary>
    public float[]? Moved(float share, double damping)
    {
        if (share == 0)
        {
            return weight;
        }
        float[]? correction;
        lock (corrections)
        {
            if (!corrections.TryGetValue(damping, out correction))
            {
                correction = Correction(damping);
                corrections.Add(damping, correction);
            }
        }
        if (correction is null)
        {
            return null;
        }
        var moved = new float[weight.Length];
        TensorPrimitives.MultiplyAdd(correction, share, weight, moved);
        return moved;
    }

    /// <summary>Output error of a replacement on the samples kept aside, up to a constant.</summary>
    /// <param name="replacement">Row-major K×N.</param>
    public double Excess(float[] replacement)
    {
        var difference = new float[weight.Length];
        TensorPrimitives.Subtract(replacement, weight, difference);
        double sum = 0;
        for (int g = 0; g < Site.Groups; g++)
        {
            sum += judge[Math.Min(g, judge.Count - 1)].Excess(index, Part(Site, difference, g));
        }
        return sum;
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

    private float[]? Correction(double damping)
    {
        int columns = Site.N / Site.Groups;
        var whole = new float[weight.Length];
        for (int g = 0; g < Site.Groups; g++)
        {
            if (fit[Math.Min(g, fit.Count - 1)].Correction(index, damping) is not { } part)
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
