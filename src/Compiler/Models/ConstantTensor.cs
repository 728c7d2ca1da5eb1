using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>
/// A constant as a node sees it: the stored tensor (<see cref="Origin"/>) and the constant operators between it and the use
/// (<see cref="Chain"/>), already folded into <see cref="Shape"/> and into what <see cref="ReadFloats"/> returns.
/// </summary>
public sealed class ConstantTensor
{
    private readonly ConstantTensor? source;

    private ConstantTensor(
        string name,
        GraphScope scope,
        TensorProto origin,
        NodeProto? constantNode,
        bool overridable,
        ConstantTensor? source,
        IReadOnlyList<NodeProto> chain,
        IReadOnlyList<long> shape,
        TensorProto.Types.DataType elementType
    )
    {
        (Name, OriginScope, Origin, ConstantNode, IsOverridable) = (name, scope, origin, constantNode, overridable);
        (this.source, Chain, Shape, ElementType) = (source, chain, shape, elementType);
        OriginName = source?.OriginName ?? name;
    }

    /// <summary>The name at the place of use.</summary>
    public string Name { get; }

    /// <summary>The name of the stored tensor: the initializer's, or the Constant node's output.</summary>
    public string OriginName { get; }

    /// <summary>The scope that defines the stored tensor.</summary>
    public GraphScope OriginScope { get; }

    /// <summary>The stored tensor.</summary>
    public TensorProto Origin { get; }

    /// <summary>The Constant node that carries it, or null for an initializer.</summary>
    public NodeProto? ConstantNode { get; }

    /// <summary>The operators between the stored tensor and the use, first applied first.</summary>
    public IReadOnlyList<NodeProto> Chain { get; }

    /// <summary>Shape after the chain.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Element type after the chain.</summary>
    public TensorProto.Types.DataType ElementType { get; }

    /// <summary>True when the stored tensor is an initializer that is also a graph input: a caller may override it, so it must not be folded.</summary>
    public bool IsOverridable { get; }

    /// <summary>Bytes the stored tensor takes in the model (its raw payload).</summary>
    public long StoredBytes => OriginScope.Model.StoredBytes(Origin);

    /// <summary>The values after the chain, row-major, as fp32 (fp16/bf16/double converted); a new array each call.</summary>
    /// <exception cref="Diagnostics.LorqException">The element type is not a float type, or the stored bytes do not fit the shape.</exception>
    public float[] ReadFloats() =>
        source is null ? OriginScope.Model.ReadFloats(Origin) : ConstantChain.Apply(Chain[^1], source.ReadFloats(), source.Shape);

    internal static ConstantTensor Stored(string name, GraphScope scope, TensorProto tensor, NodeProto? constantNode, bool overridable) =>
        new(name, scope, tensor, constantNode, overridable, null, [], [.. tensor.Dims], (TensorProto.Types.DataType)tensor.DataType);

    internal ConstantTensor Then(string name, NodeProto node, IReadOnlyList<long> shape, TensorProto.Types.DataType elementType) =>
        new(name, OriginScope, Origin, ConstantNode, IsOverridable, this, [.. Chain, node], shape, elementType);
}
