using Google.Protobuf;
using Lorq.Onnx;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting;

/// <summary>A tensor to be written: its header (name, dims, type) and the payload, made only when the file is written.</summary>
/// <param name="Header">The tensor without payload.</param>
/// <param name="Length">Bytes of the payload.</param>
/// <param name="Payload">Makes the payload; never called while only measuring.</param>
internal sealed record StoredTensor(TensorProto Header, long Length, Func<byte[]> Payload)
{
    /// <summary>Bytes this tensor takes as an entry of <c>GraphProto.initializer</c>.</summary>
    public long SerializedBytes => WireSize.Field(WireSize.WithRawData(Header, Length));
}

/// <summary>
/// Writes chains of nodes and the tensors they read into one scope. The same code runs to measure (names are placeholders of
/// the right length, payloads are never made) and to write.
/// </summary>
/// <param name="nextName">Gives a new tensor name.</param>
/// <param name="shared">Small constants that several chains of the scope read.</param>
internal sealed class ChainBuilder(Func<string> nextName, SharedConstants shared)
{
    /// <summary>The nodes so far, in topological order.</summary>
    public List<NodeProto> Nodes { get; } = [];

    /// <summary>The tensors so far, without the shared ones.</summary>
    public List<StoredTensor> Tensors { get; } = [];

    /// <summary>Serialized bytes of nodes and tensors, without shared constants.</summary>
    public long SerializedBytes => Nodes.Sum(n => WireSize.Field(n.CalculateSize())) + Tensors.Sum(t => t.SerializedBytes);

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

    /// <summary>Moves the most recent node's output to a given name (the chain's final tensor takes a name others already read).</summary>
    public void RenameLastOutput(string name) => Nodes[^1].Output[0] = name;
}

/// <summary>Attributes of nodes.</summary>
internal static class Attributes
{
    public static AttributeProto Int(string name, long value) =>
        new()
        {
            Name = name,
            I = value,
            Type = AttributeProto.Types.AttributeType.Int,
        };

    public static AttributeProto Float(string name, float value) =>
        new()
        {
            Name = name,
            F = value,
            Type = AttributeProto.Types.AttributeType.Float,
        };

    public static AttributeProto Ints(string name, params long[] values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
        attribute.Ints.AddRange(values);
        return attribute;
    }

    public static AttributeProto String(string name, string value) =>
        new()
        {
            Name = name,
            S = ByteString.CopyFromUtf8(value),
            Type = AttributeProto.Types.AttributeType.String,
        };

    public static AttributeProto Tensor(string name, TensorProto value) =>
        new()
        {
            Name = name,
            T = value,
            Type = AttributeProto.Types.AttributeType.Tensor,
        };

    /// <summary>An integer attribute or its default.</summary>
    public static long GetInt(NodeProto node, string name, long fallback) => Find(node, name) is { HasI: true } a ? a.I : fallback;

    /// <summary>A float attribute or its default.</summary>
    public static float GetFloat(NodeProto node, string name, float fallback) => Find(node, name) is { HasF: true } a ? a.F : fallback;

    /// <summary>A string attribute or its default.</summary>
    public static string GetString(NodeProto node, string name, string fallback) =>
        Find(node, name) is { HasS: true } a ? a.S.ToStringUtf8() : fallback;

    /// <summary>An integer list attribute, or null when absent.</summary>
    public static long[]? GetInts(NodeProto node, string name) => Find(node, name) is { } a ? [.. a.Ints] : null;

    /// <summary>The attribute of that name, or null.</summary>
    public static AttributeProto? Find(NodeProto node, string name) => node.Attribute.FirstOrDefault(a => a.Name == name);

    /// <summary>Removes an attribute if it is there.</summary>
    public static void Remove(NodeProto node, string name)
    {
        if (Find(node, name) is { } attribute)
        {
            node.Attribute.Remove(attribute);
        }
    }
}
