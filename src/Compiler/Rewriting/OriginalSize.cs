using Lorq.Models;
using Lorq.Onnx;

namespace Lorq.Rewriting;

/// <summary>Serialized sizes of parts of a loaded model, whose large payloads stand outside the protobuf messages.</summary>
internal static class OriginalSize
{
    /// <summary>Bytes of a tensor message as written, payload included (wherever it is stored).</summary>
    public static long Of(OnnxModel model, TensorProto tensor)
    {
        long size = tensor.CalculateSize();
        bool typed =
            tensor.FloatData.Count > 0
            || tensor.Int32Data.Count > 0
            || tensor.Int64Data.Count > 0
            || tensor.DoubleData.Count > 0
            || tensor.Uint64Data.Count > 0;
        if (typed)
        {
            return size;
        }
        // raw_data may hold a reference in place of the payload.
        long header = tensor.HasRawData ? size - WireSize.Field(tensor.RawData.Length) : size;
        long payload = model.ReadBytes(tensor).Length;
        return tensor.DataLocation == TensorProto.Types.DataLocation.External ? header + payload : header + WireSize.Field(payload);
    }

    /// <summary>Bytes of a node message as written, with the tensors in its attributes.</summary>
    public static long Of(OnnxModel model, NodeProto node)
    {
        long bytes = node.CalculateSize();
        foreach (AttributeProto attribute in node.Attribute)
        {
            if (attribute.T is not { } tensor)
            {
                continue;
            }
            long bare = attribute.CalculateSize();
            long full = bare - WireSize.Field(tensor.CalculateSize()) + WireSize.Field(Of(model, tensor));
            bytes += WireSize.Field(full) - WireSize.Field(bare);
        }
        return bytes;
    }
}
