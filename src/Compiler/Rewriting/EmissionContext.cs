using Lorq.Models;

namespace Lorq.Rewriting;

/// <summary>What an emission knows about a model before it looks at any site.</summary>
/// <param name="Model">The model, unchanged.</param>
/// <param name="Opset">The default-domain opset of the written graph.</param>
/// <param name="ConversionBytes">What raising the opset to it adds to the file.</param>
/// <param name="Refusal">Why the opset stays where it was although the emission would raise it; null otherwise.</param>
/// <param name="Functions">True when the written graph may hold model-local functions.</param>
internal sealed record EmissionContext(OnnxModel Model, long Opset, long ConversionBytes, string? Refusal, bool Functions)
{
    // Kept: every candidate of every menu asks for it.
    private readonly string placeholder = new('n', NameSource.LengthFor(Model));

    /// <summary>Characters of the names that are added.</summary>
    public int NameLength => placeholder.Length;

    /// <summary>A name of that length, where only sizes are asked for.</summary>
    public string Placeholder() => placeholder;

    /// <summary>The opset that nodes of a scope are written for: functions keep their own.</summary>
    public long OpsetOf(GraphScope scope) =>
        scope.Function?.OpsetImport.FirstOrDefault(o => o.Domain is "" or "ai.onnx")?.Version ?? (scope.Function is null ? Opset : 0);
}
