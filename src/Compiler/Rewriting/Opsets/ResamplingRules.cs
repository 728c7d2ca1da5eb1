using Lorq.Models;
using Lorq.Onnx;

namespace Lorq.Rewriting.Opsets;

/// <summary>Operators that sample between grid points, where the meaning of a coordinate changed.</summary>
internal static class ResamplingRules
{
    /// <summary>Upsample (7: scales as attribute, 9: as input) is Resize with asymmetric coordinates.</summary>
    public static string? Upsample(OpsetStep step, NodeProto node)
    {
        if (!step.Passes(10))
        {
            return "Upsample has no definition from opset 10 on";
        }
        if (Attributes.Find(node, "scales") is { } attribute)
        {
            node.Input.Add(step.Floats([.. attribute.Floats]));
            node.Attribute.Remove(attribute);
            return ToResize(step, node, [.. attribute.Floats]);
        }
        return ToResize(step, node, Scales(step, node));
    }

    /// <summary>Resize-10 had asymmetric coordinates only; what came with 11 only gained options, but for one mode that went.</summary>
    public static string? Resize(OpsetStep step, NodeProto node)
    {
        if (step.Passes(11))
        {
            return ToResize(step, node, Scales(step, node));
        }
        return step.Passes(13) && Attributes.GetString(node, "coordinate_transformation_mode", "") == "tf_half_pixel_for_nn"
            ? "tf_half_pixel_for_nn was removed in opset 13"
            : null;
    }

    /// <summary>RoiAlign: the default coordinates changed in 16; the old ones are stated.</summary>
    public static string? RoiAlign(OpsetStep step, NodeProto node)
    {
        if (step.Passes(16))
        {
            node.Attribute.Add(Attributes.String("coordinate_transformation_mode", "output_half_pixel"));
        }
        return null;
    }

    /// <summary>GridSample: modes have other names since 20.</summary>
    public static string? GridSample(OpsetStep step, NodeProto node)
    {
        if (step.Passes(20))
        {
            string mode = Attributes.GetString(node, "mode", "bilinear");
            Attributes.Remove(node, "mode");
            if (mode != "bilinear")
            {
                node.Attribute.Add(Attributes.String("mode", mode == "bicubic" ? "cubic" : mode));
            }
        }
        return null;
    }

    private static string? ToResize(OpsetStep step, NodeProto node, float[]? scales)
    {
        bool nearest = Attributes.GetString(node, "mode", "nearest") == "nearest";
        bool shrinks = scales?.Any(s => s < 1) ?? false;
        if (nearest && (scales is null || (shrinks && scales.Any(s => s > 1))))
        {
            return "nearest-neighbour scales that are not constant, or grow and shrink at once, have no counterpart since opset 11";
        }
        node.OpType = "Resize";
        string input = node.Input[1];
        node.Input.RemoveAt(1);
        node.Input.Add(["", input]);
        node.Attribute.Add(Attributes.String("coordinate_transformation_mode", "asymmetric"));
        if (nearest)
        {
            node.Attribute.Add(Attributes.String("nearest_mode", shrinks ? "ceil" : "floor"));
        }
        return null;
    }

    private static float[]? Scales(OpsetStep step, NodeProto node)
    {
        ConstantTensor? constant = step.Scope.Constant(node.Input[1]);
        return constant is { IsOverridable: false } ? constant.ReadFloats() : null;
    }
}
