using Lorq.Onnx;

namespace Lorq.Rewriting;

/// <summary>Sizes on the protobuf wire: what a message costs as an element of a repeated field.</summary>
internal static class WireSize
{
    /// <summary>Bytes of a length-delimited field with a tag of one byte (field numbers below 16) and this content length.</summary>
    public static long Field(long length) => 1 + Varint(length) + length;

    /// <summary>Bytes of a tensor whose header carries no payload, once <c>raw_data</c> of the given length is added.</summary>
    public static long WithRawData(TensorProto header, long length) => header.CalculateSize() + Field(length);

    private static int Varint(long value)
    {
        int bytes = 1;
        for (ulong v = (ulong)value; v >= 0x80; v >>= 7)
        {
            bytes++;
        }
        return bytes;
    }
}
