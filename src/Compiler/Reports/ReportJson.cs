using System.Text.Json.Serialization;

namespace Lorq.Reports;

/// <summary>
/// The JSON forms of reports and manifests, generated at build time (no reflection). Indented, camelCase, <c>\n</c> on every
/// system; numbers that are not finite are the strings <c>"NaN"</c>, <c>"Infinity"</c>, <c>"-Infinity"</c>.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    WriteIndented = true,
    NewLine = "\n",
    UseStringEnumConverter = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals
)]
[JsonSerializable(typeof(CompressionReport))]
[JsonSerializable(typeof(ComparisonReport))]
[JsonSerializable(typeof(Manifest))]
[JsonSerializable(typeof(SignatureManifest))]
[JsonSerializable(typeof(SweepReport))]
[JsonSerializable(typeof(SpeedFacts))]
internal sealed partial class ReportJson : JsonSerializerContext;
