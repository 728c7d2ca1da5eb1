using System.Numerics;
using System.Numerics.Tensors;
using Lorq.Numerics;

namespace Lorq.Quantization;

/// <summary>
/// Cyclic coordinate descent on tr(EᵀHE) over the codes (QuantEase, Behdin et al. 2023), from the result of GPTQ on. Each round first refits every
/// scale by least squares in the metric of H, then rounds every row anew to the values that are best given all other rows.
/// Every step lowers the error or leaves it, so that the result is never worse than its start.
/// </summary>
/// <param name="start">Makes the first codes.</param>
/// <param name="rounds">Rounds.</param>
/// <param name="thoroughRounds">Rounds of <see cref="Thorough"/>.</param>
internal sealed class CoordinateDescent(Gptq start, int rounds, int thoroughRounds) : IQuantizer
{
    /// <summary>Rows whose gradient is kept up to date at every step; the others follow when all of them are done, in one product.</summary>
    private const int PanelRows = 128;

    /// <summary>Rows of the gradient made by one product at the start.</summary>
    private const int GradientRows = 256;

    /// <summary>Rows treated one by one before the gradient of their panel follows.</summary>
    private const int LeafRows = 32;

    /// <summary>Columns treated together in a leaf, so that its rows stay in the first-level cache.</summary>
    private const int LeafColumns = 256;

    /// <inheritdoc />
    public string Name => "gptq-cd";

    /// <inheritdoc />
    public string Summary => "GPTQ, then coordinate descent over codes and scales: the least error, at several times the work.";

    /// <inheritdoc />
    public bool NeedsCalibration => true;

    /// <inheritdoc />
    public IQuantizer Thorough => rounds < thoroughRounds ? new CoordinateDescent(start, thoroughRounds, thoroughRounds) : this;

    /// <inheritdoc />
    public bool Supports(QuantizationGrid grid) => start.Supports(grid);

    /// <inheritdoc />
    public void Prepare(SecondMoment moment)
    {
        start.Prepare(moment);
        _ = moment.RegularisedSingle();
    }

    /// <inheritdoc />
    public QuantizedMatrix Quantize(WeightProblem problem, QuantizationGrid grid, CancellationToken cancellationToken)
    {
        if (problem.Moment is not { } moment)
        {
            return start.Quantize(problem, grid, cancellationToken);
        }
        var run = new Run(moment, start.QuantizeWithErrors(problem, grid, cancellationToken), cancellationToken);
        for (int i = 1; i <= rounds; i++)
        {
            run.Improve(isLast: i == rounds);
        }
        return run.Build();
    }

    /// <summary>One matrix on its way. The gradient is G = H·(W − Ŵ), kept up to date with every change of Ŵ.</summary>
    private sealed class Run
    {
        private readonly QuantizedMatrix first;
        private readonly CancellationToken cancellationToken;
        private readonly GridKernel kernel;
        private readonly int k;
        private readonly int n;
        private readonly int length;
        private readonly float[] moment;
        private readonly float[] values;
        private readonly float[] gradient;
        private readonly int panelRows;
        private readonly float[] change;
        private readonly float[] before;
        private readonly float[] points;
        private readonly float[] product;
        private readonly float[] local = new float[LeafRows * LeafColumns];
        private readonly float[] target = new float[LeafColumns];
        private readonly float[] scales;
        private readonly float[] zeros;
        private readonly byte[] codes;

        public Run(SecondMoment second, GptqResult start, CancellationToken cancellationToken)
        {
            first = start.Matrix;
            this.cancellationToken = cancellationToken;
            kernel = GridKernel.For(first.Grid);
            k = first.K;
            n = first.N;
            length = first.Grid.BlockLength(k);
            moment = second.RegularisedSingle();
            values = first.Dequantize();
            gradient = new float[k * n];
            panelRows = Math.Min(k, Math.Max(1, PanelRows / length) * length);
            change = new float[panelRows * n];
            before = new float[panelRows * n];
            points = new float[length * n];
            product = new float[length * n];
            scales = [.. first.Scales];
            codes = [.. first.Codes];
            zeros = new float[scales.Length];
            Array.Fill(zeros, first.Grid.Kind == GridKind.Integer ? first.Grid.Levels / 2 : 0);
            for (int i = 0; i < (first.ZeroPoints?.Length ?? 0); i++)
            {
                zeros[i] = first.ZeroPoints![i];
            }
            SetGradient(start);
        }

        /// <summary>H·(W − Ŵ) from the errors of GPTQ: half the work of the product, because the factor is triangular.</summary>
        private void SetGradient(GptqResult start)
        {
            var inverse = new MatrixView<float>(start.Factors.Inverse, k, k);
            var errors = new MatrixView<float>(start.Errors, k, n);
            var panel = new float[Math.Min(k, GradientRows) * n];
            for (int from = 0; from < k; from += GradientRows)
            {
                int rows = Math.Min(GradientRows, k - from);
                Linear.Multiply(
                    inverse.Part(from, from, rows, k - from),
                    errors.Part(from, 0, k - from, n),
                    new MatrixView<float>(panel, rows, n)
                );
                for (int r = 0; r < rows; r++)
                {
                    int input = start.Factors.Order is { } order ? order[from + r] : from + r;
                    panel.AsSpan(r * n, n).CopyTo(gradient.AsSpan(input * n, n));
                }
            }
        }

        public QuantizedMatrix Build() => first with { Codes = codes, Scales = scales };

        /// <summary>One round over all rows; after the last one the gradient is no longer true in the rows that were done.</summary>
        public void Improve(bool isLast)
        {
            for (int start = 0; start < k; start += panelRows)
            {
                int end = Math.Min(start + panelRows, k);
                int size = (end - start) * n;
                values.AsSpan(start * n, size).CopyTo(before);
                for (int block = start; block < end; block += length)
                {
                    int blockEnd = Math.Min(block + length, end);
                    cancellationToken.ThrowIfCancellationRequested();
                    FitScale(block, blockEnd - block);
                    UpdateGradient(block, blockEnd - block, start, end);
                    for (int leaf = block; leaf < blockEnd; leaf += LeafRows)
                    {
                        int rows = Math.Min(LeafRows, blockEnd - leaf);
                        RoundLeaf(leaf, rows);
                        UpdateGradient(leaf, rows, start, end);
                    }
                }
                TensorPrimitives.Subtract(values.AsSpan(start * n, size), before.AsSpan(0, size), change);
                if (!isLast)
                {
                    UpdateGradient(start, end - start, 0, start);
                }
                UpdateGradient(start, end - start, end, k);
            }
        }

        /// <summary>The scales of one block: with P the points of its codes, the best step is ⟨P, G⟩ / ⟨P, HP⟩ per column.</summary>
        private void FitScale(int row, int rows)
        {
            Span<float> scale = scales.AsSpan(row / length * n, n);
            for (int r = 0; r < rows; r++)
            {
                Points(row + r, points.AsSpan(r * n, n));
            }
            Linear.Multiply(
                new MatrixView<float>(moment, k, k).Part(row, row, rows, rows),
                new MatrixView<float>(points, rows, n),
                new MatrixView<float>(product, rows, n)
            );
            for (int c = 0; c < n; c += Vector<float>.Count)
            {
                Vector<float> top = Vector<float>.Zero;
                Vector<float> bottom = Vector<float>.Zero;
                for (int r = 0; r < rows; r++)
                {
                    Vector<float> point = LaneBlock.Load(points.AsSpan(r * n, n), c);
                    top = Vector.FusedMultiplyAdd(point, LaneBlock.Load(gradient.AsSpan((row + r) * n, n), c), top);
                    bottom = Vector.FusedMultiplyAdd(point, LaneBlock.Load(product.AsSpan(r * n, n), c), bottom);
                }
                Vector<float> old = LaneBlock.Load(scale, c);
                Vector<float> fitted = ScaleRounding.At(first.Grid, first.ScaleFactors, c).Round(old + top / bottom);
                Vector<float> step = fitted - old;
                // The gain of a step s is s·(2·top − s·bottom); rounding may have eaten it, and 0/0 compares as no gain.
                Vector<int> gains = Vector.GreaterThan(step * (2 * top - step * bottom), Vector<float>.Zero);
                LaneBlock.Store(Vector.ConditionalSelect(gains, fitted, old), scale, c);
            }
            for (int r = 0; r < rows; r++)
            {
                Span<float> value = values.AsSpan((row + r) * n, n);
                Span<float> delta = change.AsSpan(r * n, n);
                value.CopyTo(delta);
                TensorPrimitives.Multiply(points.AsSpan(r * n, n), scale, value);
                TensorPrimitives.Subtract(value, delta, delta);
            }
        }

        /// <summary>A few rows in turn: the best values given all other rows are ŵ_k + G_k/H_kk, rounded to the grid.</summary>
        private void RoundLeaf(int row, int rows)
        {
            for (int column = 0; column < n; column += LeafColumns)
            {
                int count = Math.Min(LeafColumns, n - column);
                for (int r = 0; r < rows; r++)
                {
                    gradient.AsSpan((row + r) * n + column, count).CopyTo(local.AsSpan(r * count));
                }
                for (int r = 0; r < rows; r++)
                {
                    int at = (row + r) * n + column;
                    int block = (row + r) / length * n + column;
                    Span<float> value = values.AsSpan(at, count);
                    Span<float> delta = change.AsSpan(r * n + column, count);
                    Span<float> goal = target.AsSpan(0, count);
                    float inverse = 1 / moment[(row + r) * k + row + r];
                    TensorPrimitives.MultiplyAdd(local.AsSpan(r * count, count), inverse, value, goal);
                    value.CopyTo(delta);
                    kernel.Round(goal, scales.AsSpan(block, count), zeros.AsSpan(block, count), codes.AsSpan(at, count), value);
                    TensorPrimitives.Subtract(value, delta, delta);
                    for (int later = r + 1; later < rows; later++)
                    {
                        Span<float> open = local.AsSpan(later * count, count);
                        TensorPrimitives.MultiplyAdd(delta, -moment[(row + r) * k + row + later], open, open);
                    }
                }
            }
        }

        /// <summary>G −= H·Δ in the rows [from, to), for the change Δ of a run of rows.</summary>
        private void UpdateGradient(int row, int rows, int from, int to) =>
            Linear.Multiply(
                new MatrixView<float>(moment, k, k).Part(from, row, to - from, rows),
                new MatrixView<float>(change, rows, n),
                new MatrixView<float>(gradient, k, n).Part(from, 0, to - from, n),
                alpha: -1,
                beta: 1
            );

        /// <summary>What the codes of a row stand for before the scale.</summary>
        private void Points(int row, Span<float> points)
        {
            ReadOnlySpan<byte> code = codes.AsSpan(row * n, n);
            if (first.Grid.Kind == GridKind.NormalFloat)
            {
                ReadOnlySpan<float> codebook = NormalFloat.Codebook(first.Grid.Bits);
                for (int c = 0; c < n; c++)
                {
                    points[c] = codebook[code[c]];
                }
                return;
            }
            TensorPrimitives.ConvertTruncating<byte, float>(code, points);
            TensorPrimitives.Subtract(points, zeros.AsSpan(row / length * n, n), points);
        }
    }
}
