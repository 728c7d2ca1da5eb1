using System.Runtime.InteropServices;
using Google.Protobuf;
using Lorq.Onnx;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Models;

/// <summary>The operators a constant may pass through on its way to its use: what they do to its shape and values.</summary>
internal static class ConstantChain
{
    /// <summary>The constant that a node writes, or null.</summary>
    public static ConstantTensor? Resolve(GraphScope scope, string name, NodeProto node)
    {
        if (node.Domain is not ("" or "ai.onnx") || node.Output[0] != name)
        {
            return null;
        }
        if (node.OpType == "Constant")
        {
            return Value(node) is { } tensor ? ConstantTensor.Stored(name, scope, tensor, node, false) : null;
        }
        if (node.Input.Count == 0 || scope.Constant(node.Input[0]) is not { } source)
        {
            return null;
        }
        return node.OpType switch
        {
            "Identity" => source.Then(name, node, source.Shape, source.ElementType),
            "Transpose" => Transpose(source, name, node),
            "Reshape" => Integers(scope, node, "shape") is { } shape ? Reshape(source, name, node, shape) : null,
            "Squeeze" => Squeeze(source, name, node, Integers(scope, node, "axes")),
            "Unsqueeze" => Integers(scope, node, "axes") is { } axes ? Unsqueeze(source, name, node, axes) : null,
            "Cast" => Cast(source, name, node),
            _ => null,
        };
    }

    /// <summary>Applies one operator of a chain to row-major values.</summary>
    public static float[] Apply(NodeProto node, float[] values, IReadOnlyList<long> before)
    {
        switch (node.OpType)
        {
            case "Transpose":
                return Permute(values, before, Permutation(node, before.Count)!);
            case "Cast":
                var to = (DataType)(Attribute(node, "to")?.I ?? 0);
                return to switch
                {
                    DataType.Float16 => [.. values.Select(v => (float)(Half)v)],
                    DataType.Bfloat16 => [.. values.Select(RoundToBfloat16)],
                    _ => values,
                };
            default:
                return values;
        }
    }

    /// <summary>Integers of a second input, or of the attribute that older opsets have; null when absent or not constant.</summary>
    private static long[]? Integers(GraphScope scope, NodeProto node, string attribute)
    {
        if (node.Input.Count > 1 && node.Input[1].Length > 0)
        {
            return scope.Constant(node.Input[1]) is { Chain.Count: 0 } c
                ? TensorFormat.ToIntegers(c.Origin, c.OriginScope.Model.ReadBytes(c.Origin).Span)
                : null;
        }
        return Attribute(node, attribute) is { } a ? [.. a.Ints] : null;
    }

    private static AttributeProto? Attribute(NodeProto node, string name) => node.Attribute.FirstOrDefault(a => a.Name == name);

    private static TensorProto? Value(NodeProto node)
    {
        foreach (AttributeProto a in node.Attribute.Where(a => a.RefAttrName.Length == 0))
        {
            switch (a.Name)
            {
                case "value" when a.T is not null:
                    return a.T;
                case "value_float":
                    return Tensor(DataType.Float, [], MemoryMarshal.AsBytes<float>(new[] { a.F }));
                case "value_floats":
                    return Tensor(DataType.Float, [a.Floats.Count], MemoryMarshal.AsBytes<float>(a.Floats.ToArray()));
                case "value_int":
                    return Tensor(DataType.Int64, [], MemoryMarshal.AsBytes<long>(new[] { a.I }));
                case "value_ints":
                    return Tensor(DataType.Int64, [a.Ints.Count], MemoryMarshal.AsBytes<long>(a.Ints.ToArray()));
            }
        }
        return null;
    }

    private static TensorProto Tensor(DataType type, long[] dims, ReadOnlySpan<byte> raw)
    {
        var tensor = new TensorProto { DataType = (int)type, RawData = ByteString.CopyFrom(raw) };
        tensor.Dims.AddRange(dims);
        return tensor;
    }

    private static ConstantTensor? Transpose(ConstantTensor source, string name, NodeProto node) =>
        Permutation(node, source.Shape.Count) is { } perm
            ? source.Then(name, node, [.. perm.Select(p => source.Shape[p])], source.ElementType)
            : null;

    private static int[]? Permutation(NodeProto node, int rank)
    {
        int[] perm = Attribute(node, "perm") is { } a ? [.. a.Ints.Select(i => (int)i)] : [.. Enumerable.Range(0, rank).Reverse()];
        return perm.Length == rank && perm.Order().SequenceEqual(Enumerable.Range(0, rank)) ? perm : null;
    }

    private static ConstantTensor? Reshape(ConstantTensor source, string name, NodeProto node, long[] target)
    {
        bool zeroIsZero = Attribute(node, "allowzero")?.I == 1;
        long count = source.Shape.Aggregate(1L, (a, b) => a * b);
        long[] shape = [.. target.Select((d, i) => d == 0 && !zeroIsZero ? (i < source.Shape.Count ? source.Shape[i] : -2) : d)];
        if (shape.Any(d => d < -1) || shape.Count(d => d == -1) > 1)
        {
            return null;
        }
        int open = Array.IndexOf(shape, -1);
        long known = shape.Where(d => d >= 0).Aggregate(1L, (a, b) => a * b);
        if (open >= 0)
        {
            shape[open] = known > 0 && count % known == 0 ? count / known : 0;
            known *= shape[open];
        }
        return known == count ? source.Then(name, node, shape, source.ElementType) : null;
    }

    private static ConstantTensor? Squeeze(ConstantTensor source, string name, NodeProto node, long[]? axes)
    {
        int rank = source.Shape.Count;
        HashSet<long> gone = axes is null
            ? [.. Enumerable.Range(0, rank).Where(i => source.Shape[i] == 1).Select(i => (long)i)]
            : [.. axes.Select(a => a < 0 ? a + rank : a)];
        return gone.All(a => a >= 0 && a < rank && source.Shape[(int)a] == 1)
            ? source.Then(name, node, [.. source.Shape.Where((_, i) => !gone.Contains(i))], source.ElementType)
            : null;
    }

    private static ConstantTensor? Unsqueeze(ConstantTensor source, string name, NodeProto node, long[] axes)
    {
        int rank = source.Shape.Count + axes.Length;
        HashSet<long> added = [.. axes.Select(a => a < 0 ? a + rank : a)];
        if (added.Count != axes.Length || added.Any(a => a < 0 || a >= rank))
        {
            return null;
        }
        var left = new Queue<long>(source.Shape);
        return source.Then(
            name,
            node,
            [.. Enumerable.Range(0, rank).Select(i => added.Contains(i) ? 1 : left.Dequeue())],
            source.ElementType
        );
    }

    private static ConstantTensor? Cast(ConstantTensor source, string name, NodeProto node)
    {
        var to = (DataType)(Attribute(node, "to")?.I ?? 0);
        return IsFloat(source.ElementType) && IsFloat(to) ? source.Then(name, node, source.Shape, to) : null;
    }

    private static bool IsFloat(DataType type) => type is DataType.Float or DataType.Float16 or DataType.Bfloat16 or DataType.Double;

    private static float RoundToBfloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
    }

    private static float[] Permute(float[] values, IReadOnlyList<long> shape, int[] perm)
    {
        int rank = perm.Length;
        if (rank == 2)
        {
            if (perm[0] == 0)
            {
                return values;
            }
            var flipped = new float[values.Length];
            Numerics.Transposition.Transpose<float>(values, (int)shape[0], (int)shape[1], flipped);
            return flipped;
        }
        var strides = new long[rank];
        long stride = 1;
        for (int i = rank - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= shape[i];
        }
        var result = new float[values.Length];
        var index = new long[rank];
        for (int n = 0; n < result.Length; n++)
        {
            long from = 0;
            for (int i = 0; i < rank; i++)
            {
                from += index[i] * strides[perm[i]];
            }
            result[n] = values[from];
            for (int i = rank - 1; i >= 0 && ++index[i] == shape[perm[i]]; i--)
            {
                index[i] = 0;
            }
        }
        return result;
    }
}
