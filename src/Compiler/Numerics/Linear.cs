using System.Numerics;
using System.Runtime.InteropServices;
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

    /// <summary>Triangular matrices up to this order are inverted by a solve.</summary>
    private const int InverseLeaf = 64;

    /// <summary>Rows and columns per tile of a transposition in place.</summary>
    private const int MirrorTile = 32;

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

    /// <summary>Adds XᵀX of fp32 rows to a symmetric K×K fp64 sum; see <see cref="AccumulateUpperGram"/>.</summary>
    public static void AccumulateGram(float[] x, int rows, int k, double[] sum, CancellationToken cancellationToken = default)
    {
        AccumulateUpperGram(x, rows, k, sum, cancellationToken);
        MirrorUpper(sum, k);
    }

    /// <summary>
    /// Adds XᵀX of fp32 rows to the upper triangle of a K×K fp64 sum. Products of at most 1024 rows are summed in fp32, those sums in fp64:
    /// the relative error is that of fp32 (about 1e-7 of √(H_ii·H_jj)), however many rows there are, at twice the speed of fp64.
    /// </summary>
    /// <param name="x">Row-major, at least rows·k elements.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="k">Columns of x.</param>
    /// <param name="sum">Row-major K×K; <see cref="MirrorUpper"/> completes it.</param>
    /// <param name="cancellationToken">Looked at once per 1024 rows.</param>
    public static void AccumulateUpperGram(float[] x, int rows, int k, double[] sum, CancellationToken cancellationToken = default)
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
                    Add(tile.AsSpan(row * width + row, width - row), sum.AsSpan(first * k + first, width - row));
                }
            }
        }
    }

    /// <summary>Copies the upper triangle of a matrix to the lower one: tile by tile, so that both stay in the cache.</summary>
    /// <param name="a">Row-major k×k.</param>
    /// <param name="k">Order.</param>
    public static void MirrorUpper(double[] a, int k)
    {
        for (int top = 0; top < k; top += MirrorTile)
        {
            for (int left = 0; left <= top; left += MirrorTile)
            {
                for (int i = top; i < Math.Min(k, top + MirrorTile); i++)
                {
                    for (int j = left; j < Math.Min(i, left + MirrorTile); j++)
                    {
                        a[i * k + j] = a[j * k + i];
                    }
                }
            }
        }
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
                Add(tile.AsSpan(0, height * n), sum.AsSpan(i * n, height * n));
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

    /// <summary>The inverse of a triangular matrix, in a third of the work of a solve: what is zero is not computed.</summary>
    /// <param name="a">Row-major n×n; the other triangle is not read.</param>
    /// <param name="n">Order.</param>
    /// <param name="upper">Which triangle holds the matrix.</param>
    public static double[] InvertTriangular(double[] a, int n, bool upper)
    {
        var inverse = new double[a.Length];
        var product = new double[(long)(n / 2 + 1) * (n / 2 + 1)];
        Invert(new MatrixView<double>(a, n, n), new MatrixView<double>(inverse, n, n), product, upper);
        return inverse;
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

    /// <summary>With halves on the diagonal, the block between them is −D⁻¹·C·A⁻¹ (lower: C; upper: −A⁻¹·C·D⁻¹).</summary>
    private static void Invert(MatrixView<double> a, MatrixView<double> inverse, double[] product, bool upper)
    {
        int n = a.Rows;
        if (n <= InverseLeaf)
        {
            using DisposeScope scope = OpenScope();
            Wrap(inverse).copy_(linalg.solve_triangular(Wrap(a), eye(n, dtype: float64), upper));
            return;
        }
        int first = n / 2;
        int rest = n - first;
        MatrixView<double> top = inverse.Part(0, 0, first, first);
        MatrixView<double> bottom = inverse.Part(first, first, rest, rest);
        Invert(a.Part(0, 0, first, first), top, product, upper);
        Invert(a.Part(first, first, rest, rest), bottom, product, upper);
        (int row, int column, int rows, int columns) = upper ? (0, first, first, rest) : (first, 0, rest, first);
        var half = new MatrixView<double>(product, rows, columns);
        Multiply(a.Part(row, column, rows, columns), upper ? bottom : top, half);
        Multiply(upper ? top : bottom, half, inverse.Part(row, column, rows, columns), alpha: -1);
    }

    private static void Add(ReadOnlySpan<float> values, Span<double> sums)
    {
        int width = Vector<float>.Count;
        int i = 0;
        for (; i <= values.Length - width; i += width)
        {
            Vector.Widen(new Vector<float>(values[i..]), out Vector<double> low, out Vector<double> high);
            Span<double> to = sums.Slice(i, width);
            (new Vector<double>(to) + low).CopyTo(to);
            to = to[Vector<double>.Count..];
            (new Vector<double>(to) + high).CopyTo(to);
        }
        for (; i < values.Length; i++)
        {
            sums[i] += values[i];
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

    /// <summary>The values in one copy; the accessor of TorchSharp asks the library about every element.</summary>
    private static T[] ToArray<T>(Tensor tensor)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(tensor.contiguous().bytes).ToArray();
}
