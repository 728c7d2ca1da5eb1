using Lorq.Calibration;
using Lorq.Decomposition;
using Lorq.Quantization;
using Lorq.Sites;

namespace Lorq.Menu;

/// <summary>Quantizes a site group by group (conv groups, experts) and measures the result in the metric of its input.</summary>
public sealed class WeightQuantizer
{
    private readonly Site site;
    private readonly SiteStatistics? statistics;
    private readonly float[] weight;
    private readonly float[]? counts;
    private readonly Lazy<OutputMetric> metric;
    private readonly Lazy<double> momentTotal;
    private readonly Lazy<double> columnTotal;

    /// <summary>Reads a site's weight.</summary>
    public WeightQuantizer(Site site, SiteStatistics? statistics)
        : this(site, statistics, site.ReadWeight()) { }

    /// <summary>Takes other values in place of the site's weight.</summary>
    /// <param name="site">The site.</param>
    /// <param name="statistics">What is known about its input.</param>
    /// <param name="weight">Row-major K×N; kept by reference.</param>
    public WeightQuantizer(Site site, SiteStatistics? statistics, float[] weight)
    {
        this.site = site;
        this.statistics = statistics;
        this.weight = weight;
        counts = statistics?.Counts is { } raw ? Smooth(raw) : null;
        metric = new(() => new OutputMetric(Problem(0, site.N, 0)));
        momentTotal = new(() => MomentEnergy(weight, 0, site.N));
        columnTotal = new(() => ColumnEnergy(weight, 0, site.N));
    }

    /// <summary>True when the metric is a measured second moment.</summary>
    public bool HasMoment => statistics?.Moments is { Count: > 0 };

    /// <summary>The second moment of the input of a site without groups; null when it was not measured.</summary>
    public SecondMoment? Moment => HasMoment && site.Groups == 1 ? statistics!.Moments![0] : null;

    /// <summary>The matrix, row-major K×N.</summary>
    public ReadOnlySpan<float> Weight => weight;

    /// <summary>The metric of a site without groups, for errors of any rank.</summary>
    public OutputMetric Metric => metric.Value;

    /// <summary>Splits a site without groups into codes (unless <paramref name="grid"/> is null) and low-rank pairs, one result per shape.</summary>
    public IReadOnlyList<Decomposed> Decompose(
        IDecomposer decomposer,
        IQuantizer? quantizer,
        QuantizationGrid? grid,
        IReadOnlyList<FactorShape> shapes,
        CancellationToken cancellationToken
    ) => decomposer.Decompose(Problem(0, site.N, 0), quantizer ?? Quantizers.All[0], grid, shapes, cancellationToken);

    /// <summary>Quantizes a run of columns (all of them for a whole site).</summary>
    public QuantizedMatrix Quantize(IQuantizer quantizer, QuantizationGrid grid, int start, int count, CancellationToken cancellationToken)
    {
        if (site.Groups == 1)
        {
            return quantizer.Quantize(Problem(start, count, 0), grid, cancellationToken);
        }
        int perGroup = site.N / site.Groups;
        var parts = new QuantizedMatrix[site.Groups];
        for (int g = 0; g < parts.Length; g++)
        {
            parts[g] = quantizer.Quantize(Problem(g * perGroup, perGroup, g), grid, cancellationToken);
        }
        return QuantizedMatrix.Concatenate(parts);
    }

    /// <summary>Relative output error of replacing the given columns, against the energy of the whole site.</summary>
    /// <param name="replacement">Row-major K×count.</param>
    /// <param name="start">First column.</param>
    /// <param name="count">Number of columns.</param>
    public double Loss(ReadOnlySpan<float> replacement, int start, int count)
    {
        float[] error = Slice(start, count);
        System.Numerics.Tensors.TensorPrimitives.Subtract(error, replacement, error);
        double loss = 0;
        int terms = 0;
        if (HasMoment)
        {
            (double all, double part) = (momentTotal.Value, MomentEnergy(error, start, count));
            loss += all > 0 ? part / all : 0;
            terms++;
        }
        if (!HasMoment || counts is not null)
        {
            (double all, double part) = (columnTotal.Value, ColumnEnergy(error, start, count));
            loss += all > 0 ? part / all : 0;
            terms++;
        }
        return loss / terms;
    }

    /// <summary>Share of the site's energy that a run of columns carries, all inputs counting equally.</summary>
    public double EnergyShare(int start, int count)
    {
        if (start == 0 && count == site.N)
        {
            return 1;
        }
        double all = columnTotal.Value;
        return all > 0 ? ColumnEnergy(Slice(start, count), start, count) / all : 0;
    }

    /// <summary>The columns [start, start + count) as a matrix of their own.</summary>
    public float[] Slice(int start, int count)
    {
        var slice = new float[(long)site.K * count];
        for (int row = 0; row < site.K; row++)
        {
            weight.AsSpan(row * site.N + start, count).CopyTo(slice.AsSpan(row * count, count));
        }
        return slice;
    }

    private WeightProblem Problem(int start, int count, int group)
    {
        float[] part = start == 0 && count == site.N ? weight : Slice(start, count);
        float[]? columnWeights = counts is null ? null : counts.AsSpan(start, count).ToArray();
        return new WeightProblem(
            part,
            site.K,
            count,
            HasMoment ? statistics!.Moments![Math.Min(group, statistics.Moments.Count - 1)] : null,
            columnWeights
        );
    }

    private double MomentEnergy(float[] matrix, int start, int count)
    {
        if (site.Groups == 1)
        {
            return statistics!.Moments![0].Energy(matrix, count);
        }
        int perGroup = site.N / site.Groups;
        double energy = 0;
        var part = new float[site.K * perGroup];
        for (int g = start / perGroup; g < (start + count) / perGroup; g++)
        {
            for (int row = 0; row < site.K; row++)
            {
                matrix.AsSpan(row * count + g * perGroup - start, perGroup).CopyTo(part.AsSpan(row * perGroup));
            }
            energy += statistics!.Moments![Math.Min(g, statistics.Moments.Count - 1)].Energy(part, perGroup);
        }
        return energy;
    }

    private double ColumnEnergy(float[] matrix, int start, int count)
    {
        double energy = 0;
        for (int row = 0; row < site.K; row++)
        {
            ReadOnlySpan<float> line = matrix.AsSpan(row * count, count);
            if (counts is null)
            {
                energy += System.Numerics.Tensors.TensorPrimitives.SumOfSquares(line);
                continue;
            }
            ReadOnlySpan<float> weights = counts.AsSpan(start, count);
            for (int n = 0; n < count; n++)
            {
                energy += (double)weights[n] * line[n] * line[n];
            }
        }
        return energy;
    }

    /// <summary>
    /// Counts of a finite sample say nothing about rows it did not meet. The probability of meeting a new row is about the share of
    /// rows met once (Good–Turing), so that mass is spread evenly.
    /// </summary>
    private static float[] Smooth(float[] raw)
    {
        float once = raw.Count(c => c == 1);
        float floor = Math.Max(once, 1) / raw.Length;
        return [.. raw.Select(c => c + floor)];
    }
}
