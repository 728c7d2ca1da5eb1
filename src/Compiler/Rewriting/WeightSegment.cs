using System.Runtime.InteropServices;
using Lorq.Quantization;

namespace Lorq.Rewriting;

/// <summary>A run of columns on one grid: its shape, and its values when there are any (none while only measuring bytes).</summary>
/// <param name="Grid">The grid.</param>
/// <param name="K">Weights per column.</param>
/// <param name="Columns">Columns.</param>
/// <param name="Matrix">The codes; null while measuring.</param>
internal sealed record WeightSegment(QuantizationGrid Grid, int K, int Columns, QuantizedMatrix? Matrix)
{
    /// <summary>The segments of a compressed weight.</summary>
    public static IReadOnlyList<WeightSegment> Of(CompressedWeight weight) =>
        [.. weight.Segments.Select(m => new WeightSegment(m.Grid, m.K, m.N, m))];

    /// <summary>Blocks per column.</summary>
    public int Blocks => Grid.BlockCount(K);

    /// <summary>Weights per block (the last of a column may have fewer).</summary>
    public int BlockLength => Grid.BlockLength(K);

    /// <summary>True when a zero point per block is stored.</summary>
    public bool HasZeroPoints => Grid.Kind == GridKind.Integer && !Grid.Symmetric;

    /// <summary>The codes in the given order, one per byte.</summary>
    public byte[] Codes(StorageOrder order) => order.Apply(Values.Codes, K, Columns);

    /// <summary>The zero points in the given order, one per byte.</summary>
    public byte[] ZeroPoints(StorageOrder order) => order.Apply(Values.ZeroPoints!, Blocks, Columns);

    /// <summary>The scales in the given order, little-endian in the grid's type.</summary>
    public byte[] ScaleBytes(StorageOrder order) => ToBytes(order.Apply(Values.Scales, Blocks, Columns));

    /// <summary>Bytes per stored scale.</summary>
    public int ScaleSize => Grid.Scale == ScaleType.Float16 ? 2 : 4;

    /// <summary>The values; only while writing.</summary>
    public QuantizedMatrix Values => Matrix ?? throw new InvalidOperationException("A measured segment has no values.");

    private byte[] ToBytes(float[] scales)
    {
        if (Grid.Scale == ScaleType.Float32)
        {
            return MemoryMarshal.AsBytes<float>(scales).ToArray();
        }
        var halves = new Half[scales.Length];
        System.Numerics.Tensors.TensorPrimitives.ConvertToHalf(scales, halves);
        return MemoryMarshal.AsBytes<Half>(halves).ToArray();
    }
}
