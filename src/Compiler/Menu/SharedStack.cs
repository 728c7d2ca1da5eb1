using System.Numerics.Tensors;
using Lorq.Calibration;
using Lorq.Decomposition;
using Lorq.Quantization;
using Lorq.Sites;

namespace Lorq.Menu;

/// <summary>The weights of a group side by side, as one matrix of the same K rows. Every site counts by its relative error, whatever its size.</summary>
/// <param name="sites">The group; all read the same input.</param>
/// <param name="calibration">What was measured; null without data.</param>
internal sealed class SharedStack(IReadOnlyList<Site> sites, CalibrationResult? calibration)
{
    private readonly int k = sites[0].K;
    private readonly int n = sites.Sum(s => s.N);

    private SecondMoment? Moment => calibration?.For(sites[0])?.Moments is { Count: > 0 } moments ? moments[0] : null;

    /// <summary>The metric SVD.</summary>
    public MetricSvd Decompose(CancellationToken cancellationToken)
    {
        (float[] values, float[] counts) = Read(Moment);
        return new MetricSvd(values, k, n, Moment, counts, cancellationToken);
    }

    /// <summary>Mean relative output error of the group without codes for the ranks from 0 to the largest asked for.</summary>
    public double[] Losses(int rank, CancellationToken cancellationToken) => Spectrum(rank, Moment, cancellationToken);

    /// <summary>Squared size of what is left of the weights beside a pair, in proportion, for the same ranks: rounding errors go with it.</summary>
    public double[] Scale(int rank, CancellationToken cancellationToken) => Spectrum(rank, null, cancellationToken);

    private double[] Spectrum(int rank, SecondMoment? moment, CancellationToken cancellationToken)
    {
        (float[] values, float[] counts) = Read(moment);
        double[] tails = MetricSvd.Spectrum(values, k, n, moment, counts, cancellationToken);
        return [.. Enumerable.Range(0, rank + 1).Select(r => tails[Math.Min(r, tails.Length - 1)] / Math.Max(tails[0], double.Epsilon))];
    }

    /// <summary>The values, and per column 1/energy of its site.</summary>
    private (float[] Values, float[] Counts) Read(SecondMoment? moment)
    {
        var values = new float[k * n];
        var energies = new double[sites.Count];
        int start = 0;
        for (int i = 0; i < sites.Count; i++)
        {
            Site site = sites[i];
            float[] weight = site.ReadWeight();
            for (int row = 0; row < k; row++)
            {
                weight.AsSpan(row * site.N, site.N).CopyTo(values.AsSpan(row * n + start));
            }
            energies[i] = moment?.Energy(weight, site.N) ?? TensorPrimitives.SumOfSquares<float>(weight);
            start += site.N;
        }
        // In proportion to the least, so that the weights are in range whatever the units.
        double least = energies.Where(e => e > 0).DefaultIfEmpty(1).Min();
        return (values, [.. sites.SelectMany((s, i) => Enumerable.Repeat(energies[i] > 0 ? (float)(least / energies[i]) : 0, s.N))]);
    }
}
