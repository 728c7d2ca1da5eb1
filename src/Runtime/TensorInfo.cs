using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Lorq.Runtime;

/// <summary>An input or output of a model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">A tensor, or a sequence or map, which have no element type and dimensions here.</param>
/// <param name="ElementType">Type of the elements; <c>DataTypeMax</c> where it is no tensor.</param>
/// <param name="Dimensions">Its dimensions; empty for a scalar, and where the model does not state their number, which ONNX Runtime's C# interface does not tell apart.</param>
public sealed record TensorInfo(string Name, OnnxValueType Kind, TensorElementType ElementType, IReadOnlyList<TensorDimension> Dimensions)
{
    /// <summary>E.g. <c>input_ids: Int64[batch, 384]</c>.</summary>
    public override string ToString() =>
        Kind == OnnxValueType.ONNX_TYPE_TENSOR ? $"{Name}: {ElementType}[{string.Join(", ", Dimensions)}]" : $"{Name}: {Kind}";
}

/// <summary>A dimension: fixed, or free with or without a name. Dimensions of one name are equal.</summary>
/// <param name="Length">Its length where it is fixed.</param>
/// <param name="Symbol">Its name where it is free and has one.</param>
public readonly record struct TensorDimension(long? Length, string? Symbol)
{
    /// <summary>The length, the name, or <c>?</c>.</summary>
    public override string ToString() => Length?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? Symbol ?? "?";
}
