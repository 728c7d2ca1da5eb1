using Google.Protobuf;
using Lorq.Onnx;

namespace Lorq.Rewriting;

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
