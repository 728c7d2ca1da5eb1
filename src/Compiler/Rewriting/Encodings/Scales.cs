using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting.Encodings;

/// <summary>Scales, stored in the grid's type, cast to the type the node wants and adjusted to the lane and block of the node.</summary>
internal static class Scales
{
    /// <summary>Adds the payload and its chain; the answer names a tensor of the given dims (or the repeated dims) in <paramref name="type"/>.</summary>
    /// <param name="builder">Where to write.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="dims">Dims of the stored scales.</param>
    /// <param name="blocks">Which of them counts the blocks of a column; −1 where there is one.</param>
    /// <param name="order">The order they are stored in.</param>
    /// <param name="type">fp32 or fp16: what the reader wants.</param>
    /// <param name="exponent">The scales are multiplied by 2^−exponent: codes justified high in a wider lane stand for less each.</param>
    public static string Emit(
        ChainBuilder builder,
        WeightSegment segment,
        long[] dims,
        int blocks,
        StorageOrder order,
        DataType type,
        int exponent = 0
    )
    {
        DataType stored = segment.ScaleType;
        string scales = builder.Store(stored, dims, segment.ScaleLength, () => segment.ScaleBytes(order));
        if (segment.Grid.HasScaleFactors)
        {
            long[] perColumn = [.. dims.Select((d, axis) => axis == blocks ? 1 : d)];
            string factors = builder.Store(
                DataType.Float16,
                perColumn,
                segment.Columns * sizeof(short),
                () => segment.ScaleFactorBytes(order)
            );
            // In fp32, where the product is what the quantizer rounded with.
            scales = builder.Add("Mul", [builder.Cast(scales, DataType.Float), builder.Cast(factors, DataType.Float)]);
            stored = DataType.Float;
        }
        if (exponent != 0)
        {
            // In fp32: half a subnormal fp16 scale would lose a bit.
            string wide = stored == DataType.Float ? scales : builder.Cast(scales, DataType.Float);
            string scaled = builder.Add("Mul", [wide, builder.SharedFloat(MathF.ScaleB(1, -exponent))]);
            return type == DataType.Float ? scaled : builder.Cast(scaled, type);
        }
        return stored == type ? scales : builder.Cast(scales, type);
    }

    /// <summary>Repeats [N, blocks] along the blocks so that every block of <paramref name="length"/> weights finds its scale.</summary>
    /// <param name="builder">Where to write.</param>
    /// <param name="tensor">[N, blocks] of any type.</param>
    /// <param name="segment">The segment whose blocks these are.</param>
    /// <param name="length">The shorter block.</param>
    /// <param name="count">How many of them a column has.</param>
    public static string Repeat(ChainBuilder builder, string tensor, WeightSegment segment, int length, int count)
    {
        if (segment.Blocks == count)
        {
            return tensor;
        }
        return segment.Blocks == 1
            ? builder.Add("Expand", [tensor, builder.SharedInt64(1, count)])
            : builder.Add("Gather", [tensor, Indices(builder, segment, length, 0, 1, count)], Attributes.Int("axis", 1));
    }

    /// <summary>The shared int32 index of the segment's block for the short blocks first, first + step, … (count of them).</summary>
    public static string Indices(ChainBuilder builder, WeightSegment segment, int length, int first, int step, int count)
    {
        var bytes = new List<byte>(4 * count);
        for (int i = 0; i < count; i++)
        {
            int block = Math.Min((int)((long)(first + (i * step)) * length / segment.BlockLength), segment.Blocks - 1);
            bytes.AddRange(BitConverter.GetBytes(block));
        }
        return builder.Shared(DataType.Int32, [count], [.. bytes]);
    }
}
