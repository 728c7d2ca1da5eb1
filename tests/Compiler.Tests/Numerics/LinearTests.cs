using Lorq.Numerics;
using static Lorq.Tests.Quantization.Synthetic;

namespace Lorq.Tests.Numerics;

public sealed class LinearTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Products_of_parts_and_transposes_equal_three_loops(bool transposeA, bool transposeB)
    {
        const int M = 5;
        const int K = 7;
        const int N = 4;
        // Each operand is a part of a larger matrix, offset by (1, 2).
        MatrixView<float> a = Operand(M, K, transposeA, 1);
        MatrixView<float> b = Operand(K, N, transposeB, 2);
        var whole = new MatrixView<float>(Gaussian(9 * 9, 3), 9, 9);
        float[] before = [.. whole.Values];
        MatrixView<float> c = whole.Part(2, 3, M, N);

        Linear.Multiply(a, b, c, alpha: -2, beta: 0.5f);

        for (int i = 0; i < 9; i++)
        {
            for (int j = 0; j < 9; j++)
            {
                double expected = before[i * 9 + j];
                if (i is >= 2 and < 2 + M && j is >= 3 and < 3 + N)
                {
                    double sum = 0;
                    for (int l = 0; l < K; l++)
                    {
                        sum += (double)At(a, i - 2, l) * At(b, l, j - 3);
                    }
                    expected = 0.5 * expected - 2 * sum;
                }
                Assert.Equal(expected, whole.Values[i * 9 + j], 1e-4);
            }
        }
    }

    [Theory]
    [InlineData(384, 384, 8)]
    [InlineData(480, 120, 16)]
    [InlineData(1, 384, 384)]
    [InlineData(384, 384, 1)]
    [InlineData(7, 99, 13)]
    public void Products_have_the_same_bits_wherever_their_operands_lie(int m, int k, int n)
    {
        double[] a = Double(Gaussian(m * k, 1));
        double[] b = Double(Gaussian(k * n, 2));
        double[]? expected = null;
        for (int offset = 0; offset < 8; offset++)
        {
            var c = new double[m * n + offset];

            Linear.Multiply(Moved(a, offset, m, k), Moved(b, 7 - offset, n, k).Transposed, new MatrixView<double>(c, offset, m, n, n, 1));

            expected ??= c[offset..];
            Assert.Equal(expected, c[offset..]);
        }

        static double[] Double(float[] values) => [.. values.Select(value => (double)value)];

        static MatrixView<double> Moved(double[] values, int offset, int rows, int columns) =>
            new MatrixView<double>([.. new double[offset], .. values], rows, columns) with
            {
                Offset = offset,
            };
    }

    [Fact]
    public void Double_products_are_double()
    {
        double[] a = [1e-9, 1];
        double[] b = [1, 1];
        var c = new double[1];
        Linear.Multiply(new MatrixView<double>(a, 1, 2), new MatrixView<double>(b, 2, 1), new MatrixView<double>(c, 1, 1));
        Assert.Equal(1 + 1e-9, c[0], 1e-15);
    }

    [Fact]
    public void Beta_zero_ignores_what_was_there()
    {
        float[] c = [float.NaN];
        Linear.Multiply(new MatrixView<float>([2], 1, 1), new MatrixView<float>([3], 1, 1), new MatrixView<float>(c, 1, 1));
        Assert.Equal(6, c[0]);
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused()
    {
        var a = new MatrixView<float>(new float[6], 2, 3);
        Assert.Throws<ArgumentException>(() => Linear.Multiply(a, a, a));
        var tooLarge = new MatrixView<float>(new float[5], 2, 3);
        Assert.Throws<ArgumentException>(() => Linear.Multiply(a.Transposed, tooLarge, new MatrixView<float>(new float[9], 3, 3)));
        Assert.Throws<ArgumentException>(() => Linear.AccumulateGram(new float[5], 2, 3, new double[9]));
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(1030, 5)]
    [InlineData(2100, 300)]
    public void Gram_matrix_equals_the_double_precision_one(int rows, int k)
    {
        float[] x = Gaussian(rows * k, 1);
        var sum = new double[k * k];
        Linear.AccumulateGram(x, rows / 2, k, sum);
        Linear.AccumulateGram(x[(rows / 2 * k)..], rows - rows / 2, k, sum);
        double[] exact = [.. x.Select(v => (double)v)];
        var expected = new double[k * k];
        var view = new MatrixView<double>(exact, rows, k);
        Linear.Multiply(view.Transposed, view, new MatrixView<double>(expected, k, k));
        for (int i = 0; i < k; i++)
        {
            for (int j = 0; j < k; j++)
            {
                Assert.Equal(sum[j * k + i], sum[i * k + j]);
                double size = Math.Sqrt(expected[i * k + i] * expected[j * k + j]);
                Assert.InRange(Math.Abs(sum[i * k + j] - expected[i * k + j]) / size, 0, 1e-6);
            }
        }
    }

    [Fact]
    public void Cholesky_factor_multiplies_back_and_failure_is_reported()
    {
        const int N = 30;
        double[] a = SymmetricPositive(N);
        double[] l = Linear.Cholesky(a, N)!;
        var back = new double[N * N];
        var view = new MatrixView<double>(l, N, N);
        Linear.Multiply(view, view.Transposed, new MatrixView<double>(back, N, N));
        Assert.All(back.Zip(a), p => Assert.Equal(p.Second, p.First, 1e-10));
        Assert.All(Enumerable.Range(0, N), i => Assert.All(Enumerable.Range(i + 1, N - i - 1), j => Assert.Equal(0, l[i * N + j])));

        Assert.Null(Linear.Cholesky([1, 2, 2, 1], 2));
        Assert.Null(Linear.Cholesky([0, 0, 0, 0], 2));
        Assert.Null(Linear.Cholesky([double.NaN, 0, 0, 1], 2));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Triangular_inverse_and_solve_agree(bool upper)
    {
        const int N = 20;
        double[] lower = Linear.Cholesky(SymmetricPositive(N), N)!;
        var a = new double[N * N];
        Transposition.Transpose<double>(lower, N, N, a);
        a = upper ? a : lower;
        double[] inverse = Linear.InvertTriangular(a, N, upper);
        var product = new double[N * N];
        Linear.Multiply(new MatrixView<double>(a, N, N), new MatrixView<double>(inverse, N, N), new MatrixView<double>(product, N, N));
        Assert.All(Enumerable.Range(0, N * N), i => Assert.Equal(i % (N + 1) == 0 ? 1 : 0, product[i], 1e-10));

        double[] b = [.. Gaussian(N * 3, 4).Select(x => (double)x)];
        foreach (bool transposed in new[] { false, true })
        {
            double[] x = Linear.SolveTriangular(a, b, N, 3, upper, transposed);
            var back = new double[N * 3];
            var view = new MatrixView<double>(a, N, N);
            Linear.Multiply(transposed ? view.Transposed : view, new MatrixView<double>(x, N, 3), new MatrixView<double>(back, N, 3));
            Assert.All(back.Zip(b), p => Assert.Equal(p.Second, p.First, 1e-9));
        }
    }

    [Fact]
    public void Eigenvalues_of_a_symmetric_matrix()
    {
        double[] values = Linear.SymmetricEigenvalues([2, 1, 1, 2], 2);
        Assert.Equal(1, values[0], 1e-12);
        Assert.Equal(3, values[1], 1e-12);
    }

    [Fact]
    public void Results_do_not_depend_on_the_thread()
    {
        const int Size = 200;
        var a = new MatrixView<float>(Gaussian(Size * Size, 1), Size, Size);
        var results = new float[6][];
        Parallel.For(
            0,
            results.Length,
            i =>
            {
                results[i] = new float[Size * Size];
                Linear.Multiply(a, a.Transposed, new MatrixView<float>(results[i], Size, Size));
            }
        );
        Assert.All(results, r => Assert.Equal(results[0], r));
    }

    private static double[] SymmetricPositive(int n)
    {
        var sum = new double[n * n];
        Linear.AccumulateGram(Gaussian(2 * n * n, 7), 2 * n, n, sum);
        return sum;
    }

    private static MatrixView<float> Operand(int rows, int columns, bool transposed, int seed)
    {
        (int r, int c) = transposed ? (columns, rows) : (rows, columns);
        MatrixView<float> part = new MatrixView<float>(Gaussian((r + 2) * (c + 3), seed), r + 2, c + 3).Part(1, 2, r, c);
        return transposed ? part.Transposed : part;
    }

    private static float At(MatrixView<float> view, int row, int column) =>
        view.Values[view.Offset + row * view.RowStride + column * view.ColumnStride];
}
