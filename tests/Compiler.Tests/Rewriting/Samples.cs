using Lorq.Decomposition;
using Lorq.Quantization;
using Lorq.Rewriting;

namespace Lorq.Tests.Rewriting;

/// <summary>Random codes on a grid, and the plain meaning of them.</summary>
internal static class Samples
{
    public static QuantizedMatrix Random(QuantizationGrid grid, int k, int n, int seed)
    {
        var random = new Random(seed);
        int blocks = grid.BlockCount(k);
        var codes = new byte[k * n];
        for (int i = 0; i < codes.Length; i++)
        {
            codes[i] = (byte)random.Next(grid.Levels);
        }
        float[]? factors =
            grid.Scale == ScaleType.Int8 ? [.. Enumerable.Range(0, n).Select(_ => (float)(Half)(random.NextDouble() * 1e-4))] : null;
        var scales = new float[blocks * n];
        for (int i = 0; i < scales.Length; i++)
        {
            float scale = (float)((random.NextDouble() + 0.1) * 0.01);
            scales[i] =
                factors is not null ? random.Next(-127, 128) * factors[i % n]
                : grid.Scale == ScaleType.Float16 ? (float)(Half)scale
                : scale;
        }
        byte[]? zeros = null;
        if (!grid.Symmetric)
        {
            zeros = new byte[blocks * n];
            for (int i = 0; i < zeros.Length; i++)
            {
                zeros[i] = (byte)random.Next(grid.Levels);
            }
        }
        return new QuantizedMatrix(grid, k, n, codes, scales, zeros, factors);
    }

    /// <summary>Random factors whose product has entries of about ±0.3.</summary>
    public static FactorPair Pair(FactorShape shape, int k, int n, int seed)
    {
        var random = new Random(seed);
        float size = 1 / MathF.Sqrt(MathF.Sqrt(shape.Rank));
        return FactorPair.Store(shape, Uniform(k * shape.Rank), Uniform(shape.Rank * n));

        float[] Uniform(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 2) - 1) * size)];
    }

    /// <summary>A·C, row-major K×N, summed in double.</summary>
    public static float[] Product(FactorPair pair)
    {
        (int k, int r, int n) = (pair.Left.Rows, pair.Shape.Rank, pair.Right.Columns);
        var product = new float[k * n];
        var row = new double[n];
        for (int i = 0; i < k; i++)
        {
            Array.Clear(row);
            for (int j = 0; j < r; j++)
            {
                double a = pair.Left.Values[(i * r) + j];
                for (int c = 0; c < n; c++)
                {
                    row[c] += a * pair.Right.Values[(j * n) + c];
                }
            }
            for (int c = 0; c < n; c++)
            {
                product[(i * n) + c] = (float)row[c];
            }
        }
        return product;
    }

    public static WeightSegment Segment(QuantizedMatrix m) => new(m.Grid, m.K, m.N, m);

    /// <summary>w = (code − zero point)·scale, row-major K×N, straight from the definition.</summary>
    public static float[] Values(QuantizedMatrix m)
    {
        var values = new float[m.K * m.N];
        for (int k = 0; k < m.K; k++)
        {
            for (int n = 0; n < m.N; n++)
            {
                int block = (k / m.Grid.BlockLength(m.K) * m.N) + n;
                if (m.Grid.Kind == GridKind.NormalFloat)
                {
                    values[(k * m.N) + n] = NormalFloat.Codebook(m.Grid.Bits)[m.Codes[(k * m.N) + n]] * m.Scales[block];
                    continue;
                }
                int zero = m.ZeroPoints is null ? 1 << (m.Grid.Bits - 1) : m.ZeroPoints[block];
                values[(k * m.N) + n] = (m.Codes[(k * m.N) + n] - zero) * m.Scales[block];
            }
        }
        return values;
    }

    public static float[] Transpose(float[] matrix, int rows, int columns)
    {
        var result = new float[matrix.Length];
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
            {
                result[(c * rows) + r] = matrix[(r * columns) + c];
            }
        }
        return result;
    }
}
