using Lorq.Onnx;

namespace Lorq.Rewriting.Opsets;

/// <summary>Attributes that became inputs.</summary>
internal static class InputRules
{
    private const string UnknownType = "its element type is not known, so its bounds cannot be written as tensors";

    /// <summary>Squeeze, Unsqueeze, ReduceSum: axes from opset 13 on.</summary>
    public static string? Axes13(OpsetStep step, NodeProto node) => Axes(step, node, 13);

    /// <summary>The other reductions: axes from opset 18 on.</summary>
    public static string? Axes18(OpsetStep step, NodeProto node) => Axes(step, node, 18);

    /// <summary>Clip: min and max from opset 11 on.</summary>
    public static string? Clip(OpsetStep step, NodeProto node)
    {
        if (!step.Passes(11))
        {
            return null;
        }
        var bounds = new string[2];
        string[] attributes = ["min", "max"];
        for (int i = 0; i < 2; i++)
        {
            bounds[i] = "";
            if (Attributes.Find(node, attributes[i]) is { } bound)
            {
                if (step.ScalarLike(node.Input[0], bound.F) is not { } scalar)
                {
                    return UnknownType;
                }
                bounds[i] = scalar;
                node.Attribute.Remove(bound);
            }
        }
        Append(node, 1, bounds);
        return null;
    }

    /// <summary>Pad: pads and value from opset 11 on.</summary>
    public static string? Pad(OpsetStep step, NodeProto node)
    {
        if (!step.Passes(11))
        {
            return null;
        }
        string pads = step.Int64s(Attributes.GetInts(node, "pads") ?? []);
        float value = Attributes.GetFloat(node, "value", 0);
        string constant = "";
        if (value != 0)
        {
            if (step.ScalarLike(node.Input[0], value) is not { } scalar)
            {
                return UnknownType;
            }
            constant = scalar;
        }
        Attributes.Remove(node, "pads");
        Attributes.Remove(node, "value");
        Append(node, 1, pads, constant);
        return null;
    }

    /// <summary>Slice: everything from opset 10 on.</summary>
    public static string? Slice(OpsetStep step, NodeProto node)
    {
        if (!step.Passes(10))
        {
            return null;
        }
        string starts = step.Int64s(Attributes.GetInts(node, "starts") ?? []);
        string ends = step.Int64s(Attributes.GetInts(node, "ends") ?? []);
        string axes = Attributes.GetInts(node, "axes") is { } a ? step.Int64s(a) : "";
        node.Attribute.Clear();
        Append(node, 1, starts, ends, axes);
        return null;
    }

    /// <summary>TopK: k from opset 10 on.</summary>
    public static string? TopK(OpsetStep step, NodeProto node)
    {
        if (step.Passes(10))
        {
            Append(node, 1, step.Int64s(Attributes.GetInt(node, "k", 0)));
            Attributes.Remove(node, "k");
        }
        return null;
    }

    /// <summary>Split: sizes from opset 13 on; equal parts are counted from opset 18 on.</summary>
    public static string? Split(OpsetStep step, NodeProto node)
    {
        if (step.Passes(13) && Attributes.GetInts(node, "split") is { } sizes)
        {
            Append(node, 1, step.Int64s(sizes));
            Attributes.Remove(node, "split");
        }
        if (step.Passes(18) && (node.Input.Count < 2 || node.Input[1].Length == 0))
        {
            node.Attribute.Add(Attributes.Int("num_outputs", node.Output.Count));
        }
        return null;
    }

    /// <summary>DFT: axis from opset 20 on, where its default changed too.</summary>
    public static string? Dft(OpsetStep step, NodeProto node)
    {
        if (step.Passes(20))
        {
            string length = node.Input.Count > 1 ? node.Input[1] : "";
            Append(node, 1, length, step.Int64(Attributes.GetInt(node, "axis", 1)));
            Attributes.Remove(node, "axis");
        }
        return null;
    }

    private static string? Axes(OpsetStep step, NodeProto node, int version)
    {
        if (step.Passes(version) && Attributes.GetInts(node, "axes") is { } axes)
        {
            Append(node, 1, step.Int64s(axes));
            Attributes.Remove(node, "axes");
        }
        return null;
    }

    private static void Append(NodeProto node, int keep, params string[] inputs)
    {
        while (node.Input.Count > keep)
        {
            node.Input.RemoveAt(node.Input.Count - 1);
        }
        int last = Array.FindLastIndex(inputs, i => i.Length > 0);
        node.Input.AddRange(inputs.Take(last + 1));
    }
}
