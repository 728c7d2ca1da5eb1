using Lorq.Generators.Manifests;
using Lorq.Generators.Naming;

namespace Lorq.Generators.Emission;

/// <summary>An input or output with its names in C#.</summary>
/// <param name="Tensor">What the model says.</param>
/// <param name="Property">Name of its property.</param>
/// <param name="Parameter">Name of its parameter.</param>
/// <param name="IsOptional">Whether a call may leave it out.</param>
internal sealed record Port(Tensor Tensor, string Property, string Parameter, bool IsOptional)
{
    /// <summary>Whether it has no type of C#: a sequence, a map, an element type like int4. It is ONNX Runtime's own value then.</summary>
    public bool IsOpaque => ElementTypes.Of(Tensor.ElementType) is null;

    /// <summary>Whether its elements are strings.</summary>
    public bool IsString => Tensor.ElementType == "string";

    /// <summary>Its name as a literal.</summary>
    public string Literal => Texts.Literal(Tensor.Name);

    /// <summary>The inputs of a model, the optional ones last.</summary>
    public static IReadOnlyList<Port> Inputs(Wrapper w) =>
        Of(w.Signature.Inputs.Concat(w.Signature.OptionalInputs), w.Signature.Inputs.Count, "Input", w.Input, w.Padding);

    /// <summary>The outputs of a model.</summary>
    public static IReadOnlyList<Port> Outputs(Wrapper w) =>
        Of(w.Signature.Outputs, w.Signature.Outputs.Count, "Output", w.Output, w.Buffers, w.Spans);

    /// <summary>The C# type of an element.</summary>
    public string Element(TypeNames names) =>
        ElementTypes.Of(Tensor.ElementType) is not { } type ? ""
        : type.Namespace is null ? type.Name
        : names[type.Name];

    /// <summary>The C# type of the whole.</summary>
    public string Type(TypeNames names) => IsOpaque ? names["OrtValue"] : $"{names["Tensor"]}<{Element(names)}>";

    private static IReadOnlyList<Port> Of(IEnumerable<Tensor> tensors, int required, string kind, params string[] types)
    {
        Tensor[] all = [.. tensors];
        IReadOnlyList<string> properties = Identifiers.Properties(all.Select(t => t.Name), kind, types);
        IReadOnlyList<string> parameters = Identifiers.Parameters(properties);
        return [.. all.Select((t, i) => new Port(t, properties[i], parameters[i], i >= required))];
    }
}
