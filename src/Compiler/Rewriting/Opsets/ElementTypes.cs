using Lorq.Models;
using Lorq.Onnx;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting.Opsets;

/// <summary>What can be said about element types without inferring them.</summary>
internal static class ElementTypes
{
    private static readonly HashSet<int> OtherFloats = [(int)DataType.Float16, (int)DataType.Bfloat16, (int)DataType.Double];

    /// <summary>True when no tensor, declaration or operator of the model brings in a float type other than fp32.</summary>
    public static bool IsSinglePrecisionOnly(OnnxModel model) => model.Scopes.All(s => !Brings(s));

    private static bool Brings(GraphScope scope)
    {
        IEnumerable<int> declared =
            scope.Graph?.Input.Concat(scope.Graph.Output).Concat(scope.Graph.ValueInfo).Select(v => v.Type?.TensorType?.ElemType ?? 0)
            ?? [];
        return declared.Any(OtherFloats.Contains)
            || (scope.Graph?.Initializer.Any(t => OtherFloats.Contains(t.DataType)) ?? false)
            || scope.Nodes.Any(Brings);
    }

    private static bool Brings(NodeProto node) =>
        node.Attribute.Any(a =>
            (a.Name is "to" or "dtype" or "output_datatype" && OtherFloats.Contains((int)a.I))
            || (a.T is { } tensor && OtherFloats.Contains(tensor.DataType))
        );
}
