using System.Globalization;
using Lorq.Diagnostics;
using Lorq.Generators.Naming;
using Microsoft.CodeAnalysis.Text;

namespace Lorq.Generators.Manifests;

/// <summary>
/// Reads of a manifest (<c>docs/lorq-manifest.schema.json</c>) what generated code needs: the signature, which must be there and well-formed, and the facts for
/// documentation, which a manifest that was made without compressing lacks. What else stands in it is not looked at.
/// </summary>
internal static class ManifestReader
{
    /// <summary>The format version that is read.</summary>
    public const int FormatVersion = 1;

    /// <summary>Reads a manifest; gives what is wrong with it instead where something is.</summary>
    /// <param name="path">Where it lies.</param>
    /// <param name="text">Its text.</param>
    public static (Signature? Signature, Problem? Problem) Read(string path, string text)
    {
        string file = Path.GetFileName(path);
        try
        {
            JsonValue root = JsonReader.Read(text);
            long version = Whole(Member(root, "formatVersion"));
            if (version != FormatVersion)
            {
                return (null, Catalogue.ManifestVersion.At(path, file, $"{version}", $"{FormatVersion}"));
            }
            var signature = new Signature(
                Optional(root, "model") is { } model ? Text(Member(model, "file")) : null,
                Tensors(Member(root, "inputs")),
                Optional(root, "optionalInputs") is { } optional ? Tensors(optional) : default,
                Tensors(Member(root, "outputs")),
                Facts(root)
            );
            RequireDistinct(Member(root, "inputs"), signature.Inputs.Concat(signature.OptionalInputs));
            RequireDistinct(Member(root, "outputs"), signature.Outputs);
            return signature.Outputs.Count > 0
                ? (signature, null)
                : throw new JsonFault("It lists no outputs.", Member(root, "outputs").Offset);
        }
        catch (JsonFault fault)
        {
            LinePosition position = SourceText.From(text).Lines.GetLinePosition(Math.Min(fault.Offset, text.Length));
            return (null, Catalogue.ManifestUnreadable.At(path, file, fault.Message) with { Position = position });
        }
    }

    private static EquatableArray<Tensor> Tensors(JsonValue list) =>
        new(
            Items(list)
                .Select(t => new Tensor(
                    Text(Member(t, "name")),
                    ElementType(Member(t, "elementType")),
                    new(Items(Member(t, "dims")).Select(Dimension))
                ))
        );

    private static string ElementType(JsonValue value) =>
        ElementTypes.IsKnown(Text(value)) ? value.Text : throw new JsonFault($"'{value.Text}' is no element type of ONNX.", value.Offset);

    private static string Dimension(JsonValue value) =>
        value.Kind switch
        {
            JsonKind.Null => "?",
            JsonKind.String => Text(value),
            _ => Whole(value).ToString(CultureInfo.InvariantCulture),
        };

    private static CompressionFacts? Facts(JsonValue root)
    {
        if (
            Optional(root, "model") is not { } model
            || Optional(root, "original") is not { } original
            || Optional(root, "loss") is not { } loss
        )
        {
            return null;
        }
        JsonValue? measured = Optional(loss, "measured");
        return new(
            Text(Member(original, "file")),
            Bytes(original),
            Bytes(model),
            Text(Member(loss, "metric")),
            Number(measured ?? Member(loss, "predicted")),
            measured is not null
        );
    }

    private static long Bytes(JsonValue file) =>
        Whole(Member(file, "bytes")) + (Optional(file, "externalData") is { } data ? Items(data).Sum(d => Whole(Member(d, "bytes"))) : 0);

    private static JsonValue Member(JsonValue of, string name)
    {
        if (of.Kind != JsonKind.Object)
        {
            throw new JsonFault("An object is expected here.", of.Offset);
        }
        return of.Members.TryGetValue(name, out JsonValue? value)
            ? value
            : throw new JsonFault($"The member '{name}' is missing.", of.Offset);
    }

    private static JsonValue? Optional(JsonValue of, string name) =>
        of.Kind == JsonKind.Object && of.Members.TryGetValue(name, out JsonValue? value) && value.Kind != JsonKind.Null ? value : null;

    private static IReadOnlyList<JsonValue> Items(JsonValue value) =>
        value.Kind == JsonKind.Array ? value.Items : throw new JsonFault("A list is expected here.", value.Offset);

    private static string Text(JsonValue value) =>
        value is { Kind: JsonKind.String, Text.Length: > 0 } ? value.Text : throw new JsonFault("A text is expected here.", value.Offset);

    private static string Number(JsonValue value) =>
        value.Kind is JsonKind.Number || value.Text is "NaN" or "Infinity" or "-Infinity"
            ? value.Text
            : throw new JsonFault("A number is expected here.", value.Offset);

    private static long Whole(JsonValue value) =>
        value.Kind == JsonKind.Number && long.TryParse(value.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long whole)
            ? whole
            : throw new JsonFault("A whole number, not below 0, is expected here.", value.Offset);

    private static void RequireDistinct(JsonValue list, IEnumerable<Tensor> tensors)
    {
        if (tensors.GroupBy(t => t.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new JsonFault($"The name '{twice.Key}' comes twice.", list.Offset);
        }
    }
}
