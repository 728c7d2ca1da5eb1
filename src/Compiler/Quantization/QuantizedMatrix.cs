using System.Numerics.Tensors;

namespace Lorq.Quantization;

/// <summary>A K×N matrix as codes on a grid.</summary>
/// <param name="Grid">The grid.</param>
/// <param name="K">Rows.</param>
/// <param name="N">Columns.</param>
/// <param name="Codes">One code per byte, row-major K×N, each below 2^bits.</param>
/// <param name="Scales">Row-major blocks×N, already rounded to the grid's scale type.</param>
/// <param name="ZeroPoints">Row-major blocks×N, each below 2^bits; null when the grid is symmetric (then 2^(bits−1)).</param>
/// <param name="ScaleFactors">
/// Of 8-bit scales, N fp16 numbers: the scales of a column are whole multiples of its factor, −127 to 127 times. Null for other types.
/// </param>
public sealed record QuantizedMatrix(
    QuantizationGrid Grid,
    int K,
    int N,
    byte[] Codes,
    float[] Scales,
    byte[]? ZeroPoints,
    float[]? ScaleFactors = null
)
{
    /// <summary>The values the codes stand for, row-major K×N: exactly what the emitted nodes compute, in fp32.</summary>
    public float[] Dequantize()
    {
        var values = new float[K * N];
        var zeros = new float[N];
        int length = Grid.BlockLength(K);
        for (int k = 0; k < K; k++)
        {
            int block = k / length;
            ReadOnlySpan<float> scales = Scales.AsSpan(block * N, N);
            ReadOnlySpan<byte> codes = Codes.AsSpan(k * N, N);
            Span<float> row = values.AsSpan(k * N, N);
            if (Grid.Kind == GridKind.NormalFloat)
            {
                ReadOnlySpan<float> codebook = NormalFloat.Codebook(Grid.Bits);
                for (int n = 0; n < row.Length; n++)
                {
                    row[n] = codebook[codes[n]] * scales[n];
                }
                continue;
            }
            if (k % length == 0)
            {
                if (ZeroPoints is null)
                {
                    Array.Fill(zeros, Grid.Levels / 2);
                }
                else
                {
                    TensorPrimitives.ConvertTruncating<byte, float>(ZeroPoints.AsSpan(block * N, N), zeros);
                }
            }
            TensorPrimitives.ConvertTruncating<byte, float>(codes, row);
            TensorPrimitives.Subtract(row, zeros, row);
            TensorPrimitives.Multiply(row, scales, row);
        }
        return values;
    }

    /// <summary>Puts matrices of equal K and equal grid side by side (groups, column segments).</summary>
    /// <exception cref="ArgumentException">No parts, or parts of different height or grid.</exception>
    public static QuantizedMatrix Concatenate(IReadOnlyList<QuantizedMatrix> parts)
    {
        if (parts.Count == 0 || parts.Any(p => p.K != parts[0].K || p.Grid != parts[0].Grid))
        {
            throw new ArgumentException("The parts need the same number of rows and the same grid.", nameof(parts));
        }
        QuantizedMatrix first = parts[0];
        int n = parts.Sum(p => p.N);
        int blocks = first.Grid.BlockCount(first.K);
        var codes = new byte[first.K * n];
        var scales = new float[blocks * n];
        byte[]? zeroPoints = first.ZeroPoints is null ? null : new byte[blocks * n];
        int start = 0;
        foreach (QuantizedMatrix part in parts)
        {
            Copy<byte>(part.Codes, 0, part.N, codes, start, n, part.N, first.K);
            Copy<float>(part.Scales, 0, part.N, scales, start, n, part.N, blocks);
            if (zeroPoints is not null)
            {
                Copy<byte>(part.ZeroPoints, 0, part.N, zeroPoints, start, n, part.N, blocks);
            }
            start += part.N;
        }
        float[]? factors = first.ScaleFactors is null ? null : [.. parts.SelectMany(p => p.ScaleFactors!)];
        return new QuantizedMatrix(first.Grid, first.K, n, codes, scales, zeroPoints, factors);
    }

    /// <summary>The columns [start, start + count).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The columns do not all exist.</exception>
    public QuantizedMatrix Columns(int start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, N - start);
        int blocks = Grid.BlockCount(K);
        var codes = new byte[K * count];
        var scales = new float[blocks * count];
        byte[]? zeroPoints = ZeroPoints is null ? null : new byte[blocks * count];
        Copy<byte>(Codes, start, N, codes, 0, count, count, K);
        Copy<float>(Scales, start, N, scales, 0, count, count, blocks);
        if (zeroPoints is not null)
        {
            Copy<byte>(ZeroPoints, start, N, zeroPoints, 0, count, count, blocks);
        }
        return new QuantizedMatrix(Grid, K, count, codes, scales, zeroPoints, ScaleFactors?.AsSpan(start, count).ToArray());
    }

    /// <summary>Copies a run of columns between row-major matrices.</summary>
    private static void Copy<T>(
        ReadOnlySpan<T> from,
        int fromColumn,
        int fromStride,
        Span<T> to,
        int toColumn,
        int toStride,
        int columns,
        int rows
    )
    {
        for (int row = 0; row < rows; row++)
        {
            from.Slice(row * fromStride + fromColumn, columns).CopyTo(to.Slice(row * toStride + toColumn, columns));
        }
    }
}
