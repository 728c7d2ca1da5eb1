using Lorq.Models;
using Lorq.Onnx;

namespace Lorq.Rewriting;

/// <summary>A tensor to be written: its header (name, dims, type) and the payload, made only when the file is written.</summary>
/// <param name="Header">The tensor without payload.</param>
/// <param name="Length">Bytes of the payload.</param>
/// <param name="Payload">Makes the payload; never called while only measuring.</param>
internal sealed record StoredTensor(TensorProto Header, long Length, Func<byte[]> Payload)
{
    /// <summary>Bytes it takes in the file: as an initializer of a graph, or as a Constant node of a function (which has no initializers).</summary>
    public long SerializedBytes(bool inFunction)
    {
        long tensor = WireSize.WithRawData(Header, Length);
        if (!inFunction)
        {
            return WireSize.Field(tensor);
        }
        NodeProto node = ConstantNode(new TensorProto());
        long emptyAttribute = node.Attribute[0].CalculateSize();
        long attribute = emptyAttribute - WireSize.Field(0) + WireSize.Field(tensor);
        return WireSize.Field(node.CalculateSize() - WireSize.Field(emptyAttribute) + WireSize.Field(attribute));
    }

    /// <summary>The tensor with its payload attached.</summary>
    public TensorProto Write(OnnxModel model)
    {
        TensorProto tensor = Header.Clone();
        byte[] payload = Payload();
        if (payload.LongLength != Length)
        {
            throw new InvalidOperationException($"Tensor {Header.Name}: {payload.LongLength} bytes, {Length} announced.");
        }
        model.Attach(tensor, payload);
        return tensor;
    }

    /// <summary>A Constant node that carries a tensor under this one's name.</summary>
    public NodeProto ConstantNode(TensorProto tensor)
    {
        var node = new NodeProto { OpType = "Constant" };
        node.Output.Add(Header.Name);
        node.Attribute.Add(Attributes.Tensor("value", tensor));
        return node;
    }
}
