using Lorq.Onnx;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting;

/// <summary>
/// Writes chains of nodes and the tensors they read into one scope. The same code runs to measure (names are placeholders of
/// the right length, payloads are never made) and to write.
/// </summary>
/// <param name="nextName">Gives a new tensor name.</param>
/// <param name="shared">Small constants that several chains of the scope read.</param>
/// <param name="opset">The default-domain opset the nodes are written for.</param>
internal sealed class ChainBuilder(Func<string> nextName, SharedConstants shared, long opset)
{
    /// <summary>The default-domain opset the nodes are written for.</summary>
    public long Opset { get; } = opset;

    /// <summary>The nodes so far, in topological order.</summary>
    public List<NodeProto> Nodes { get; } = [];

    /// <summary>The tensors so far, without the shared ones.</summary>
    public List<StoredTensor> Tensors { get; } = [];

    /// <summary>A new name.</summary>
    public string NewName() => nextName();

    /// <summary>Stores a tensor; the answer is its name.</summary>
    public string Store(DataType type, long[] dims, long length, Func<byte[]> payload)
    {
        var header = new TensorProto { Name = nextName(), DataType = (int)type };
        header.Dims.AddRange(dims);
        Tensors.Add(new StoredTensor(header, length, payload));
        return header.Name;
    }

    /// <summary>A small constant, shared with every chain of the scope that asks for the same one.</summary>
    public string Shared(DataType type, long[] dims, byte[] payload) => shared.Get(type, dims, payload);

    /// <summary>A shared int64 vector (a shape, axes, …).</summary>
    public string SharedInt64(params long[] values) =>
        Shared(DataType.Int64, [values.Length], [.. values.SelectMany(BitConverter.GetBytes)]);

    /// <summary>A shared uint8 scalar.</summary>
    public string SharedByte(byte value) => Shared(DataType.Uint8, [], [value]);

    /// <summary>A shared fp32 scalar.</summary>
    public string SharedFloat(float value) => Shared(DataType.Float, [], BitConverter.GetBytes(value));

    /// <summary>Adds a node with one output; the answer is the output's name.</summary>
    public string Add(string operation, string[] inputs, params AttributeProto[] attributes) =>
        AddTo(nextName(), operation, inputs, attributes);

    /// <summary>Adds a node that writes a given tensor.</summary>
    public string AddTo(string output, string operation, string[] inputs, params AttributeProto[] attributes)
    {
        var node = new NodeProto { OpType = operation };
        node.Input.AddRange(inputs);
        node.Output.Add(output);
        node.Attribute.AddRange(attributes);
        Nodes.Add(node);
        return output;
    }

    /// <summary>Reshapes to fixed dims; the first is written as −1 so that tensors that differ only there share the constant.</summary>
    public string Reshape(string tensor, long[] dims)
    {
        long[] shape = [.. dims];
        if (shape.Length > 0 && shape.All(d => d > 0))
        {
            shape[0] = -1;
        }
        return Add("Reshape", [tensor, SharedInt64(shape)]);
    }

    /// <summary>Casts to a type.</summary>
    public string Cast(string tensor, DataType type) => Add("Cast", [tensor], Attributes.Int("to", (long)type));
}
