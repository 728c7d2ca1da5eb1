namespace Lorq.Quantization;

/// <summary>A K×N matrix as codes on a grid.</summary>
/// <param name="Grid">The grid.</param>
/// <param name="K">Rows.</param>
/// <param name="N">Columns.</param>
/// <param name="Codes">One code per byte, row-major K×N, each below 2^bits.</param>
/// <param name="Scales">Row-major blocks×N, already rounded to the grid's scale type.</param>
/// <param name="ZeroPoints">Row-major blocks×N, each below 2^bits; null when the grid is symmetric (then 2^(bits−1)).</param>
public sealed record QuantizedMatrix(QuantizationGrid Grid, int K, int N, byte[] Codes, float[] Scales, byte[]? ZeroPoints)
{
    /// <summary>The values the codes stand for, row-major K×N: exactly what the emitted nodes compute, in fp32.</summary>
    public float[] Dequantize() => throw new NotImplementedException();

    /// <summary>Puts matrices of equal K and equal grid side by side (groups, column segments).</summary>
    public static QuantizedMatrix Concatenate(IReadOnlyList<QuantizedMatrix> parts) => throw new NotImplementedException();

    /// <summary>The columns [start, start + count).</summary>
    public QuantizedMatrix Columns(int start, int count) => throw new NotImplementedException();
}
