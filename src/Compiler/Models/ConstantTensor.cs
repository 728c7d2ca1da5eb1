using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>
/// A constant as a node sees it: the stored tensor (<see cref="Origin"/>) and the constant operators between it and the use
/// (<see cref="Chain"/>), already folded into <see cref="Shape"/> and into what <see cref="ReadFloats"/> returns.
/// </summary>
public sealed class ConstantTensor
{
    /// <summary>The name at the place of use.</summary>
    public string Name => throw new NotImplementedException();

    /// <summary>The name of the stored tensor: the initializer's, or the Constant node's output.</summary>
    public string OriginName => throw new NotImplementedException();

    /// <summary>The scope that defines the stored tensor.</summary>
    public GraphScope OriginScope => throw new NotImplementedException();

    /// <summary>The stored tensor.</summary>
    public TensorProto Origin => throw new NotImplementedException();

    /// <summary>The Constant node that carries it, or null for an initializer.</summary>
    public NodeProto? ConstantNode => throw new NotImplementedException();

    /// <summary>The operators between the stored tensor and the use, first applied first.</summary>
    public IReadOnlyList<NodeProto> Chain => throw new NotImplementedException();

    /// <summary>Shape after the chain.</summary>
    public IReadOnlyList<long> Shape => throw new NotImplementedException();

    /// <summary>Element type after the chain.</summary>
    public TensorProto.Types.DataType ElementType => throw new NotImplementedException();

    /// <summary>True when the stored tensor is an initializer that is also a graph input: a caller may override it, so it must not be folded.</summary>
    public bool IsOverridable => throw new NotImplementedException();

    /// <summary>Bytes the stored tensor takes in the model (its raw payload).</summary>
    public long StoredBytes => throw new NotImplementedException();

    /// <summary>The values after the chain, row-major, as fp32 (fp16/bf16/double converted); a new array each call.</summary>
    /// <exception cref="Diagnostics.LorqException">The element type is not a float type, or the stored bytes do not fit the shape.</exception>
    public float[] ReadFloats() => throw new NotImplementedException();
}
