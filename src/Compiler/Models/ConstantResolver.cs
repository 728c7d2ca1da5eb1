using Lorq.Onnx;
using static Lorq.Onnx.TensorProto.Types;

namespace Lorq.Models;

/// <summary>
/// Finds the constants that nodes of one scope write: Constant nodes, and the operators that only rename, rearrange or convert
/// another constant. Goes once through the nodes in an order of evaluation, so no chain is too long and no graph too twisted.
/// </summary>
internal sealed class ConstantResolver(GraphScope scope)
{
    /// <summary>ONNX Runtime itself takes far fewer; keeps a forged shape tensor from making endless shapes.</summary>
    private const int MaximumRank = 64;

    /// <summary>Adds the constants to the scope.</summary>
    public void Resolve(IReadOnlyList<int> order)
    {
        foreach (int index in order)
        {
            NodeProto node = scope.Nodes[index];
            if (
                node.Output.Count == 1
                && node.Output[0].Length > 0
                && Operators.IsDefaultDomain(node.Domain)
                && !Operators.HasReferenceAttribute(node)
                && Constant(node) is { } constant
            )
            {
                scope.Constants[node.Output[0]] = constant;
            }
        }
    }

    private ConstantTensor? Constant(NodeProto node)
    {
        if (node.OpType == "Constant")
        {
            return Value(node) is { } tensor ? ConstantTensor.Stored(scope, node.Output[0], tensor, node, overridable: false) : null;
        }
        if (
            node.OpType is not ("Identity" or "Cast" or "Transpose" or "Reshape" or "Squeeze" or "Unsqueeze")
            || node.Input.Count == 0
            || scope.Constant(node.Input[0]) is not { } input
        )
        {
            return null;
        }
        switch (node.OpType)
        {
            case "Identity":
                return input.Then(node, [.. input.Shape]);
            case "Cast":
                var to = (DataType)Operators.Integer(node, "to", 0);
                bool floats = TensorLayout.IsFloat(to) && TensorLayout.IsFloat(input.ElementType);
                return floats ? input.Then(node, [.. input.Shape], to) : null;
            case "Transpose":
                int[]? order = TransposeOrder(node, input.Shape.Count);
                return order is null ? null : input.Then(node, [.. order.Select(axis => input.Shape[axis])], order: order);
            default:
                long[]? shape = node.OpType switch
                {
                    "Reshape" => Reshaped(node, input.Shape),
                    "Squeeze" => Squeezed(node, input.Shape),
                    _ => Unsqueezed(node, input.Shape),
                };
                return shape is null ? null : input.Then(node, shape);
        }
    }

    private static TensorProto? Value(NodeProto node)
    {
        if (node.Attribute.Count != 1)
        {
            return null;
        }
        AttributeProto attribute = node.Attribute[0];
        return attribute.Name switch
        {
            "value" => attribute.T,
            "value_float" => new TensorProto { DataType = (int)DataType.Float, FloatData = { attribute.F } },
            "value_floats" => new TensorProto
            {
                DataType = (int)DataType.Float,
                Dims = { attribute.Floats.Count },
                FloatData = { attribute.Floats },
            },
            "value_int" => new TensorProto { DataType = (int)DataType.Int64, Int64Data = { attribute.I } },
            "value_ints" => new TensorProto
            {
                DataType = (int)DataType.Int64,
                Dims = { attribute.Ints.Count },
                Int64Data = { attribute.Ints },
            },
            _ => null,
        };
    }

    private static int[]? TransposeOrder(NodeProto node, int rank)
    {
        if (Operators.Attribute(node, "perm") is not { } attribute)
        {
            return [.. Enumerable.Range(0, rank).Reverse()];
        }
        bool valid = attribute.Ints.Count == rank && attribute.Ints.Order().SequenceEqual(Enumerable.Range(0, rank).Select(i => (long)i));
        return valid ? [.. attribute.Ints.Select(axis => (int)axis)] : null;
    }

    private long[]? Reshaped(NodeProto node, IReadOnlyList<long> from)
    {
        if (Operand(node, 1) is not { } shape)
        {
            return null;
        }
        bool allowZero = Operators.Integer(node, "allowzero", 0) != 0;
        int inferred = -1;
        Int128 known = 1;
        for (int i = 0; i < shape.Length; i++)
        {
            if (shape[i] == 0 && !allowZero)
            {
                if (i >= from.Count)
                {
                    return null;
                }
                shape[i] = from[i];
            }
            if (shape[i] == -1 && inferred < 0)
            {
                inferred = i;
                continue;
            }
            if (shape[i] < 0)
            {
                return null;
            }
            known *= shape[i];
            if (known > long.MaxValue)
            {
                return null;
            }
        }
        Int128 count = Product(from);
        if (inferred >= 0)
        {
            if (known == 0 || count % known != 0)
            {
                return null;
            }
            shape[inferred] = (long)(count / known);
            return shape;
        }
        return known == count ? shape : null;
    }

    private long[]? Squeezed(NodeProto node, IReadOnlyList<long> from)
    {
        if (!HasAxes(node))
        {
            return [.. from.Where(d => d != 1)];
        }
        HashSet<int>? axes = Axes(node, from.Count);
        return axes is null || axes.Any(axis => from[axis] != 1) ? null : [.. from.Where((_, axis) => !axes.Contains(axis))];
    }

    private long[]? Unsqueezed(NodeProto node, IReadOnlyList<long> from)
    {
        int added = Operators.Attribute(node, "axes")?.Ints.Count ?? Operand(node, 1)?.Length ?? 0;
        if (added + from.Count > MaximumRank || Axes(node, from.Count + added) is not { } axes)
        {
            return null;
        }
        var shape = new long[from.Count + added];
        for (int axis = 0, next = 0; axis < shape.Length; axis++)
        {
            shape[axis] = axes.Contains(axis) ? 1 : from[next++];
        }
        return shape;
    }

    private static bool HasAxes(NodeProto node) =>
        Operators.Attribute(node, "axes") is not null || (node.Input.Count > 1 && node.Input[1].Length > 0);

    /// <summary>The axes of Squeeze and Unsqueeze, an attribute up to opset 12 and an input since: in range and without repetition, or null.</summary>
    private HashSet<int>? Axes(NodeProto node, int rank)
    {
        long[]? axes = Operators.Attribute(node, "axes") is { } attribute ? [.. attribute.Ints] : Operand(node, 1);
        var set = new HashSet<int>();
        foreach (long axis in axes ?? [])
        {
            long at = axis < 0 ? axis + rank : axis;
            if (at < 0 || at >= rank || !set.Add((int)at))
            {
                return null;
            }
        }
        return axes is null ? null : set;
    }

    /// <summary>A constant list of integers, the second input of Reshape, Squeeze and Unsqueeze; a caller must not be able to override it.</summary>
    private long[]? Operand(NodeProto node, int index) =>
        index < node.Input.Count && scope.Constant(node.Input[index]) is { IsOverridable: false, Shape: [<= MaximumRank] } operand
            ? operand.ReadIntegers()
            : null;

    private static Int128 Product(IReadOnlyList<long> shape) => shape.Aggregate((Int128)1, (product, d) => product * d);
}
