using Lorq.Decomposition;
using Lorq.Numerics;
using static Lorq.Tests.Quantization.Synthetic;

namespace Lorq.Tests.Decomposition;

public sealed class StoredPairTests
{
    private const int Size = 256;
    private const int Rank = 32;
    private const int Draws = 12;

    private static readonly FactorShape Shape = new(Rank, FactorType.Int8);

    /// <summary>
    /// methods-compression.md, "Which split of Σ": 256×256, spectrum 1/i, rank 32, int8 factors: .0075 balanced, .0139 with all of Σ on A; .0201 with
    /// one scale per rank component. The matrix is taken as Gaussian with column i divided by i. The figures are those of one draw, and differ by
    /// some 4 % from draw to draw: they have to be probable ones.
    /// </summary>
    [Fact]
    public void Balanced_factors_with_scales_per_row_and_column_lose_least_by_int8()
    {
        (double Balanced, double Refitted, double Lopsided, double PerComponent)[] draws = [.. Enumerable.Range(1, Draws).Select(Draw)];
        Assert.All(draws, d => Assert.True(d.Refitted < d.Balanced && d.Balanced < 0.6 * d.Lopsided && d.Lopsided < d.PerComponent));
        Probable(0.0075, [.. draws.Select(d => d.Balanced)]);
        Probable(0.0139, [.. draws.Select(d => d.Lopsided)]);
        Probable(0.0201, [.. draws.Select(d => d.PerComponent)]);
    }

    private static void Probable(double figure, double[] draws)
    {
        double mean = draws.Average();
        double deviation = Math.Sqrt(draws.Sum(d => Math.Pow(d - mean, 2)) / (draws.Length - 1));
        Assert.True(deviation < 0.05 * mean, $"{deviation} of {mean}");
        Assert.True(Math.Abs(figure - mean) < 3 * deviation, $"{figure} is not {mean} ± {deviation}");
    }

    private static (double Balanced, double Refitted, double Lopsided, double PerComponent) Draw(int seed)
    {
        float[] matrix = Gaussian(Size * Size, seed);
        for (int i = 0; i < matrix.Length; i++)
        {
            matrix[i] /= i % Size + 1;
        }
        var svd = new MetricSvd(matrix, Size, Size);
        (float[] left, float[] right) = svd.Factors(Rank);
        float[] exact = Product(left, right);
        FactorPair balanced = FactorPair.Store(Shape, left, right);
        FactorPair refitted = StoredPair.Of(svd, Shape, default);
        Factor leftPerComponent = Factor.Store(FactorType.Int8, left, Size, Rank, scalePerRow: false);
        Factor rightPerComponent = Factor.Store(FactorType.Int8, right, Rank, Size, scalePerRow: true);
        for (int i = 0; i < left.Length; i++)
        {
            left[i] *= (float)Math.Pow(svd.SquaredSingularValues[i % Rank], 0.25);
        }
        for (int i = 0; i < right.Length; i++)
        {
            right[i] /= (float)Math.Pow(svd.SquaredSingularValues[i / Size], 0.25);
        }
        FactorPair lopsided = FactorPair.Store(Shape, left, right);
        return (
            Distance(exact, Product(balanced.Left.Values, balanced.Right.Values)),
            Distance(exact, Product(refitted.Left.Values, refitted.Right.Values)),
            Distance(exact, Product(lopsided.Left.Values, lopsided.Right.Values)),
            Distance(exact, Product(leftPerComponent.Values, rightPerComponent.Values))
        );
    }

    private static float[] Product(float[] left, float[] right)
    {
        var product = new float[Size * Size];
        Linear.Multiply(
            new MatrixView<float>(left, Size, Rank),
            new MatrixView<float>(right, Rank, Size),
            new MatrixView<float>(product, Size, Size)
        );
        return product;
    }

    private static double Distance(float[] exact, float[] other) =>
        Math.Sqrt(exact.Zip(other, (x, y) => Math.Pow(x - y, 2)).Sum() / exact.Sum(x => (double)x * x));
}
