using System.Buffers.Binary;
using Lorq.Diagnostics;
using Lorq.Onnx;
using static Lorq.Onnx.TensorProto.Types;

namespace Lorq.Models;

/// <summary>
/// A constant as a node sees it: the stored tensor (<see cref="Origin"/>) and the constant operators between it and the use
/// (<see cref="Chain"/>), already folded into <see cref="Shape"/> and into what <see cref="ReadFloats"/> returns.
/// </summary>
public sealed class ConstantTensor
{
    private readonly ConstantTensor? previous;
    private readonly NodeProto? step;
    private readonly int[]? permutation;
    private readonly long[] shape;

    private ConstantTensor(string name, GraphScope scope, TensorProto origin, NodeProto? constantNode, bool overridable)
    {
        Name = OriginName = name;
        OriginScope = scope;
        Origin = origin;
        ConstantNode = constantNode;
        IsOverridable = overridable;
        shape = [.. origin.Dims];
        ElementType = TensorLayout.ElementType(origin);
    }

    private ConstantTensor(ConstantTensor previous, NodeProto step, long[] shape, DataType type, int[]? permutation)
    {
        this.previous = previous;
        this.step = step;
        this.shape = shape;
        this.permutation = permutation;
        Name = step.Output[0];
        OriginName = previous.OriginName;
        OriginScope = previous.OriginScope;
        Origin = previous.Origin;
        ConstantNode = previous.ConstantNode;
        IsOverridable = previous.IsOverridable;
        ElementType = type;
    }

    /// <summary>The name at the place of use.</summary>
    public string Name { get; }

    /// <summary>The name of the stored tensor: the initializer's, or the Constant node's output.</summary>
    public string OriginName { get; }

    /// <summary>The scope that defines the stored tensor.</summary>
    public GraphScope OriginScope { get; }

    /// <summary>The stored tensor. For a Constant node with value_float(s) or value_int(s) a tensor made from them, which is not part of the model.</summary>
    public TensorProto Origin { get; }

    /// <summary>The Constant node that carries it, or null for an initializer.</summary>
    public NodeProto? ConstantNode { get; }

    /// <summary>The operators between the stored tensor and the use, first applied first.</summary>
    public IReadOnlyList<NodeProto> Chain => [.. Steps().Select(constant => constant.step!)];

    /// <summary>Shape after the chain.</summary>
    public IReadOnlyList<long> Shape => shape;

    /// <summary>Element type after the chain.</summary>
    public DataType ElementType { get; }

    /// <summary>True when the stored tensor is an initializer that is also a graph input (IR version 4 or later): a caller may override it, so it must not be folded.</summary>
    public bool IsOverridable { get; }

    /// <summary>Bytes the stored tensor takes in the model as raw data.</summary>
    /// <exception cref="LorqException">The tensor is of a type without a fixed size (strings).</exception>
    public long StoredBytes => OriginScope.Model.StoredBytes(Origin);

    /// <summary>The values after the chain, row-major, as fp32 (fp16/bf16/double converted); a new array each call.</summary>
    /// <exception cref="LorqException">The element type is not a float type, or the stored bytes do not fit the shape.</exception>
    public float[] ReadFloats()
    {
        float[] values = OriginScope.Model.ReadFloats(Origin);
        foreach (ConstantTensor constant in Steps())
        {
            if (constant.permutation is not null)
            {
                values = Permutation.Apply(values, constant.previous!.shape, constant.permutation);
            }
            else if (constant.ElementType != constant.previous!.ElementType)
            {
                FloatConversion.Round(values, constant.ElementType);
            }
        }
        return values;
    }

    /// <summary>The values after the chain, row-major, of an int32 or int64 tensor; a new array each call.</summary>
    /// <returns>Null when the element type is another one.</returns>
    public long[]? ReadIntegers()
    {
        if (ElementType is not (DataType.Int64 or DataType.Int32))
        {
            return null;
        }
        ReadOnlySpan<byte> raw = OriginScope.Model.ReadBytes(Origin).Span;
        int size = ElementType == DataType.Int64 ? sizeof(long) : sizeof(int);
        var values = new long[raw.Length / size];
        for (int i = 0; i < values.Length; i++)
        {
            ReadOnlySpan<byte> element = raw.Slice(i * size, size);
            values[i] =
                size == sizeof(long) ? BinaryPrimitives.ReadInt64LittleEndian(element) : BinaryPrimitives.ReadInt32LittleEndian(element);
        }
        foreach (ConstantTensor constant in Steps())
        {
            if (constant.permutation is not null)
            {
                values = Permutation.Apply(values, constant.previous!.shape, constant.permutation);
            }
        }
        return values;
    }

    /// <summary>A tensor as it is stored.</summary>
    internal static ConstantTensor Stored(GraphScope scope, string name, TensorProto tensor, NodeProto? constantNode, bool overridable) =>
        new(name, scope, tensor, constantNode, overridable);

    /// <summary>The same values behind one more operator.</summary>
    /// <param name="node">The operator, which writes the new constant.</param>
    /// <param name="newShape">Shape after it.</param>
    /// <param name="type">Element type after it.</param>
    /// <param name="order">For a transposition: output axis → input axis.</param>
    internal ConstantTensor Then(NodeProto node, long[] newShape, DataType? type = null, int[]? order = null) =>
        new(this, node, newShape, type ?? ElementType, order);

    private Stack<ConstantTensor> Steps()
    {
        var steps = new Stack<ConstantTensor>();
        for (ConstantTensor constant = this; constant.previous is not null; constant = constant.previous)
        {
            steps.Push(constant);
        }
        return steps;
    }
}
