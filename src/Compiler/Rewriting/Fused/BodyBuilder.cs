using System.Runtime.InteropServices;
using Google.Protobuf;
using Lorq.Onnx;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting.Fused;

/// <summary>Writes the nodes of a model-local function; tensors get short names, equal constants are written once.</summary>
internal sealed class BodyBuilder
{
    private readonly FunctionProto function;
    private readonly Dictionary<string, string> constants = [];
    private int names;

    /// <summary>Starts a function.</summary>
    /// <param name="variant">What it is the body of.</param>
    /// <param name="inputs">Names of its inputs, by slot.</param>
    /// <param name="attributes">Names of the attributes that nodes carry.</param>
    public BodyBuilder(OperatorVariant variant, IEnumerable<string> inputs, IEnumerable<string> attributes)
    {
        function = new FunctionProto
        {
            Name = variant.Operator,
            Domain = OperatorVariant.Domain,
            Overload = variant.Overload,
        };
        function.Input.AddRange(inputs);
        function.Attribute.AddRange(attributes);
        function.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = variant.Opset });
    }

    /// <summary>Ends the function with its one output.</summary>
    public FunctionProto Returning(string output)
    {
        function.Output.Add(output);
        return function;
    }

    /// <summary>Adds a node with one output; the answer is the output's name.</summary>
    public string Add(string operation, string[] inputs, params AttributeProto[] attributes)
    {
        var node = new NodeProto { OpType = operation };
        node.Input.AddRange(inputs);
        string output = Name(names++);
        node.Output.Add(output);
        node.Attribute.AddRange(attributes);
        function.Node.Add(node);
        return output;
    }

    /// <summary>Cuts an axis into parts.</summary>
    /// <param name="tensor">What to cut.</param>
    /// <param name="lengths">An int64 vector.</param>
    /// <param name="count">How many there are.</param>
    /// <param name="axis">The axis.</param>
    public string[] Split(string tensor, string lengths, int count, long axis = 0)
    {
        string first = Add("Split", [tensor, lengths], axis == 0 ? [] : [Attributes.Int("axis", axis)]);
        NodeProto node = function.Node[^1];
        string[] parts = [first, .. Enumerable.Range(1, count - 1).Select(_ => Name(names++))];
        node.Output.AddRange(parts[1..]);
        return parts;
    }

    /// <summary>Casts to a type.</summary>
    public string Cast(string tensor, DataType type) => Add("Cast", [tensor], Attributes.Int("to", (long)type));

    /// <summary>A uint8 tensor.</summary>
    public string Bytes(long[] dims, params byte[] values) => Constant(DataType.Uint8, dims, values);

    /// <summary>An int64 vector.</summary>
    public string Int64s(params long[] values) => Constant(DataType.Int64, [values.Length], MemoryMarshal.AsBytes<long>(values).ToArray());

    /// <summary>An int64 scalar.</summary>
    public string Int64(long value) => Constant(DataType.Int64, [], BitConverter.GetBytes(value));

    /// <summary>An fp32 scalar.</summary>
    public string Float(float value) => Constant(DataType.Float, [], BitConverter.GetBytes(value));

    /// <summary>The calling node's integer attribute as an int64 scalar.</summary>
    public string Attribute(string name) =>
        Once(
            $"@{name}",
            new AttributeProto
            {
                Name = "value_int",
                RefAttrName = name,
                Type = AttributeProto.Types.AttributeType.Int,
            }
        );

    private string Constant(DataType type, long[] dims, byte[] payload)
    {
        var value = new TensorProto { DataType = (int)type, RawData = ByteString.CopyFrom(payload) };
        value.Dims.AddRange(dims);
        return Once($"{type}[{string.Join(',', dims)}]{Convert.ToHexString(payload)}", Attributes.Tensor("value", value));
    }

    private string Once(string key, AttributeProto value)
    {
        if (!constants.TryGetValue(key, out string? name))
        {
            name = Add("Constant", [], value);
            constants.Add(key, name);
        }
        return name;
    }

    // a … z, a1 … z1, …, without what could be the input x, l1 or l2.
    private static string Name(int index)
    {
        const string Letters = "abcdefghijkmnopqrstuvwyz";
        int round = index / Letters.Length;
        return Letters[index % Letters.Length] + (round == 0 ? "" : round.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }
}
