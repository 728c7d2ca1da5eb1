using System.Text.Json;
using Lorq.Calibration;
using Lorq.Models;
using Lorq.Onnx;

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
        GraphProto graph = model.Proto.Graph;
        HashSet<string> stored = [.. graph.Initializer.Select(t => t.Name), .. graph.SparseInitializer.Select(t => t.Values?.Name ?? "")];
        ValueInfoProto[] given = [.. graph.Input.Where(i => !stored.Contains(i.Name))];
        // Before version 4 every initializer had to be an input too: none of them can be replaced.
        IEnumerable<ValueInfoProto> replaceable = model.Proto.IrVersion >= 4 ? graph.Input.Where(i => stored.Contains(i.Name)) : [];
        return new()
        {
            Model = ManifestFile.Of(path, model.ExternalFiles, cancellationToken),
            Inputs = [.. given.Where(i => i.Type?.OptionalType is null).Select(Tensor)],
            OptionalInputs = [.. given.Where(i => i.Type?.OptionalType is not null).Concat(replaceable).Select(Tensor)],
            Outputs = [.. graph.Output.Select(Tensor)],
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

    private static ManifestTensor Tensor(ValueInfoProto value)
    {
        TypeProto.Types.Tensor? tensor = (value.Type?.OptionalType?.ElemType ?? value.Type)?.TensorType;
        TensorShapeProto.Types.Dimension[] dims = [.. tensor?.Shape?.Dim ?? []];
        return ManifestTensor.Of(
            new TensorSignature(
                value.Name,
                (TensorProto.Types.DataType)(tensor?.ElemType ?? 0),
                [.. dims.Select(d => d.ValueCase == TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue ? d.DimValue : -1)],
                [.. dims.Select(d => d.DimParam)]
            )
        );
    }
}
