using System.Numerics.Tensors;
using Lorq.Calibration;
using Lorq.Checks;
using Lorq.Numerics;
using Lorq.Quantization;

namespace Lorq.Refinement;

/// <summary>
/// What a group of sites meets in the compressed model, x̃, and what it lost against the original's x: H̃ = E[x̃ᵀx̃] and, per site,
/// R = E[x̃ᵀ(x − x̃)]·W. Differences are summed, not two products, so that nothing cancels.
/// </summary>
internal sealed class InputShift
{
    private readonly MomentKey key;
    private readonly RowReader momentReader;
    private readonly RowReader shiftReader;
    private readonly float[][][] weights;
    private readonly double damping;
    private readonly int columns;
    private readonly bool projects;
    private readonly double[][] moments;
    private readonly double[][] shifts;
    private readonly long[] rows;

    /// <summary>Starts with empty sums.</summary>
    /// <param name="key">The input.</param>
    /// <param name="weights">Per site and column group the weight, row-major K×n.</param>
    /// <param name="damping">λ of the corrections, as a share of the mean of diag H̃.</param>
    public InputShift(MomentKey key, float[][][] weights, double damping)
    {
        this.damping = damping;
        this.key = key;
        this.weights = weights;
        (momentReader, shiftReader) = (new RowReader(key), new RowReader(key));
        columns = weights.Sum(w => w[0].Length / key.K);
        // Whichever is narrower is summed: the differences as seen by the weights, or the differences themselves.
        projects = columns < key.K;
        moments = [.. Enumerable.Range(0, key.Groups).Select(_ => new double[(long)key.K * key.K])];
        shifts = [.. Enumerable.Range(0, key.Groups).Select(_ => new double[(long)key.K * (projects ? columns : key.K)])];
        rows = new long[key.Groups];
    }

    /// <summary>Adds a batch to H̃.</summary>
    /// <param name="compressed">x̃.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="mask">Which rows count; null for all.</param>
    /// <param name="cancellationToken">Stops.</param>
    public void AddMoment(ReadOnlySpan<float> compressed, long[] shape, RowMask? mask, CancellationToken cancellationToken) =>
        momentReader.Read(
            compressed,
            [],
            shape,
            mask,
            (group, x, _, count) =>
            {
                Linear.AccumulateUpperGram(x, count, key.K, moments[group], cancellationToken);
                rows[group] += count;
            }
        );

    /// <summary>Adds a batch to R. Independent of <see cref="AddMoment"/>: the two may run side by side.</summary>
    /// <param name="compressed">x̃.</param>
    /// <param name="original">x, of the same shape.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="mask">Which rows count; null for all.</param>
    /// <param name="cancellationToken">Stops.</param>
    public void AddShift(
        ReadOnlySpan<float> compressed,
        ReadOnlySpan<float> original,
        long[] shape,
        RowMask? mask,
        CancellationToken cancellationToken
    ) =>
        shiftReader.Read(
            compressed,
            original,
            shape,
            mask,
            (group, x, beside, count) =>
            {
                Span<float> difference = beside.AsSpan(0, count * key.K);
                TensorPrimitives.Subtract(difference, x.AsSpan(0, difference.Length), difference);
                if (!projects)
                {
                    Linear.AccumulateProduct(x, key.K, beside, key.K, count, shifts[group], cancellationToken);
                    return;
                }
                var seen = new float[count * columns];
                int column = 0;
                foreach (float[][] site in weights)
                {
                    int n = site[group].Length / key.K;
                    Linear.Multiply(
                        new MatrixView<float>(beside, count, key.K),
                        new MatrixView<float>(site[group], key.K, n),
                        new MatrixView<float>(seen, count, columns).Part(0, column, count, n)
                    );
                    column += n;
                }
                Linear.AccumulateProduct(x, key.K, seen, columns, count, shifts[group], cancellationToken);
            }
        );

    /// <summary>The averages, one per column group; the sums are handed over.</summary>
    public IReadOnlyList<GroupShift> Finish()
    {
        var groups = new GroupShift[key.Groups];
        for (int g = 0; g < groups.Length; g++)
        {
            double count = Math.Max(1, rows[g]);
            Linear.MirrorUpper(moments[g], key.K);
            TensorPrimitives.Divide(moments[g], count, moments[g]);
            TensorPrimitives.Divide(shifts[g], count, shifts[g]);
            groups[g] = new GroupShift(
                new SecondMoment(key.K, moments[g], rows[g]),
                [.. Enumerable.Range(0, weights.Length).Select(s => Lost(s, g))],
                damping
            );
        }
        return groups;
    }

    private float[] Lost(int site, int group)
    {
        float[] weight = weights[site][group];
        int n = weight.Length / key.K;
        var lost = new float[weight.Length];
        if (!projects)
        {
            Linear.Multiply(
                new MatrixView<float>(Array.ConvertAll(shifts[group], v => (float)v), key.K, key.K),
                new MatrixView<float>(weight, key.K, n),
                new MatrixView<float>(lost, key.K, n)
            );
            return lost;
        }
        int start = weights.Take(site).Sum(w => w[group].Length / key.K);
        for (int row = 0; row < key.K; row++)
        {
            for (int c = 0; c < n; c++)
            {
                lost[row * n + c] = (float)shifts[group][row * columns + start + c];
            }
        }
        return lost;
    }
}

/// <summary>H̃ and the sites' R of one group of columns. Thread-safe.</summary>
internal sealed class GroupShift
{
    private readonly Lazy<double[]?> factor;

    /// <summary>Takes what was summed.</summary>
    /// <param name="moment">H̃ = E[x̃ᵀx̃].</param>
    /// <param name="lost">Per site R = E[x̃ᵀ(x − x̃)]·W, row-major K×n: what the lost part of the input would have contributed, seen through x̃.</param>
    /// <param name="damping">λ as a share of the mean of diag H̃.</param>
    public GroupShift(SecondMoment moment, IReadOnlyList<float[]> lost, double damping)
    {
        (Moment, Lost) = (moment, lost);
        factor = new(() => Factor(damping));
    }

    /// <summary>H̃.</summary>
    public SecondMoment Moment { get; }

    /// <summary>Per site R.</summary>
    public IReadOnlyList<float[]> Lost { get; }

    /// <summary>
    /// (H̃ + λI)⁻¹·R: what to add to W so that x̃·(W + …) answers x·W best (quantization.md, "The compressed prefix"); null when the
    /// system cannot be solved.
    /// </summary>
    /// <param name="site">Index of the site.</param>
    public float[]? Correction(int site)
    {
        // The sites of a group share the system.
        if (factor.Value is not { } lower)
        {
            return null;
        }
        int n = Lost[site].Length / Moment.K;
        double[] half = Linear.SolveTriangular(lower, Array.ConvertAll(Lost[site], v => (double)v), Moment.K, n, upper: false);
        return Array.ConvertAll(Linear.SolveTriangular(lower, half, Moment.K, n, upper: false, transposed: true), v => (float)v);
    }

    /// <summary>E‖x̃Ŵ − xW‖² = Square − 2·Product up to a constant: Square = tr(DᵀH̃D) and Product = tr(DᵀR) for D = Ŵ − W.</summary>
    public (double Square, double Product) Terms(int site, float[] difference) =>
        (Moment.Energy(difference, difference.Length / Moment.K), TensorPrimitives.Dot<float>(difference, Lost[site]));

    private double[]? Factor(double damping)
    {
        int k = Moment.K;
        double[] regularised = [.. Moment.Values];
        double mean = 0;
        for (int i = 0; i < k; i++)
        {
            mean += Moment.Values[i * k + i] / k;
        }
        for (int i = 0; i < k; i++)
        {
            regularised[i * k + i] += damping * mean;
        }
        return mean == 0 ? null : Linear.Cholesky(regularised, k);
    }
}
