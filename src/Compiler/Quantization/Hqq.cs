using System.Numerics;

namespace Lorq.Quantization;

/// <summary>
/// HQQ (Badri and Shaji 2023): half-quadratic splitting of the l_p norm of the error, p = 0.7, over the zero point, the scale of the full
/// range fixed. Zero points are real while they are optimised and rounded for storage; of the plain range rule and every iterate the
/// one with the least squared error is kept, so that the result is never worse than plain rounding.
/// </summary>
internal sealed class Hqq : IQuantizer
{
    private const float Norm = 0.7f;
    private const float StartBeta = 10;
    private const float BetaGrowth = 1.01f;
    private const int Iterations = 20;

    /// <inheritdoc />
    public string Name => "hqq";

    /// <inheritdoc />
    public string Summary => "HQQ: the zero point that is most robust to outliers, by half-quadratic splitting; needs no data.";

    /// <inheritdoc />
    public bool NeedsCalibration => false;

    /// <inheritdoc />
    /// <remarks>The zero point is what HQQ optimises, so there has to be one.</remarks>
    public bool Supports(QuantizationGrid grid) => grid.HasZeroPoint;

    /// <inheritdoc />
    public QuantizedMatrix Quantize(WeightProblem problem, QuantizationGrid grid, CancellationToken cancellationToken)
    {
        if (!Supports(grid))
        {
            throw new ArgumentException($"HQQ cannot round onto {grid}.", nameof(grid));
        }
        var builder = new CodeBuilder(problem, grid);
        builder.FitBlocks(problem.Weight, [], cancellationToken);
        var lanes = new LaneBlock();
        for (int row = 0; row < problem.K; row += builder.Length)
        {
            int rows = Math.Min(builder.Length, problem.K - row);
            Span<float> zeros = builder.Zeros(row);
            for (int column = 0; column < problem.N; column += Vector<float>.Count)
            {
                if (column % 4096 == 0)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                }
                Vector<float> zero = Optimise(
                    lanes.Load(problem.Weight.AsSpan(row * problem.N), problem.N, rows, column, problem.N),
                    LaneBlock.Load(builder.Scales(row), column),
                    LaneBlock.Load(zeros, column),
                    grid.Levels - 1
                );
                LaneBlock.Store(zero, zeros, column);
            }
        }
        return builder.RoundAll(problem.Weight, cancellationToken);
    }

    private static Vector<float> Optimise(ReadOnlySpan<Vector<float>> block, Vector<float> scale, Vector<float> start, float largest)
    {
        Vector<float> inverse = Vector.ConditionalSelect(
            Vector.Equals(scale, Vector<float>.Zero),
            Vector<float>.Zero,
            Vector<float>.One / scale
        );
        Vector<float> best = start;
        Vector<float> leastError = Error(block, inverse, start, largest);
        Vector<float> zero = start;
        float beta = StartBeta;
        for (int i = 0; i < Iterations; i++, beta *= BetaGrowth)
        {
            zero = NextZero(block, inverse, zero, largest, 1 / beta);
            Vector<float> stored = Vector.Max(Vector.Min(Vector.Round(zero), Vector.Create(largest)), Vector<float>.Zero);
            Vector<float> error = Error(block, inverse, stored, largest);
            Vector<int> better = Vector.LessThan(error, leastError);
            best = Vector.ConditionalSelect(better, stored, best);
            leastError = Vector.ConditionalSelect(better, error, leastError);
        }
        return best;
    }

    /// <summary>
    /// One iteration, in units of the scale: the errors shrunk by the proximal step of the l_p norm are what outliers may keep; the zero point is
    /// the mean that explains the rest.
    /// </summary>
    private static Vector<float> NextZero(
        ReadOnlySpan<Vector<float>> block,
        Vector<float> inverse,
        Vector<float> zero,
        float largest,
        float shrinkage
    )
    {
        Vector<float> sum = Vector<float>.Zero;
        foreach (Vector<float> weight in block)
        {
            Vector<float> scaled = weight * inverse;
            Vector<float> code = Code(scaled, zero, largest);
            Vector<float> error = scaled - (code - zero);
            Vector<float> size = Vector.Abs(error);
            // |e|^(p−1) is infinite at 0, where nothing is left to shrink.
            Vector<float> threshold = Vector.Exp(Vector.Log(Vector.Max(size, Vector.Create(1e-12f))) * (Norm - 1)) * shrinkage;
            Vector<float> kept = Vector.CopySign(Vector.Max(size - threshold, Vector<float>.Zero), error);
            sum += code - (scaled - kept);
        }
        return sum / block.Length;
    }

    private static Vector<float> Error(ReadOnlySpan<Vector<float>> block, Vector<float> inverse, Vector<float> zero, float largest)
    {
        Vector<float> sum = Vector<float>.Zero;
        foreach (Vector<float> weight in block)
        {
            Vector<float> scaled = weight * inverse;
            Vector<float> error = scaled - (Code(scaled, zero, largest) - zero);
            sum += error * error;
        }
        return sum;
    }

    private static Vector<float> Code(Vector<float> scaled, Vector<float> zero, float largest) =>
        Vector.Max(Vector.Min(Vector.Round(scaled + zero), Vector.Create(largest)), Vector<float>.Zero);
}
