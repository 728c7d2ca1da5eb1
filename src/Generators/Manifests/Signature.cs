namespace Lorq.Generators.Manifests;

/// <summary>What a manifest says that generated code needs.</summary>
/// <param name="ModelFile">Name of the model's file; null in one that was made before compressing.</param>
/// <param name="Inputs">What every call gives.</param>
/// <param name="OptionalInputs">Inputs that a call may leave out.</param>
/// <param name="Outputs">What a call returns.</param>
/// <param name="Facts">What the documentation says of size and loss; null before compressing.</param>
internal sealed record Signature(
    string? ModelFile,
    EquatableArray<Tensor> Inputs,
    EquatableArray<Tensor> OptionalInputs,
    EquatableArray<Tensor> Outputs,
    CompressionFacts? Facts
);

/// <summary>An input or output.</summary>
/// <param name="Name">Its name in the model.</param>
/// <param name="ElementType">ONNX element type in lower case; <c>undefined</c> for sequences and maps.</param>
/// <param name="Dims">Its dimensions as a reader writes them: a length, a name, or <c>?</c>.</param>
internal sealed record Tensor(string Name, string ElementType, EquatableArray<string> Dims)
{
    /// <summary>E.g. <c>int64[batch, 384]</c>.</summary>
    public override string ToString() =>
        ElementType == "undefined" ? "a sequence or map"
        : Dims.Count == 0 ? ElementType
        : $"{ElementType}[{string.Join(", ", Dims)}]";
}

/// <summary>Size and loss.</summary>
/// <param name="OriginalFile">The file that the model was made from.</param>
/// <param name="OriginalBytes">Its size with external data.</param>
/// <param name="Bytes">The model's.</param>
/// <param name="Metric">What the loss is.</param>
/// <param name="Loss">The measured loss, or the predicted one; as the manifest writes it.</param>
/// <param name="Measured">Whether it was measured.</param>
internal sealed record CompressionFacts(string OriginalFile, long OriginalBytes, long Bytes, string Metric, string Loss, bool Measured);
