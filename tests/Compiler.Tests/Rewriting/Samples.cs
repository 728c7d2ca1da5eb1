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
        var scales = new float[blocks * n];
        for (int i = 0; i < scales.Length; i++)
        {
            float scale = (float)((random.NextDouble() + 0.1) * 0.01);
            scales[i] = grid.Scale == ScaleType.Float16 ? (float)(Half)scale : scale;
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
        return new QuantizedMatrix(grid, k, n, codes, scales, zeros);
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
