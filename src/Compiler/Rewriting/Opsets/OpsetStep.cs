using Lorq.Models;
using Lorq.Onnx;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting.Opsets;

/// <summary>The conversion of one scope: what a rule may ask and do.</summary>
internal sealed class OpsetStep(OnnxModel model, GraphScope scope, long from, long to, NameSource names, bool singlePrecision)
{
    private readonly SharedConstants shared = new(names.Next);
    private readonly List<NodeProto> written = [];
    private bool wroteCurrent;

    /// <summary>The scope being converted.</summary>
    public GraphScope Scope => scope;

    /// <summary>True when the conversion passes this version, in which something changed.</summary>
    public bool Passes(int version) => from < version && version <= to;

    /// <summary>Converts every node; the answer is the reason of the first refusal.</summary>
    public string? ConvertAll()
    {
        foreach (NodeProto node in scope.Nodes)
        {
            string? refusal = Convert(node);
            if (refusal is not null)
            {
                string name = node.Name.Length > 0 ? node.Name : node.Output.FirstOrDefault() ?? "";
                return $"{node.OpType} node '{name}': {refusal}";
            }
        }
        scope.Nodes.Clear();
        written.ForEach(scope.Nodes.Add);
        foreach (StoredTensor tensor in shared.Tensors)
        {
            scope.Graph!.Initializer.Add(tensor.Write(model));
        }
        return null;
    }

    /// <summary>Puts a new node with one output before whatever is written next; the answer is the output's name.</summary>
    public string Insert(string operation, string[] inputs, params AttributeProto[] attributes)
    {
        var node = new NodeProto { OpType = operation };
        node.Input.AddRange(inputs);
        node.Output.Add(names.Next());
        node.Attribute.AddRange(attributes);
        written.Add(node);
        return node.Output[0];
    }

    /// <summary>Writes the node being converted here, so that what is inserted later comes after it.</summary>
    public void Write(NodeProto node)
    {
        written.Add(node);
        wroteCurrent = true;
    }

    /// <summary>A new tensor name.</summary>
    public string NewName() => names.Next();

    /// <summary>An int64 vector.</summary>
    public string Int64s(params long[] values) =>
        shared.Get(DataType.Int64, [values.Length], [.. values.SelectMany(BitConverter.GetBytes)]);

    /// <summary>An int64 scalar.</summary>
    public string Int64(long value) => shared.Get(DataType.Int64, [], BitConverter.GetBytes(value));

    /// <summary>An fp32 vector.</summary>
    public string Floats(params float[] values) =>
        shared.Get(DataType.Float, [values.Length], [.. values.SelectMany(BitConverter.GetBytes)]);

    /// <summary>A scalar of a float tensor's element type; null when that type is not known.</summary>
    public string? ScalarLike(string tensor, float value) =>
        ElementType(tensor) switch
        {
            DataType.Float => shared.Get(DataType.Float, [], BitConverter.GetBytes(value)),
            DataType.Float16 => shared.Get(DataType.Float16, [], BitConverter.GetBytes((Half)value)),
            DataType.Double => shared.Get(DataType.Double, [], BitConverter.GetBytes((double)value)),
            _ => null,
        };

    private DataType? ElementType(string tensor) => scope.ElementType(tensor) ?? (singlePrecision ? DataType.Float : null);

    private string? Convert(NodeProto node)
    {
        if (!OpsetConverter.IsDefault(node.Domain) || OperatorTable.IsCompatible(node.OpType))
        {
            written.Add(node);
            return null;
        }
        if (!OperatorTable.Rules.TryGetValue(node.OpType, out OpsetRule? rule))
        {
            return "the operator is not in the opset converter's table";
        }
        wroteCurrent = false;
        string? refusal = rule(this, node);
        if (!wroteCurrent)
        {
            written.Add(node);
        }
        return refusal;
    }
}
