using System.Text.Json;
using System.Text.RegularExpressions;

namespace Lorq.Tests.Reports;

/// <summary>The part of JSON Schema that the schemas of manifest and spec use; any other keyword is an error, so that no rule goes unchecked.</summary>
internal static class SchemaValidation
{
    private static readonly HashSet<string> Annotations = ["$schema", "$id", "$defs", "title", "description", "default"];

    public static List<string> Errors(JsonElement schema, JsonElement value) => [.. Check(schema, schema, value, "$")];

    /// <summary>The checkout's root. This file is compiled into several test projects.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>What is wrong with a manifest by the schema in docs.</summary>
    public static List<string> ManifestErrors(string manifest)
    {
        using JsonDocument schema = JsonDocument.Parse(File.ReadAllText(Path.Combine(Root, "docs", "lorq-manifest.schema.json")));
        using JsonDocument json = JsonDocument.Parse(manifest);
        return Errors(schema.RootElement, json.RootElement);
    }

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Compiler.sln")))
        {
            folder = folder.Parent;
        }
        return folder.FullName;
    }

    private static IEnumerable<string> Check(JsonElement root, JsonElement schema, JsonElement value, string path)
    {
        foreach (JsonProperty rule in schema.EnumerateObject().Where(r => !Annotations.Contains(r.Name)))
        {
            foreach (string error in Rule(root, schema, rule, value, path))
            {
                yield return error;
            }
        }
    }

    private static IEnumerable<string> Rule(JsonElement root, JsonElement schema, JsonProperty rule, JsonElement value, string path)
    {
        JsonElement r = rule.Value;
        bool isObject = value.ValueKind == JsonValueKind.Object;
        return rule.Name switch
        {
            "type" => Fail(!Types(r).Any(t => HasType(value, t)), $"{path} is no {r}"),
            "const" => Fail(!JsonElement.DeepEquals(r, value), $"{path} is not {r}"),
            "enum" => Fail(!r.EnumerateArray().Any(e => JsonElement.DeepEquals(e, value)), $"{path} is not one of {r}"),
            "minimum" => Fail(value.ValueKind == JsonValueKind.Number && value.GetDouble() < r.GetDouble(), $"{path} is below {r}"),
            "maximum" => Fail(value.ValueKind == JsonValueKind.Number && value.GetDouble() > r.GetDouble(), $"{path} is above {r}"),
            "minItems" => Fail(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() < r.GetInt32(), $"{path} is too short"),
            "uniqueItems" => Fail(
                value.ValueKind == JsonValueKind.Array
                    && value.EnumerateArray().Select(v => v.GetRawText()).Distinct().Count() < value.GetArrayLength(),
                $"{path} has an item twice"
            ),
            "anyOf" => Fail(!r.EnumerateArray().Any(s => !Check(root, s, value, path).Any()), $"{path} fits no form"),
            "not" => Fail(!Check(root, r, value, path).Any(), $"{path} fits what it must not"),
            "minLength" => Fail(
                value.ValueKind == JsonValueKind.String && value.GetString()!.Length < r.GetInt32(),
                $"{path} is too short"
            ),
            "pattern" => Fail(
                value.ValueKind == JsonValueKind.String && !Regex.IsMatch(value.GetString()!, r.GetString()!),
                $"{path} is not {r}"
            ),
            "required" => r.EnumerateArray()
                .Select(n => n.GetString()!)
                .Where(n => isObject && !value.TryGetProperty(n, out _))
                .Select(n => $"{path}.{n} is missing"),
            "dependentRequired" => r.EnumerateObject()
                .Where(p => isObject && value.TryGetProperty(p.Name, out _))
                .SelectMany(p => p.Value.EnumerateArray().Select(n => n.GetString()!))
                .Where(n => !value.TryGetProperty(n, out _))
                .Select(n => $"{path}.{n} is missing"),
            "properties" => r.EnumerateObject()
                .Where(p => isObject && value.TryGetProperty(p.Name, out _))
                .SelectMany(p => Check(root, p.Value, value.GetProperty(p.Name), $"{path}.{p.Name}")),
            "additionalProperties" => Members(value)
                .Where(p => !schema.GetProperty("properties").TryGetProperty(p.Name, out _))
                .Select(p => $"{path}.{p.Name} is unknown"),
            "items" => Elements(value).SelectMany((v, i) => Check(root, r, v, $"{path}[{i}]")),
            "oneOf" => Fail(r.EnumerateArray().Count(s => !Check(root, s, value, path).Any()) != 1, $"{path} fits not exactly one form"),
            "$ref" => Check(root, root.GetProperty("$defs").GetProperty(r.GetString()!["#/$defs/".Length..]), value, path),
            _ => [$"{path}: the schema uses '{rule.Name}'"],
        };
    }

    private static IEnumerable<string> Types(JsonElement type) =>
        type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(t => t.GetString()!) : [type.GetString()!];

    private static IEnumerable<JsonProperty> Members(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object ? value.EnumerateObject() : [];

    private static IEnumerable<JsonElement> Elements(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [];

    private static IEnumerable<string> Fail(bool failed, string error) => failed ? [error] : [];

    private static bool HasType(JsonElement value, string type) =>
        type switch
        {
            "object" => value.ValueKind == JsonValueKind.Object,
            "array" => value.ValueKind == JsonValueKind.Array,
            "string" => value.ValueKind == JsonValueKind.String,
            "number" => value.ValueKind == JsonValueKind.Number,
            "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "null" => value.ValueKind == JsonValueKind.Null,
            _ => false,
        };
}
