using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lorq.Specs;

/// <summary>Writes a spec as JSON: the keys that differ from the defaults, and target and budget always.</summary>
public static class SpecJson
{
    private static readonly JsonWriterOptions Format = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes; <see cref="SpecParser"/> reads the text back to an equal spec.</summary>
    public static string Write(CompressionSpec spec)
    {
        var root = new JsonObject();
        var defaults = new CompressionSpec();
        foreach (SpecKey<CompressionSpec> key in SpecKeys.All)
        {
            JsonNode? value = Value(key.Get(spec));
            if (value is not null && (key.Path is "target" || !JsonNode.DeepEquals(value, Value(key.Get(defaults)))))
            {
                string[] path = key.Path.Split('.');
                JsonObject section = path.Length == 1 ? root : (JsonObject)(root[path[0]] ??= new JsonObject());
                section[path[^1]] = value;
            }
        }
        if (spec.Overrides.Count > 0)
        {
            root["overrides"] = new JsonArray([.. spec.Overrides.Select(Override)]);
        }
        return Text(root);
    }

    /// <summary>A JSON value of a key's value.</summary>
    internal static JsonNode? Value(object? value) =>
        value switch
        {
            null => null,
            bool b => JsonValue.Create(b),
            long l => JsonValue.Create(l),
            double d => JsonValue.Create(d),
            string s => JsonValue.Create(s),
            IEnumerable<string> texts => new JsonArray([.. texts.Select(t => (JsonNode)JsonValue.Create(t)!)]),
            IEnumerable<long> numbers => new JsonArray([.. numbers.Select(n => (JsonNode)JsonValue.Create(n))]),
            _ => throw new ArgumentException($"No JSON for {value.GetType()}.", nameof(value)),
        };

    /// <summary>Indented text with a final line end.</summary>
    internal static string Text(JsonNode node)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Format))
        {
            node.WriteTo(writer);
        }
        return System.Text.Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static JsonNode Override(SiteOverride o)
    {
        var node = new JsonObject();
        foreach (SpecKey<SiteOverride> key in SpecKeys.Override)
        {
            object? value = key.Get(o);
            if (value is not (null or false))
            {
                node[key.Path] = Value(value);
            }
        }
        return node;
    }
}
