using System.Numerics.Tensors;
using Lorq.Numerics;

namespace Lorq.Quantization;

/// <summary>How GPTQ goes through the rows.</summary>
/// <param name="ActOrder">
/// By descending H_kk with scales fixed beforehand from the original blocks, so that the stored layout stays plain; otherwise in natural order
/// with each block's scales fitted to its updated rows when the first of them is reached.
/// </param>
/// <param name="ClipSearch">Scales by the clipped range of least weighted error; otherwise by the full range.</param>
public sealed record GptqOptions(bool ActOrder, bool ClipSearch = true);

/// <summary>
/// GPTQ (Frantar et al. 2023): rows are rounded one after another, and each rounding error is spread over the rows that are still open so that
/// tr(EᵀHE) grows least. With U the upper Cholesky factor of H⁻¹: e_k = (w_k − q_k)/U_kk, w_j −= U_kj·e_k for j &gt; k.
/// </summary>
internal sealed class Gptq(GptqOptions options) : IQuantizer
{
    /// <summary>Rows whose errors are applied one by one; all larger runs are halved and joined by a matrix product.</summary>
    private const int LeafRows = 32;

    /// <summary>Columns treated together in a leaf, so that its rows stay in the first-level cache.</summary>
    private const int LeafColumns = 256;

    /// <inheritdoc />
    public string Name => options.ActOrder ? "gptq-act" : "gptq";

    /// <inheritdoc />
    public string Summary =>
        options.ActOrder
            ? "GPTQ in the order of descending input energy, scales fixed beforehand."
            : "GPTQ: rounds row by row and lets later rows make up for each error; scales fitted to the updated rows.";

    /// <inheritdoc />
    public bool NeedsCalibration => true;

    /// <inheritdoc />
    public bool Supports(QuantizationGrid grid) => true;

    /// <inheritdoc />
    public void Prepare(SecondMoment moment) => _ = moment.InverseFactors(options.ActOrder);

    /// <inheritdoc />
    public QuantizedMatrix Quantize(WeightProblem problem, QuantizationGrid grid, CancellationToken cancellationToken) =>
        new Run(options, problem, grid, cancellationToken).Quantize().Matrix;

    /// <summary>Quantizes, and tells the errors that were spread.</summary>
    internal GptqResult QuantizeWithErrors(WeightProblem problem, QuantizationGrid grid, CancellationToken cancellationToken) =>
        new Run(options, problem, grid, cancellationToken).Quantize();

    /// <summary>One matrix on its way. The rows of <see cref="work"/> hold updated weights until their turn, scaled errors after it.</summary>
    private sealed class Run
    {
        private readonly CodeBuilder builder;
        private readonly CancellationToken cancellationToken;
        private readonly int k;
        private readonly int n;
        private readonly InverseFactors factors;
        private readonly int[]? order;
        private readonly float[] factor;
        private readonly float[] work;
        private readonly float[] rowWeights;
        private readonly bool clipSearch;
        private readonly float[] values = new float[LeafColumns];

        public Run(GptqOptions options, WeightProblem problem, QuantizationGrid grid, CancellationToken cancellationToken)
        {
            builder = new CodeBuilder(problem, grid);
            this.cancellationToken = cancellationToken;
            clipSearch = options.ClipSearch;
            k = problem.K;
            n = problem.N;
            SecondMoment moment = problem.Moment ?? Identity(k);
            work = new float[k * n];
            problem.Weight.CopyTo(work, 0);
            for (int row = 0; row < k; row++)
            {
                if (moment.Diagonal[row] == 0)
                {
                    // A dead input: its weights never reach the output.
                    work.AsSpan(row * n, n).Clear();
                }
            }
            factors = moment.InverseFactors(options.ActOrder);
            (order, factor) = (factors.Order, factors.Upper);
            rowWeights = Importance(factor, order);
            if (order is not null)
            {
                builder.FitBlocks(work, clipSearch ? rowWeights : [], cancellationToken);
                float[] natural = [.. work];
                for (int row = 0; row < k; row++)
                {
                    natural.AsSpan(order[row] * n, n).CopyTo(work.AsSpan(row * n, n));
                }
            }
        }

        /// <summary>
        /// 1/U_kk² of each input: what an error in its row costs when all later rows make up for it as well as they can. Measured a little
        /// better than H_kk as the weights of the clip search.
        /// </summary>
        private static float[] Importance(float[] factor, int[]? order)
        {
            int k = (int)Math.Sqrt(factor.Length);
            var importance = new float[k];
            for (int row = 0; row < k; row++)
            {
                float pivot = factor[row * k + row];
                importance[order is null ? row : order[row]] = 1 / (pivot * pivot);
            }
            return importance;
        }

        public GptqResult Quantize()
        {
            Process(0, k);
            return new GptqResult(builder.Build(), work, factors);
        }

        private void Process(int start, int end)
        {
            if (end - start <= LeafRows)
            {
                cancellationToken.ThrowIfCancellationRequested();
                for (int column = 0; column < n; column += LeafColumns)
                {
                    ProcessLeaf(start, end, column, Math.Min(LeafColumns, n - column));
                }
                return;
            }
            int middle = Middle(start, end);
            Process(start, middle);
            Linear.Multiply(
                new MatrixView<float>(factor, k, k).Part(start, middle, middle - start, end - middle).Transposed,
                new MatrixView<float>(work, k, n).Part(start, 0, middle - start, n),
                new MatrixView<float>(work, k, n).Part(middle, 0, end - middle, n),
                alpha: -1,
                beta: 1
            );
            Process(middle, end);
        }

        /// <summary>
        /// Where to halve a run: on a block boundary if there is one inside, so that at the first row of a block all its rows are up to date
        /// and its scales can be fitted.
        /// </summary>
        private int Middle(int start, int end)
        {
            int half = (start + end) / 2;
            int length = builder.Length;
            int below = half / length * length;
            int above = below + length;
            bool belowInside = below > start;
            bool aboveInside = above < end;
            return (belowInside, aboveInside) switch
            {
                (true, true) => half - below <= above - half ? below : above,
                (true, false) => below,
                (false, true) => above,
                _ => half,
            };
        }

        private void ProcessLeaf(int start, int end, int column, int count)
        {
            Span<float> rounded = values.AsSpan(0, count);
            for (int row = start; row < end; row++)
            {
                int input = order is null ? row : order[row];
                Span<float> weights = work.AsSpan(row * n + column, count);
                Span<float> scales = builder.Scales(input).Slice(column, count);
                Span<float> zeros = builder.Zeros(input).Slice(column, count);
                if (order is null && row % builder.Length == 0)
                {
                    int rows = Math.Min(builder.Length, k - row);
                    ReadOnlySpan<float> importance = clipSearch ? rowWeights.AsSpan(row, rows) : [];
                    ReadOnlySpan<float> scaleFactors = builder.ScaleFactors is { Length: > 0 } all ? all.Slice(column, count) : [];
                    builder.Kernel.Fit(work.AsSpan(row * n + column), n, rows, importance, scaleFactors, scales, zeros);
                }
                builder.Kernel.Round(weights, scales, zeros, builder.Codes(input).Slice(column, count), rounded);
                TensorPrimitives.Subtract(weights, rounded, weights);
                TensorPrimitives.Divide(weights, factor[row * k + row], weights);
                for (int later = row + 1; later < end; later++)
                {
                    Span<float> open = work.AsSpan(later * n + column, count);
                    TensorPrimitives.MultiplyAdd(weights, -factor[row * k + later], open, open);
                }
            }
        }

        private static SecondMoment Identity(int k)
        {
            var values = new double[k * k];
            for (int i = 0; i < k; i++)
            {
                values[i * k + i] = 1;
            }
            return new SecondMoment(k, values, 0);
        }
    }
}

/// <summary>What GPTQ leaves: with the rows in the order of the factors, W − Ŵ = Uᵀe and so H·(W − Ŵ) = U⁻¹e.</summary>
/// <param name="Matrix">The codes.</param>
/// <param name="Errors">e, row-major K×N: each row's rounding error over U_kk.</param>
/// <param name="Factors">U and its inverse.</param>
internal sealed record GptqResult(QuantizedMatrix Matrix, float[] Errors, InverseFactors Factors);
