using System.Text.Json;
using Lorq.Calibration;
using Lorq.Checks;

namespace Lorq.Reports;

/// <summary>
/// What stands beside a compressed model, <c>&lt;name&gt;.lorq.json</c>: enough to check the file, to generate code that calls
/// it, and to see what was chosen. No times and no folders: the same input gives the same bytes. Its schema is
/// <c>docs/lorq-manifest.schema.json</c>.
/// </summary>
public sealed record Manifest
{
    /// <summary>The version of the format; a reader refuses a higher one.</summary>
    public int FormatVersion { get; init; } = 1;

    /// <summary>The written model.</summary>
    public required ManifestFile Model { get; init; }

    /// <summary>The model it was made from.</summary>
    public required ManifestFile Original { get; init; }

    /// <summary>The inputs that every call gives, in order.</summary>
    public required IReadOnlyList<ManifestTensor> Inputs { get; init; }

    /// <summary>The inputs that a call may leave out: those of an optional type, and those with a value in the model.</summary>
    public required IReadOnlyList<ManifestTensor> OptionalInputs { get; init; }

    /// <summary>The model's outputs, in order.</summary>
    public required IReadOnlyList<ManifestTensor> Outputs { get; init; }

    /// <summary>The emission: <c>ort</c>, <c>onnx</c>.</summary>
    public required string Target { get; init; }

    /// <summary>What the file was allowed to weigh.</summary>
    public required BudgetFacts Budget { get; init; }

    /// <summary>The operator sets the written model imports, ordered by domain.</summary>
    public required IReadOnlyList<ManifestOpset> Opsets { get; init; }

    /// <summary>What became of every site, in graph order.</summary>
    public required IReadOnlyList<ManifestChoice> Choices { get; init; }

    /// <summary>Predicted and measured loss.</summary>
    public required LossFacts Loss { get; init; }

    /// <summary>Divergence per output on held-out samples; empty without data.</summary>
    public required IReadOnlyList<OutputDivergence> Divergence { get; init; }

    /// <summary>The compiler's version.</summary>
    public required string Lorq { get; init; }

    /// <summary>The version of ONNX Runtime that the model was checked with.</summary>
    public required string OnnxRuntime { get; init; }

    /// <summary>Makes the manifest of a finished compression.</summary>
    /// <param name="report">The report of the compression.</param>
    /// <param name="model">The written model: see <see cref="ManifestFile.Of"/>.</param>
    /// <param name="original">The original.</param>
    /// <param name="inputs">The written model's inputs.</param>
    /// <param name="optionalInputs">Those of its inputs that a call may leave out.</param>
    /// <param name="outputs">The written model's outputs.</param>
    /// <param name="opsets">The operator sets the written model imports; the default domain is "" or "ai.onnx".</param>
    public static Manifest Of(
        CompressionReport report,
        ManifestFile model,
        ManifestFile original,
        IEnumerable<TensorSignature> inputs,
        IEnumerable<TensorSignature> optionalInputs,
        IEnumerable<TensorSignature> outputs,
        IEnumerable<(string Domain, long Version)> opsets
    ) =>
        new()
        {
            Model = model,
            Original = original,
            Inputs = [.. inputs.Select(ManifestTensor.Of)],
            OptionalInputs = [.. optionalInputs.Select(ManifestTensor.Of)],
            Outputs = [.. outputs.Select(ManifestTensor.Of)],
            Target = report.Target,
            Budget = report.Budget,
            Opsets =
            [
                .. opsets
                    .Select(o => new ManifestOpset(o.Domain.Length == 0 ? "ai.onnx" : o.Domain, o.Version))
                    .Distinct()
                    .OrderBy(o => o.Domain, StringComparer.Ordinal),
            ],
            Choices = [.. report.Sites.Select(ManifestChoice.Of)],
            Loss = report.Loss,
            Divergence = report.Divergence?.Outputs ?? [],
            Lorq = report.Versions.Lorq,
            OnnxRuntime = report.Versions.OnnxRuntime,
        };

    /// <summary>The manifest as JSON text.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, JsonReport.Forms.Manifest) + "\n";

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">It is not a manifest.</exception>
    public static Manifest FromJson(string json) =>
        JsonSerializer.Deserialize(json, JsonReport.Forms.Manifest) ?? throw new JsonException("The manifest is null.");
}

/// <summary>An operator set.</summary>
/// <param name="Domain">Its domain; <c>ai.onnx</c> is the default one.</param>
/// <param name="Version">Its version.</param>
public sealed record ManifestOpset(string Domain, long Version);

/// <summary>What became of a site.</summary>
/// <param name="Site">The site's name.</param>
/// <param name="Kind">What reads it.</param>
/// <param name="K">Rows of its K×N view.</param>
/// <param name="N">Columns.</param>
/// <param name="Encoding">How it is stored.</param>
/// <param name="Method">The quantizer, or empty.</param>
/// <param name="Bits">Bits per code; null for keep and fp16, and where segments differ.</param>
/// <param name="Block">Weights per scale, 0 for a whole column; null like <paramref name="Bits"/>.</param>
/// <param name="Bytes">Bytes in the written file.</param>
/// <param name="RelativeError">Measured relative output error.</param>
/// <param name="PredictedLoss">Its share of the predicted loss.</param>
public sealed record ManifestChoice(
    string Site,
    string Kind,
    int K,
    int N,
    string Encoding,
    string Method,
    int? Bits,
    int? Block,
    long Bytes,
    double RelativeError,
    double PredictedLoss
)
{
    /// <summary>The choice of a report's row.</summary>
    public static ManifestChoice Of(SiteRow s) =>
        new(s.Name, s.Kind, s.K, s.N, s.Encoding, s.Method, s.Bits, s.BlockSize, s.WrittenBytes, s.RelativeError, s.PredictedLoss);
}
