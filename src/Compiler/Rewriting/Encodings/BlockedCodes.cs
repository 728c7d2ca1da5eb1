using Google.Protobuf;
using Lorq.Onnx;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting.Encodings;

/// <summary>
/// Integer codes for <c>DequantizeLinear</c> in blocks along axis 0 of [K, N] (or one scale per column): int4, uint4, int8 and uint8
/// tensors stored as they are, other widths expanded at load to the next type.
/// </summary>
internal static class BlockedCodes
{
    /// <summary>The opset of blocked DequantizeLinear and of the 4-bit types.</summary>
    public const int RequiredOpset = 21;

    /// <summary>Adds the codes, scales and zero points; the answer is the dequantized [K, N] tensor's name.</summary>
    /// <param name="builder">Where to write.</param>
    /// <param name="segment">All columns.</param>
    /// <param name="type">Type of the scales and of the result: fp32 or fp16.</param>
    /// <param name="dequantize">Receives the DequantizeLinear node, to be placed before its reader.</param>
    public static string Emit(ChainBuilder builder, WeightSegment segment, DataType type, out NodeProto dequantize)
    {
        long k = segment.K;
        long n = segment.Columns;
        bool whole = segment.Blocks == 1;
        long[] scaleDims = whole ? [n] : [segment.Blocks, n];
        dequantize = new NodeProto { OpType = "DequantizeLinear" };
        dequantize.Input.Add(Codes(builder, segment, [k, n], Values));
        dequantize.Input.Add(Scales.Emit(builder, segment, scaleDims, whole ? -1 : 0, new StorageOrder(false, 1), type));
        if (segment.HasZeroPoints)
        {
            dequantize.Input.Add(Codes(builder, segment, scaleDims, () => segment.ZeroPoints(new StorageOrder(false, 1))));
        }
        else if (segment.Grid.Bits is not 4 and not 8)
        {
            dequantize.Input.Add(Middle(builder, segment, scaleDims));
        }
        if (whole)
        {
            dequantize.Attribute.Add(Attributes.Int("axis", 1));
        }
        else
        {
            dequantize.Attribute.Add(Attributes.Int("axis", 0));
            dequantize.Attribute.Add(Attributes.Int("block_size", segment.BlockLength));
        }
        string result = builder.NewName();
        dequantize.Output.Add(result);
        return result;

        byte[] Values() => segment.Codes(new StorageOrder(false, 1));
    }

    private static string Codes(ChainBuilder builder, WeightSegment segment, long[] dims, Func<byte[]> values)
    {
        int bits = segment.Grid.Bits;
        long count = dims.Aggregate(1L, (a, d) => a * d);
        bool signed = !segment.HasZeroPoints;
        switch (bits)
        {
            case 4:
                return builder.Store(signed ? DataType.Int4 : DataType.Uint4, dims, (count + 1) / 2, () => Nibbles(values(), signed));
            case 8:
                return builder.Store(signed ? DataType.Int8 : DataType.Uint8, dims, count, () => Bytes(values(), signed));
            default:
                string bytes = BitPlanes.Emit(builder, bits, 8, Justify.Low, dims, values);
                return bits < 4 ? builder.Cast(bytes, DataType.Uint4) : bytes;
        }
    }

    // The zero point of symmetric codes that are stored unsigned, made from nothing at load.
    private static string Middle(ChainBuilder builder, WeightSegment segment, long[] dims)
    {
        int bits = segment.Grid.Bits;
        var value = new TensorProto { DataType = (int)DataType.Uint8, RawData = ByteString.CopyFrom((byte)(1 << (bits - 1))) };
        value.Dims.Add(1);
        string bytes = builder.Add("ConstantOfShape", [builder.SharedInt64(dims)], Attributes.Tensor("value", value));
        return bits < 4 ? builder.Cast(bytes, DataType.Uint4) : bytes;
    }

    // Two's complement nibbles of code − 8 are the code with its highest bit flipped.
    private static byte[] Nibbles(byte[] codes, bool signed)
    {
        byte[] packed = BitPlanes.PackLanes(codes, codes.Length, codes.Length, 4);
        return signed ? Flip(packed, 0x88) : packed;
    }

    private static byte[] Bytes(byte[] codes, bool signed) => signed ? Flip(codes, 0x80) : codes;

    private static byte[] Flip(byte[] bytes, byte mask)
    {
        var flipped = new byte[bytes.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            flipped[i] = (byte)(bytes[i] ^ mask);
        }
        return flipped;
    }
}
