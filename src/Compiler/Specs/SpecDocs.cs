using System.Text;
using System.Text.Json.Nodes;
using Lorq.Models;
using Lorq.Sites;

namespace Lorq.Specs;

/// <summary>What is made from the declarations of the keys besides the parser: JSON Schema, the documentation's table, a starting spec.</summary>
public static class SpecDocs
{
    /// <summary>The JSON Schema that editors use.</summary>
    public static string Schema()
    {
        JsonObject properties = Properties(SpecKeys.All, new CompressionSpec());
        string[] choices = ["bits", "blocks", "methods", "ranks", "minBits", "maxBits"];
        JsonObject item = new()
        {
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["required"] = new JsonArray("match"),
            ["anyOf"] = new JsonArray([.. choices.Prepend("keep").Select(Requires)]),
            // What is kept chooses nothing.
            ["not"] = new JsonObject
            {
                ["required"] = new JsonArray("keep"),
                ["properties"] = new JsonObject { ["keep"] = new JsonObject { ["const"] = true } },
                ["anyOf"] = new JsonArray([.. choices.Select(Requires)]),
            },
            ["properties"] = Properties(SpecKeys.Override, new SiteOverride { Match = "" }),
        };
        properties["overrides"] = new JsonObject
        {
            ["type"] = "array",
            ["description"] = "Settings for the sites that a pattern names; the last that fits a site wins.",
            ["items"] = item,
        };
        properties["$schema"] = new JsonObject { ["type"] = "string", ["description"] = "Where this schema is, for editors." };
        // A limit says nothing without what it limits; a section with neither, as a starting spec has it, sets no limit.
        properties["accuracy"]!["dependentRequired"] = new JsonObject
        {
            ["metric"] = new JsonArray("limit"),
            ["limit"] = new JsonArray("metric"),
        };
        return SpecJson.Text(
            new JsonObject
            {
                ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
                ["title"] = "Lorq compression spec",
                ["type"] = "object",
                ["additionalProperties"] = false,
                ["properties"] = properties,
            }
        );
    }

    /// <summary>The table of docs/spec.md.</summary>
    public static string Table()
    {
        var text = new StringBuilder("| key | value | default | meaning |\n|---|---|---|---|\n");
        Rows(text, SpecKeys.All, new CompressionSpec(), "");
        Rows(text, SpecKeys.Override, new SiteOverride { Match = "" }, "overrides[].");
        return text.ToString();
    }

    /// <summary>A commented spec to start from, with the model's inputs and largest weights named.</summary>
    public static string Template(OnnxModel model)
    {
        SiteTable table = SiteFinder.Find(model, new CompressionSpec());
        var text = new StringBuilder("// What 'lorq compress --spec' does with ");
        text.Append(InComment(Path.GetFileName(model.Path)))
            .Append(".\n// Every key may be left out; the values here are the defaults, except the budget. docs/spec.md explains them.\n");
        text.Append("// Inputs: ")
            .AppendJoin(", ", model.Proto.Graph.Input.Select(i => InComment(i.Name)))
            .Append(" (calibration arrays carry these names).\n// Largest weights: ")
            .AppendJoin(
                ", ",
                table.Sites.OrderByDescending(s => s.StoredBytes).Take(4).Select(s => $"{InComment(s.Name)} ({s.Kind} {s.K}×{s.N})")
            )
            .Append(".\n{\n")
            .Append("  // For completion in an editor: lorq schema > lorq-spec.schema.json\n")
            .Append("  // \"$schema\": \"./lorq-spec.schema.json\",\n");
        var defaults = new CompressionSpec { Budget = new SizeBudget.Percent(25) };
        string section = "";
        foreach (SpecKey<CompressionSpec> key in SpecKeys.All)
        {
            string[] path = key.Path.Split('.');
            string name = path.Length > 1 ? path[0] : "";
            if (name != section)
            {
                text.Append(section.Length > 0 ? "  },\n" : "").Append(name.Length > 0 ? $"  \"{name}\": {{\n" : "");
                section = name;
            }
            string indent = name.Length > 0 ? "    " : "  ";
            text.Append(indent).Append("// ").Append(key.Description).Append(" Wants ").Append(key.Expected).Append(".\n");
            JsonNode? value = SpecJson.Value(key.Get(defaults));
            // Keys without a default are shown as comments.
            text.Append(indent).Append(value is null ? "// " : "").Append($"\"{path[^1]}\": {value?.ToJsonString() ?? "…"},\n");
        }
        text.Append(
            "  },\n  // Settings for some weights only, for example { \"match\": \"*attention*\", \"bits\": [4, 8] }.\n  \"overrides\": []\n}\n"
        );
        return text.ToString();
    }

    private static JsonObject Requires(string key) => new() { ["required"] = new JsonArray(key) };

    // A line end in a name would end the comment (JSON's comments know U+2028 and U+2029 too).
    private static string InComment(string name) =>
        new([.. SpecNode.Excerpt(name).Select(c => char.IsControl(c) || c is '\u2028' or '\u2029' ? ' ' : c)]);

    private static JsonObject Properties<T>(IReadOnlyList<SpecKey<T>> keys, T defaults)
    {
        var properties = new JsonObject();
        foreach (SpecKey<T> key in keys)
        {
            string[] path = key.Path.Split('.');
            JsonObject place = properties;
            if (path.Length > 1)
            {
                place = (JsonObject)
                    (
                        properties[path[0]] ??= new JsonObject
                        {
                            ["type"] = "object",
                            ["additionalProperties"] = false,
                            ["properties"] = new JsonObject(),
                        }
                    )["properties"]!;
            }
            JsonObject schema = Schema(key);
            if (key.Get(defaults) is { } value and not "")
            {
                schema["default"] = SpecJson.Value(value);
            }
            place[path[^1]] = schema;
        }
        return properties;
    }

    private static JsonObject Schema<T>(SpecKey<T> key)
    {
        bool isList = key.Type is SpecType.TextList or SpecType.IntegerList;
        var value = new JsonObject
        {
            ["type"] = key.Type switch
            {
                SpecType.Number => "number",
                SpecType.Integer or SpecType.IntegerList => "integer",
                SpecType.Boolean => "boolean",
                _ => key.AcceptsNumber ? new JsonArray("string", "number") : "string",
            },
        };
        if (key.Choices is { } choices)
        {
            value["enum"] = new JsonArray([
                .. choices()
                    .Select(c => key.Type == SpecType.IntegerList ? (JsonNode)JsonValue.Create(long.Parse(c)) : JsonValue.Create(c)!),
            ]);
        }
        if (double.IsFinite(key.Minimum))
        {
            value["minimum"] = key.Minimum;
        }
        if (double.IsFinite(key.Maximum))
        {
            value["maximum"] = key.Maximum;
        }
        if (key is { Type: SpecType.Text or SpecType.TextList, Choices: null, AcceptsNumber: false })
        {
            value["minLength"] = 1;
        }
        JsonObject schema = isList ? new JsonObject { ["type"] = "array", ["items"] = value } : value;
        if (key.IsSelection)
        {
            schema["minItems"] = 1;
            schema["uniqueItems"] = true;
        }
        schema["description"] = key.Description;
        return schema;
    }

    private static void Rows<T>(StringBuilder text, IReadOnlyList<SpecKey<T>> keys, T defaults, string prefix)
    {
        foreach (SpecKey<T> key in keys)
        {
            object? value = key.Get(defaults);
            string shown = value is null or "" ? "–" : $"`{SpecJson.Value(value)!.ToJsonString()}`";
            text.Append($"| `{prefix}{key.Path}` | {key.Expected} | {shown} | {key.Description.Replace("<", "\\<")} |\n");
        }
    }
}
