using System.Text.Json;
using Lorq.Models;

namespace Lorq.Reports;

/// <summary>
/// The part of a <see cref="Manifest"/> that says how a model is called, made from the model file alone: for models that are not
/// compressed, and for editors while a compression has not run yet. A manifest without <c>original</c> is one of these.
/// </summary>
public sealed record SignatureManifest
{
    /// <summary>The version of the format, that of <see cref="Manifest"/>.</summary>
    public int FormatVersion { get; init; } = 1;

    /// <summary>The model.</summary>
    public required ManifestFile Model { get; init; }

    /// <summary>The inputs that every call gives, in order.</summary>
    public required IReadOnlyList<ManifestTensor> Inputs { get; init; }

    /// <summary>The inputs that a call may leave out: those of an optional type, and those with a value in the model.</summary>
    public required IReadOnlyList<ManifestTensor> OptionalInputs { get; init; }

    /// <summary>The outputs, in order.</summary>
    public required IReadOnlyList<ManifestTensor> Outputs { get; init; }

    /// <summary>The operator sets the model imports, ordered by domain.</summary>
    public required IReadOnlyList<ManifestOpset> Opsets { get; init; }

    /// <summary>The compiler's version.</summary>
    public required string Lorq { get; init; }

    /// <summary>Reads a model. Its weights are hashed, not loaded.</summary>
    /// <param name="path">The model file.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="Diagnostics.LorqException">The file cannot be read or is no model.</exception>
    public static SignatureManifest Of(string path, CancellationToken cancellationToken)
    {
        using OnnxModel model = OnnxModel.Load(path, cancellationToken);
        var signature = GraphSignature.Of(model);
        return new()
        {
            Model = ManifestFile.Of(path, model.ExternalFiles, cancellationToken),
            Inputs = [.. signature.Inputs.Select(ManifestTensor.Of)],
            OptionalInputs = [.. signature.OptionalInputs.Select(ManifestTensor.Of)],
            Outputs = [.. signature.Outputs.Select(ManifestTensor.Of)],
            Opsets =
            [
                .. model
                    .Proto.OpsetImport.Select(o => new ManifestOpset(o.Domain.Length == 0 ? "ai.onnx" : o.Domain, o.Version))
                    .Distinct()
                    .OrderBy(o => o.Domain, StringComparer.Ordinal),
            ],
            Lorq = VersionFacts.LorqVersion(),
        };
    }

    /// <summary>The manifest as JSON text.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, JsonReport.Forms.SignatureManifest) + "\n";
}
