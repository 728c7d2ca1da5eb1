using Lorq.Onnx;

namespace Lorq.Rewriting.Opsets;

/// <summary>Softmax, LogSoftmax and Hardmax worked on a tensor flattened to 2-D at the axis before opset 13, and on the axis alone since.</summary>
internal static class SoftmaxRules
{
    /// <summary>Keeps the old meaning.</summary>
    public static string? Convert(OpsetStep step, NodeProto node)
    {
        if (!step.Passes(13))
        {
            return null;
        }
        long axis = Attributes.GetInt(node, "axis", 1);
        int? rank = step.Scope.Shape(node.Input[0])?.Length;
        Attributes.Remove(node, "axis");
        if (axis == -1 || axis == rank - 1)
        {
            // The last axis: both meanings agree, and −1 is the new default.
            return null;
        }
        string input = node.Input[0];
        string output = node.Output[0];
        string shape = step.Insert("Shape", [input]);
        node.Input[0] = step.Insert("Flatten", [input], Attributes.Int("axis", axis));
        node.Output[0] = step.NewName();
        step.Write(node);
        var back = new NodeProto { OpType = "Reshape" };
        back.Input.Add([node.Output[0], shape]);
        back.Output.Add(output);
        back.Attribute.Add(Attributes.Int("allowzero", 1));
        step.Write(back);
        return null;
    }
}
