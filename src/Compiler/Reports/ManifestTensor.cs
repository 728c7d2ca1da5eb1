using System.Text.Json;
using System.Text.Json.Serialization;
using Lorq.Calibration;

namespace Lorq.Reports;

/// <summary>An input or output, as code that calls the model needs it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="ElementType">ONNX element type in lower case: <c>float</c>, <c>int64</c>, <c>string</c>; <c>undefined</c> for sequences and maps.</param>
/// <param name="Dims">Its dimensions; empty for a scalar.</param>
public sealed record ManifestTensor(string Name, string ElementType, IReadOnlyList<ManifestDimension> Dims)
{
    /// <summary>The tensor that ONNX Runtime states.</summary>
    public static ManifestTensor Of(TensorSignature s) =>
        new(
            s.Name,
            s.ElementType.ToString().ToLowerInvariant(),
            [
                .. s.Shape.Select(
                    (length, i) =>
                        length >= 0 ? new ManifestDimension(length, null)
                        : i < s.DimensionNames.Length && s.DimensionNames[i].Length > 0 ? new ManifestDimension(null, s.DimensionNames[i])
                        : default
                ),
            ]
        );
}

/// <summary>A dimension: a JSON number when fixed, a string when symbolic, null when nothing is known of it.</summary>
/// <param name="Length">Its length when fixed.</param>
/// <param name="Symbol">Its symbolic name when it has one.</param>
[JsonConverter(typeof(ManifestDimensionConverter))]
public readonly record struct ManifestDimension(long? Length, string? Symbol);

/// <summary>Reads and writes <see cref="ManifestDimension"/>.</summary>
public sealed class ManifestDimensionConverter : JsonConverter<ManifestDimension>
{
    /// <inheritdoc />
    public override bool HandleNull => true;

    /// <inheritdoc />
    public override ManifestDimension Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType switch
        {
            JsonTokenType.Number when reader.TryGetInt64(out long length) && length >= 0 => new(length, null),
            JsonTokenType.String => new(null, reader.GetString()),
            JsonTokenType.Null => default,
            _ => throw new JsonException("A dimension is a non-negative whole number, a name or null."),
        };

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, ManifestDimension value, JsonSerializerOptions options)
    {
        if (value.Length is long length)
        {
            writer.WriteNumberValue(length);
        }
        else
        {
            writer.WriteStringValue(value.Symbol);
        }
    }
}
