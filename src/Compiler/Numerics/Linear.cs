using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Lorq.Numerics;

/// <summary>
/// Dense linear algebra on row-major arrays, by libtorch, on the calling thread only. The one place that touches tensors.
/// A call costs about 15 µs besides the arithmetic; nothing is copied on the way in or out of a product.
/// </summary>
public static class Linear
{
    /// <summary>Rows of x whose products are summed in fp32 before they join the fp64 sum.</summary>
    private const int GramRows = 1024;

    /// <summary>Columns per tile of the Gram matrix; tiles below the diagonal are not computed.</summary>
    private const int GramTile = 256;

    /// <summary><c>C ← α·A·B + β·C</c>, in the precision of <typeparamref name="T"/>; with β = 0 the old C is not read.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit, or a view leaves its array.</exception>
    public static void Multiply<T>(MatrixView<T> a, MatrixView<T> b, MatrixView<T> c, float alpha = 1, float beta = 0)
        where T : unmanaged, INumber<T>
    {
        if (a.Columns != b.Rows || c.Rows != a.Rows || c.Columns != b.Columns)
        {
            throw new ArgumentException(
                $"Cannot multiply {a.Rows}×{a.Columns} by {b.Rows}×{b.Columns} into {c.Rows}×{c.Columns}.",
                nameof(c)
            );
        }
        if (c.Rows == 0 || c.Columns == 0)
        {
            return;
        }
        using DisposeScope scope = OpenScope();
        Wrap(c).addmm_(Wrap(a), Wrap(b), beta, alpha);
    }

    /// <summary>
    /// Adds XᵀX of fp32 rows to a K×K fp64 sum (both triangles). Products of at most 1024 rows are summed in fp32, those sums in fp64:
    /// the relative error is that of fp32 (about 1e-7 of √(H_ii·H_jj)), however many rows there are, at twice the speed of fp64.
    /// </summary>
    /// <param name="x">Row-major, at least rows·k elements.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="k">Columns of x.</param>
    /// <param name="sum">Row-major K×K, symmetric.</param>
    /// <param name="cancellationToken">Looked at once per 1024 rows.</param>
    public static void AccumulateGram(float[] x, int rows, int k, double[] sum, CancellationToken cancellationToken = default)
    {
        if (x.Length < (long)rows * k || sum.Length != (long)k * k)
        {
            throw new ArgumentException($"Need {rows}×{k} inputs and a {k}×{k} sum.", nameof(x));
        }
        var rowsView = new MatrixView<float>(x, rows, k);
        var tile = new float[Math.Min(k, GramTile) * k];
        for (int r = 0; r < rows; r += GramRows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(GramRows, rows - r);
            for (int i = 0; i < k; i += GramTile)
            {
                int height = Math.Min(GramTile, k - i);
                int width = k - i;
                Multiply(
                    rowsView.Part(r, i, count, height).Transposed,
                    rowsView.Part(r, i, count, width),
                    new MatrixView<float>(tile, height, width)
                );
                for (int row = 0; row < height; row++)
                {
                    // Row i+row, columns from the diagonal on.
                    int first = i + row;
                    ReadOnlySpan<float> from = tile.AsSpan(row * width + row, width - row);
                    Span<double> to = sum.AsSpan(first * k + first, width - row);
                    for (int j = 0; j < from.Length; j++)
                    {
                        to[j] += from[j];
                    }
                }
            }
        }
        MirrorUpper(sum, k);
    }

    /// <summary>Adds XᵀY of fp32 rows to an fp64 sum, with the accuracy of <see cref="AccumulateGram"/>.</summary>
    /// <param name="x">Row-major, at least rows·k elements.</param>
    /// <param name="k">Columns of x.</param>
    /// <param name="y">Row-major, at least rows·n elements.</param>
    /// <param name="n">Columns of y.</param>
    /// <param name="rows">Rows of both.</param>
    /// <param name="sum">Row-major k×n.</param>
    /// <param name="cancellationToken">Looked at once per 1024 rows.</param>
    public static void AccumulateProduct(
        float[] x,
        int k,
        float[] y,
        int n,
        int rows,
        double[] sum,
        CancellationToken cancellationToken = default
    )
    {
        var tile = new float[Math.Min(k, GramTile) * n];
        for (int r = 0; r < rows; r += GramRows)
        {
            int count = Math.Min(GramRows, rows - r);
            for (int i = 0; i < k; i += GramTile)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int height = Math.Min(GramTile, k - i);
                Multiply(
                    new MatrixView<float>(x, rows, k).Part(r, i, count, height).Transposed,
                    new MatrixView<float>(y, rows, n).Part(r, 0, count, n),
                    new MatrixView<float>(tile, height, n)
                );
                Span<double> to = sum.AsSpan(i * n, height * n);
                for (int j = 0; j < to.Length; j++)
                {
                    to[j] += tile[j];
                }
            }
        }
    }

    /// <summary>The lower Cholesky factor L of a symmetric matrix, <c>A = L·Lᵀ</c>, or null when A is not positive definite in fp64.</summary>
    /// <param name="a">Row-major n×n.</param>
    /// <param name="n">Order.</param>
    public static double[]? Cholesky(double[] a, int n)
    {
        using DisposeScope scope = OpenScope();
        (Tensor factor, Tensor info) = linalg.cholesky_ex(Wrap(new MatrixView<double>(a, n, n)));
        return info.item<int>() == 0 && factor.isfinite().all().item<bool>() ? ToArray<double>(factor) : null;
    }

    /// <summary>The inverse of a triangular matrix.</summary>
    /// <param name="a">Row-major n×n; the other triangle is not read.</param>
    /// <param name="n">Order.</param>
    /// <param name="upper">Which triangle holds the matrix.</param>
    public static double[] InvertTriangular(double[] a, int n, bool upper)
    {
        using DisposeScope scope = OpenScope();
        return ToArray<double>(linalg.solve_triangular(Wrap(new MatrixView<double>(a, n, n)), eye(n, dtype: float64), upper));
    }

    /// <summary>Solves <c>A·X = B</c> for triangular A.</summary>
    /// <param name="a">Row-major n×n; the other triangle is not read.</param>
    /// <param name="b">Row-major n×columns.</param>
    /// <param name="n">Order of A.</param>
    /// <param name="columns">Columns of B and X.</param>
    /// <param name="upper">Which triangle holds A.</param>
    /// <param name="transposed">Solve with Aᵀ instead.</param>
    public static double[] SolveTriangular(double[] a, double[] b, int n, int columns, bool upper, bool transposed = false)
    {
        using DisposeScope scope = OpenScope();
        var view = new MatrixView<double>(a, n, n);
        return ToArray<double>(
            linalg.solve_triangular(
                Wrap(transposed ? view.Transposed : view),
                Wrap(new MatrixView<double>(b, n, columns)),
                upper != transposed
            )
        );
    }

    /// <summary>The eigenvalues of a symmetric matrix, ascending.</summary>
    /// <param name="a">Row-major n×n.</param>
    /// <param name="n">Order.</param>
    public static double[] SymmetricEigenvalues(double[] a, int n)
    {
        using DisposeScope scope = OpenScope();
        return ToArray<double>(linalg.eigvalsh(Wrap(new MatrixView<double>(a, n, n))));
    }

    /// <summary>Eigenvalues and orthonormal eigenvectors of a symmetric matrix, <c>A = V·diag(λ)·Vᵀ</c>.</summary>
    /// <param name="a">Row-major n×n.</param>
    /// <param name="n">Order.</param>
    /// <returns>λ ascending; V row-major n×n, the vector of λ_j in column j.</returns>
    public static (double[] Values, double[] Vectors) SymmetricEigenvectors(double[] a, int n)
    {
        using DisposeScope scope = OpenScope();
        (Tensor values, Tensor vectors) = linalg.eigh(Wrap(new MatrixView<double>(a, n, n)));
        return (ToArray<double>(values), ToArray<double>(vectors));
    }

    /// <summary>Quantiles of the standard normal distribution, <c>Φ⁻¹(p)</c>.</summary>
    /// <param name="probabilities">Each in (0, 1).</param>
    public static double[] NormalQuantiles(double[] probabilities)
    {
        using DisposeScope scope = OpenScope();
        Tensor column = Wrap(new MatrixView<double>(probabilities, probabilities.Length, 1));
        return ToArray<double>((column * 2 - 1).erfinv() * Math.Sqrt(2));
    }

    private static void MirrorUpper(double[] a, int k)
    {
        for (int i = 1; i < k; i++)
        {
            for (int j = 0; j < i; j++)
            {
                a[i * k + j] = a[j * k + i];
            }
        }
    }

    /// <summary>A scope that frees the tensors made in it. Any touch of TorchSharp before the library is loaded would fail for good.</summary>
    private static DisposeScope OpenScope()
    {
        TorchLibrary.Load();
        // The setting belongs to the calling thread (OpenMP), so a thread pool needs it at every call; it costs nanoseconds.
        // Sites are processed in parallel, one thread each, and results must not depend on the number of cores.
        set_num_threads(1);
        return NewDisposeScope();
    }

    /// <summary>A tensor over the array's own memory (pinned while the tensor lives).</summary>
    private static Tensor Wrap<T>(MatrixView<T> view)
        where T : unmanaged, INumber<T>
    {
        long last =
            view.Rows == 0 || view.Columns == 0
                ? -1
                : view.Offset + (view.Rows - 1L) * view.RowStride + (view.Columns - 1L) * view.ColumnStride;
        if (view.Offset < 0 || last >= view.Values.Length)
        {
            throw new ArgumentException($"A {view.Rows}×{view.Columns} view reaches outside its array.", nameof(view));
        }
        ScalarType type = typeof(T) == typeof(float) ? ScalarType.Float32 : ScalarType.Float64;
        return frombuffer(view.Values, type).as_strided([view.Rows, view.Columns], [view.RowStride, view.ColumnStride], view.Offset);
    }

    private static T[] ToArray<T>(Tensor tensor)
        where T : unmanaged => tensor.contiguous().data<T>().ToArray();
}
