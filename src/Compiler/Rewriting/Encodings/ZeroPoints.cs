using Google.Protobuf;
using Lorq.Onnx;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting.Encodings;

/// <summary>Zero points for nodes that read them packed in lanes beside packed codes, one per block.</summary>
internal static class ZeroPoints
{
    /// <summary>Adds the stored zero points (b bits each) and their chain; the answer names uint8 [N, ⌈blocks·lane/8⌉].</summary>
    /// <param name="builder">Where to write.</param>
    /// <param name="segment">The segment; it has zero points.</param>
    /// <param name="lane">Bits per lane of the node: 4 or 8.</param>
    /// <param name="block">Weights per block of the node.</param>
    /// <param name="blocks">Blocks per column of the node; more than the segment's when its blocks are longer.</param>
    public static string Emit(ChainBuilder builder, WeightSegment segment, int lane, int block, int blocks)
    {
        int bits = segment.Grid.Bits;
        int own = segment.Blocks;
        if (own == blocks)
        {
            long[] dims = [segment.Columns, (blocks * lane + 7) / 8];
            return BitPlanes.Emit(builder, bits, lane, Justify.High, dims, () => Pack(lane));
        }
        string bytes = BitPlanes.Emit(
            builder,
            bits,
            8,
            lane == 8 ? Justify.High : Justify.Low,
            [segment.Columns, own],
            () => segment.ZeroPoints(StorageOrder.Columns)
        );
        if (lane == 8)
        {
            return Scales.Repeat(builder, bytes, segment, block, blocks);
        }
        // Repeat and pack in one step: the even and the odd short blocks, each shifted to its nibble.
        int pairs = (blocks + 1) / 2;
        string even = Shifted(Pick(0), lane - bits);
        string odd = Shifted(Pick(1), 2 * lane - bits);
        return builder.Add("BitwiseOr", [even, odd]);

        byte[] Pack(int width) => BitPlanes.PackLanes(segment.ZeroPoints(StorageOrder.Columns), own, own, width);

        string Pick(int first) =>
            builder.Add("Gather", [bytes, Scales.Indices(builder, segment, block, first, 2, pairs)], Attributes.Int("axis", 1));

        string Shifted(string tensor, int amount) =>
            amount == 0
                ? tensor
                : builder.Add("BitShift", [tensor, builder.SharedByte((byte)amount)], Attributes.String("direction", "LEFT"));
    }

    /// <summary>Zero points in the middle of the lane, made from nothing at load: uint8 [N, ⌈blocks·lane/8⌉].</summary>
    public static string Middle(ChainBuilder builder, int columns, int lane, int blocks)
    {
        var value = new TensorProto { DataType = (int)DataType.Uint8, RawData = ByteString.CopyFrom(lane == 8 ? (byte)0x80 : (byte)0x88) };
        value.Dims.Add(1);
        return builder.Add("ConstantOfShape", [builder.SharedInt64(columns, (blocks * lane + 7) / 8)], Attributes.Tensor("value", value));
    }
}
