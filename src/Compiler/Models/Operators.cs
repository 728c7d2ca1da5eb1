using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>Small questions about nodes that several rooms ask.</summary>
public static class Operators
{
    /// <summary>True when the node is the given operator of the default domain ("" and "ai.onnx" are the same).</summary>
    public static bool Is(NodeProto node, string operation) => node.OpType == operation && IsDefaultDomain(node.Domain);

    /// <summary>True for the domain of the standard operators, under either of its two names.</summary>
    public static bool IsDefaultDomain(string domain) => domain is "" or "ai.onnx";

    /// <summary>True for a Constant node.</summary>
    public static bool IsConstant(NodeProto node) => Is(node, "Constant");

    /// <summary>An attribute by name; null when the node does not set it, or takes it from its function's attributes.</summary>
    public static AttributeProto? Attribute(NodeProto node, string name)
    {
        foreach (AttributeProto attribute in node.Attribute)
        {
            if (attribute.Name == name)
            {
                return attribute.RefAttrName.Length == 0 ? attribute : null;
            }
        }
        return null;
    }

    /// <summary>An integer attribute, or what holds without it.</summary>
    public static long Integer(NodeProto node, string name, long otherwise) => Attribute(node, name)?.I ?? otherwise;

    /// <summary>True when any attribute is taken from the attributes of the function around the node, so that its value is known only at the call.</summary>
    public static bool HasReferenceAttribute(NodeProto node)
    {
        foreach (AttributeProto attribute in node.Attribute)
        {
            if (attribute.RefAttrName.Length != 0)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>The graphs an attribute carries.</summary>
    public static IEnumerable<GraphProto> Subgraphs(AttributeProto attribute) =>
        attribute.G is null ? attribute.Graphs : attribute.Graphs.Prepend(attribute.G);

    /// <summary>What messages call a node: its name, or its operator and first output when it has none.</summary>
    public static string Label(NodeProto node)
    {
        if (node.Name.Length > 0)
        {
            return $"'{node.Name}' ({node.OpType})";
        }
        return node.Output.Count > 0 ? $"{node.OpType} that writes '{node.Output[0]}'" : node.OpType;
    }
}
