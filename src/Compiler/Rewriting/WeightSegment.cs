using System.Runtime.InteropServices;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Rewriting.Encodings;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

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
    public bool HasZeroPoints => Grid.HasZeroPoint;

    /// <summary>True when their number is no multiple of 8, so that what is stored packed ends in padding.</summary>
    public bool HasPaddedZeroPoints => HasZeroPoints && (long)Blocks * Columns % CodePacking.Granule != 0;

    /// <summary>The codes in the given order, one per byte.</summary>
    public byte[] Codes(StorageOrder order) => order.Apply(Values.Codes, K, Columns);

    /// <summary>The zero points in the given order, one per byte.</summary>
    public byte[] ZeroPoints(StorageOrder order) => order.Apply(Values.ZeroPoints!, Blocks, Columns);

    /// <summary>The element type of the stored scales.</summary>
    public DataType ScaleType =>
        Grid.Scale switch
        {
            Quantization.ScaleType.Float16 => DataType.Float16,
            Quantization.ScaleType.Int8 => DataType.Int8,
            _ => DataType.Float,
        };

    /// <summary>Bytes of the stored scales, without their factors.</summary>
    public long ScaleLength => (long)Blocks * Columns * TensorLayout.Bits(ScaleType)!.Value / 8;

    /// <summary>The scales in the given order, little-endian in their type.</summary>
    public byte[] ScaleBytes(StorageOrder order)
    {
        float[] scales = Grid.HasScaleFactors ? Multiples() : Values.Scales;
        float[] ordered = order.Apply(scales, Blocks, Columns);
        return Grid.HasScaleFactors
            ? MemoryMarshal.AsBytes<sbyte>(Array.ConvertAll(ordered, scale => (sbyte)scale)).ToArray()
            : FloatConversion.ToBytes(ordered, ScaleType);
    }

    /// <summary>The factors of the scales in the given order, as fp16.</summary>
    public byte[] ScaleFactorBytes(StorageOrder order) =>
        FloatConversion.ToBytes(order.Apply(Values.ScaleFactors!, 1, Columns), DataType.Float16);

    /// <summary>The values; only while writing.</summary>
    public QuantizedMatrix Values => Matrix ?? throw new InvalidOperationException("A measured segment has no values.");

    private float[] Multiples()
    {
        var multiples = new float[Values.Scales.Length];
        for (int i = 0; i < multiples.Length; i++)
        {
            float factor = Values.ScaleFactors![i % Columns];
            multiples[i] = factor == 0 ? 0 : MathF.Round(Values.Scales[i] / factor);
        }
        return multiples;
    }
}
