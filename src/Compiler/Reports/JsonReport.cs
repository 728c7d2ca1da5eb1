using System.Text.Encodings.Web;
using System.Text.Json;

namespace Lorq.Reports;

/// <summary>The reports as JSON: <c>&lt;name&gt;.report.json</c> and <c>lorq compare --json</c>. The same report gives the same text.</summary>
public static class JsonReport
{
    /// <summary>The serializer: names such as <c>4b·32</c> stay readable (the files are no HTML).</summary>
    internal static ReportJson Forms { get; } =
        new(new JsonSerializerOptions(ReportJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Writes the report of a compression.</summary>
    public static string Write(CompressionReport report) => JsonSerializer.Serialize(report, Forms.CompressionReport) + "\n";

    /// <summary>Writes the report of a comparison.</summary>
    public static string Write(ComparisonReport report) => JsonSerializer.Serialize(report, Forms.ComparisonReport) + "\n";

    /// <summary>Reads what <see cref="Write(CompressionReport)"/> wrote.</summary>
    /// <exception cref="JsonException">It is not such a report.</exception>
    public static CompressionReport Read(string json) =>
        JsonSerializer.Deserialize(json, Forms.CompressionReport) ?? throw new JsonException("The report is null.");
}
