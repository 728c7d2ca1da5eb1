using Lorq.Models;
using Lorq.Runtime;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Profiling;

/// <summary>How a model's nodes of <c>ai.lorq</c> run, where it has any.</summary>
/// <param name="Configure">What the session options need; null for nothing.</param>
/// <param name="Description">How they run, for people; null when there are none.</param>
internal sealed record LorqNodes(Action<SessionOptions>? Configure, string? Description)
{
    /// <summary>What it is for a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="stock">True to run them as ONNX Runtime without Lorq does.</param>
    public static LorqNodes Of(OnnxModel model, bool stock) =>
        model.Opset(LorqOperators.Domain) == 0 ? new LorqNodes(null, null)
        : stock ? new LorqNodes(null, "by their function bodies, as ONNX Runtime without Lorq runs them")
        : new LorqNodes(
            options => options.AddLorqOperators(),
            $"by Lorq's operators ({LorqOperators.InstructionSet}, int8 activations unless a node is exact)"
        );
}
