using Lorq.Onnx;

namespace Lorq.Rewriting.Opsets;

/// <summary>Operators whose old form is either the new one with less, or has no counterpart.</summary>
internal static class LayerRules
{
    /// <summary>BatchNormalization: no <c>spatial</c> since 9, other outputs since 14.</summary>
    public static string? BatchNormalization(OpsetStep step, NodeProto node)
    {
        if (step.Passes(9))
        {
            if (Attributes.GetInt(node, "spatial", 1) == 0)
            {
                return "spatial=0 (statistics per activation) has no counterpart after opset 8";
            }
            Attributes.Remove(node, "spatial");
        }
        if (step.Passes(14))
        {
            if (node.Output.Skip(1).Any(o => o.Length > 0))
            {
                return "it has training outputs, which changed in opset 14";
            }
            while (node.Output.Count > 1)
            {
                node.Output.RemoveAt(1);
            }
        }
        return null;
    }

    /// <summary>Dropout passes values through at inference; the ratio became an input in 12 and is not needed.</summary>
    public static string? Dropout(OpsetStep step, NodeProto node)
    {
        if (step.Passes(10) && node.Output.Count > 1 && node.Output[1].Length > 0)
        {
            return "its mask output is a float tensor, which became boolean in opset 10";
        }
        if (step.Passes(12))
        {
            Attributes.Remove(node, "ratio");
        }
        return null;
    }

    /// <summary>AveragePool: the window at the edge was corrected in 19 for ceil_mode with padding counted.</summary>
    public static string? AveragePool(OpsetStep step, NodeProto node) =>
        step.Passes(19) && Attributes.GetInt(node, "ceil_mode", 0) != 0 && Attributes.GetInt(node, "count_include_pad", 0) != 0
            ? "ceil_mode with count_include_pad changed its meaning in opset 19"
            : null;

    /// <summary>GroupNormalization: scale and bias per channel instead of per group since 21.</summary>
    public static string? GroupNormalization(OpsetStep step, NodeProto node) =>
        step.Passes(21) ? "its scale and bias changed from per group to per channel in opset 21" : null;

    /// <summary>Scan: another interface since 9.</summary>
    public static string? Scan(OpsetStep step, NodeProto node) => step.Passes(9) ? "Scan changed its interface in opset 9" : null;

    /// <summary>Scatter is called ScatterElements since 11.</summary>
    public static string? Scatter(OpsetStep step, NodeProto node)
    {
        if (step.Passes(11))
        {
            node.OpType = "ScatterElements";
        }
        return null;
    }
}
