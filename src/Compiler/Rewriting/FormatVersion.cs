using Lorq.Onnx;

namespace Lorq.Rewriting;

/// <summary>The ONNX format version (<c>ir_version</c>) of a model.</summary>
internal static class FormatVersion
{
    /// <summary>
    /// False for models in which raising it would change a meaning: below 4 every initializer is an input and ONNX Runtime takes all as constant; from 4
    /// on those would be overridable and no longer folded.
    /// </summary>
    public static bool CanBeRaised(ModelProto model) =>
        model.IrVersion >= 4 || !model.Graph.Input.Select(i => i.Name).Intersect(model.Graph.Initializer.Select(t => t.Name)).Any();

    /// <summary>Raises it to at least the given version, where that changes nothing else.</summary>
    public static void Raise(ModelProto model, long version)
    {
        if (CanBeRaised(model))
        {
            model.IrVersion = Math.Max(model.IrVersion, version);
        }
    }
}
