using System.Numerics.Tensors;
using Lorq.Diagnostics;

namespace Lorq.Quantization;

/// <summary>A quantized matrix in the making: scales and zero points per block, codes per row. Zero points are kept as fp32 until the end.</summary>
internal sealed class CodeBuilder
{
    private readonly QuantizationGrid grid;
    private readonly int k;
    private readonly int n;
    private readonly byte[] codes;
    private readonly float[] scales;
    private readonly float[] zeros;
    private readonly float[]? scaleFactors;

    public CodeBuilder(WeightProblem problem, QuantizationGrid grid)
    {
        this.grid = grid;
        k = problem.K;
        n = problem.N;
        if (problem.Weight.Length != (long)k * n)
        {
            throw new ArgumentException($"{problem.Weight.Length} weights do not make a {k}×{n} matrix.", nameof(problem));
        }
        if (problem.Moment is { } moment && moment.K != k)
        {
            throw new ArgumentException($"A second moment of width {moment.K} does not belong to a {k}×{n} matrix.", nameof(problem));
        }
        for (int i = 0; i < problem.Weight.Length; i++)
        {
            if (!float.IsFinite(problem.Weight[i]))
            {
                throw Catalogue.WeightNotFinite.With(k, n, problem.Weight[i], i / n, i % n);
            }
        }
        Kernel = GridKernel.For(grid);
        Length = grid.BlockLength(k);
        codes = new byte[k * n];
        scales = new float[grid.BlockCount(k) * n];
        zeros = new float[grid.BlockCount(k) * n];
        scaleFactors = grid.HasScaleFactors ? FactorsOf(problem.Weight) : null;
    }

    /// <summary>The loops of the grid.</summary>
    public GridKernel Kernel { get; }

    /// <summary>Rows of a block; the last one may have fewer.</summary>
    public int Length { get; }

    /// <summary>Scales of the block that holds a row.</summary>
    public Span<float> Scales(int row) => scales.AsSpan(row / Length * n, n);

    /// <summary>Factors of 8-bit scales, one per column; empty for other types.</summary>
    public ReadOnlySpan<float> ScaleFactors => scaleFactors;

    /// <summary>Zero points of the block that holds a row.</summary>
    public Span<float> Zeros(int row) => zeros.AsSpan(row / Length * n, n);

    /// <summary>Codes of a row.</summary>
    public Span<byte> Codes(int row) => codes.AsSpan(row * n, n);

    /// <summary>Fits every block to the weights.</summary>
    /// <param name="weights">Row-major K×N.</param>
    /// <param name="rowWeights">K weights of squared errors; empty for the plain range rule.</param>
    /// <param name="cancellationToken">Looked at once per block.</param>
    public void FitBlocks(ReadOnlySpan<float> weights, ReadOnlySpan<float> rowWeights, CancellationToken cancellationToken)
    {
        for (int row = 0; row < k; row += Length)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int rows = Math.Min(Length, k - row);
            Kernel.Fit(
                weights[(row * n)..],
                n,
                rows,
                rowWeights.IsEmpty ? rowWeights : rowWeights.Slice(row, rows),
                scaleFactors,
                Scales(row),
                Zeros(row)
            );
        }
    }

    /// <summary>Rounds every weight to its nearest code and finishes.</summary>
    public QuantizedMatrix RoundAll(ReadOnlySpan<float> weights, CancellationToken cancellationToken)
    {
        var values = new float[n];
        for (int row = 0; row < k; row++)
        {
            if (row % Length == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }
            Kernel.Round(weights.Slice(row * n, n), Scales(row), Zeros(row), Codes(row), values);
        }
        return Build();
    }

    /// <summary>The finished matrix.</summary>
    public QuantizedMatrix Build() =>
        new(grid, k, n, codes, scales, grid.HasZeroPoint ? Array.ConvertAll(zeros, zero => (byte)zero) : null, scaleFactors);

    // From the widest block of each column on its full range.
    private float[] FactorsOf(ReadOnlySpan<float> weights)
    {
        GridKernel unrounded = GridKernel.For(grid with { Scale = ScaleType.Float32 });
        var largest = new float[n];
        var block = new float[n];
        var unused = new float[n];
        for (int row = 0; row < k; row += Length)
        {
            unrounded.Fit(weights[(row * n)..], n, Math.Min(Length, k - row), [], [], block, unused);
            TensorPrimitives.MaxMagnitude(largest, block, largest);
        }
        TensorPrimitives.Abs(largest, largest);
        return Array.ConvertAll(largest, ScaleRounding.Factor);
    }
}
