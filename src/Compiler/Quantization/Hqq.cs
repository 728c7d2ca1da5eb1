using System.Numerics;

namespace Lorq.Quantization;

/// <summary>
/// HQQ (Badri and Shaji 2023): half-quadratic splitting of the l_p norm of the error, p = 0.7, over zero point and scale, from the plain range
/// rule on. The paper moves the zero point alone and stores it as a real number; stored zero points are whole numbers here, for which moving it
/// alone changes nothing, so the scale moves too. Both are real while they are optimised; of the start and every iterate, rounded as
/// stored, the one with the least squared error is kept: never worse than plain rounding.
/// </summary>
internal sealed class Hqq : IQuantizer
{
    private const float Norm = 0.7f;

    /// <summary>In units of the scale, so that it means the same for every layer; the best of 1, 3, 10, 30 on Gaussian weights.</summary>
    private const float StartBeta = 3;
    private const float BetaGrowth = 1.01f;
    private const int Iterations = 20;

    /// <inheritdoc />
    public string Name => "hqq";

    /// <inheritdoc />
    public string Summary => "HQQ: scale and zero point robust to outliers, by half-quadratic splitting; needs no data.";

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
            Span<float> scales = builder.Scales(row);
            Span<float> zeros = builder.Zeros(row);
            for (int column = 0; column < problem.N; column += Vector<float>.Count)
            {
                if (column % 4096 == 0)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                }
                (Vector<float> scale, Vector<float> zero) = Optimise(
                    lanes.Load(problem.Weight.AsSpan(row * problem.N), problem.N, rows, column, problem.N),
                    LaneBlock.Load(scales, column),
                    LaneBlock.Load(zeros, column),
                    ScaleRounding.At(grid, builder.ScaleFactors, column),
                    grid.Levels - 1
                );
                LaneBlock.Store(scale, scales, column);
                LaneBlock.Store(zero, zeros, column);
            }
        }
        return builder.RoundAll(problem.Weight, cancellationToken);
    }

    private static (Vector<float> Scale, Vector<float> Zero) Optimise(
        ReadOnlySpan<Vector<float>> block,
        Vector<float> startScale,
        Vector<float> startZero,
        ScaleRounding stored,
        float largest
    )
    {
        Vector<float> bestScale = startScale;
        Vector<float> bestZero = startZero;
        Vector<float> leastError = Error(block, startScale, startZero, largest);
        Vector<float> scale = startScale;
        Vector<float> zero = startZero;
        float beta = StartBeta;
        for (int i = 0; i < Iterations; i++, beta *= BetaGrowth)
        {
            (scale, zero) = Next(block, scale, zero, largest, 1 / beta);
            Vector<float> storedScale = stored.Round(scale);
            Vector<float> storedZero = Vector.Max(Vector.Min(Vector.Round(zero), Vector.Create(largest)), Vector<float>.Zero);
            Vector<float> error = Error(block, storedScale, storedZero, largest);
            Vector<int> better = Vector.LessThan(error, leastError);
            bestScale = Vector.ConditionalSelect(better, storedScale, bestScale);
            bestZero = Vector.ConditionalSelect(better, storedZero, bestZero);
            leastError = Vector.ConditionalSelect(better, error, leastError);
        }
        return (bestScale, bestZero);
    }

    /// <summary>
    /// One iteration. The errors, in units of the scale and shrunk by the proximal step of the l_p norm, are what outliers may keep; zero point
    /// and scale are those that explain the rest best in the least-squares sense, the zero point first.
    /// </summary>
    private static (Vector<float> Scale, Vector<float> Zero) Next(
        ReadOnlySpan<Vector<float>> block,
        Vector<float> scale,
        Vector<float> zero,
        float largest,
        float shrinkage
    )
    {
        Vector<float> inverse = Inverse(scale);
        Vector<float> codes = Vector<float>.Zero;
        Vector<float> codeSquares = Vector<float>.Zero;
        Vector<float> targets = Vector<float>.Zero;
        Vector<float> products = Vector<float>.Zero;
        foreach (Vector<float> weight in block)
        {
            Vector<float> scaled = weight * inverse;
            Vector<float> code = Code(scaled, zero, largest);
            Vector<float> error = scaled - (code - zero);
            Vector<float> size = Vector.Abs(error);
            // |e|^(p−1) is infinite at 0, where nothing is left to shrink.
            Vector<float> threshold = Vector.Exp(Vector.Log(Vector.Max(size, Vector.Create(1e-12f))) * (Norm - 1)) * shrinkage;
            Vector<float> target = scaled - Vector.CopySign(Vector.Max(size - threshold, Vector<float>.Zero), error);
            codes += code;
            codeSquares += code * code;
            targets += target;
            products += target * code;
        }
        Vector<float> nextZero = (codes - targets) / block.Length;
        // Least squares of target ≈ r·(code − zero) for r, the factor by which the scale changes.
        Vector<float> top = products - nextZero * targets;
        Vector<float> bottom = codeSquares - 2 * nextZero * codes + block.Length * nextZero * nextZero;
        Vector<float> ratio = Vector.ConditionalSelect(Vector.GreaterThan(bottom, Vector<float>.Zero), top / bottom, Vector<float>.One);
        return (scale * ratio, nextZero);
    }

    private static Vector<float> Error(ReadOnlySpan<Vector<float>> block, Vector<float> scale, Vector<float> zero, float largest)
    {
        Vector<float> inverse = Inverse(scale);
        Vector<float> sum = Vector<float>.Zero;
        foreach (Vector<float> weight in block)
        {
            Vector<float> error = Vector.FusedMultiplyAdd(zero - Code(weight * inverse, zero, largest), scale, weight);
            sum = Vector.FusedMultiplyAdd(error, error, sum);
        }
        return sum;
    }

    private static Vector<float> Inverse(Vector<float> scale) =>
        Vector.ConditionalSelect(Vector.Equals(scale, Vector<float>.Zero), Vector<float>.Zero, Vector<float>.One / scale);

    private static Vector<float> Code(Vector<float> scaled, Vector<float> zero, float largest) =>
        Vector.Max(Vector.Min(Vector.Round(scaled + zero), Vector.Create(largest)), Vector<float>.Zero);
}
