using System.Text.Json;
using System.Text.Json.Nodes;
using Lorq.Runtime;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Generators.Tests;

/// <summary>Manifests for tests.</summary>
internal static class ManifestText
{
    /// <summary>A tensor as manifests write it: <c>name: type[dims]</c>, dims as in ONNX, <c>?</c> for nothing known.</summary>
    public static JsonObject Tensor(string name, string type, params string[] dims) =>
        new()
        {
            ["name"] = name,
            ["elementType"] = type,
            ["dims"] = new JsonArray([
                .. dims.Select(d =>
                    d == "?" ? null
                    : long.TryParse(d, out long length) ? JsonValue.Create(length)
                    : (JsonNode)JsonValue.Create(d)
                ),
            ]),
        };

    /// <summary>A manifest that was made without compressing: the signature alone.</summary>
    public static JsonObject Signature(IEnumerable<JsonObject> inputs, IEnumerable<JsonObject> outputs) =>
        new()
        {
            ["formatVersion"] = 1,
            ["inputs"] = new JsonArray([.. inputs]),
            ["outputs"] = new JsonArray([.. outputs]),
        };

    /// <summary>The manifest of a model, from what ONNX Runtime says of it.</summary>
    public static string Of(byte[] model)
    {
        using LorqSession session = LorqSession.Load(model);
        JsonObject manifest = Signature(session.Inputs.Select(Tensor), session.Outputs.Select(Tensor));
        manifest["optionalInputs"] = new JsonArray([.. session.OptionalInputs.Select(Tensor)]);
        return manifest.ToJsonString();
    }

    /// <summary>What Lorq wrote for MiniLM.</summary>
    public static string MiniLm()
    {
        JsonObject manifest = Signature(
            [
                Tensor("input_ids", "int64", "batch", "sequence"),
                Tensor("attention_mask", "int64", "batch", "sequence"),
                Tensor("token_type_ids", "int64", "batch", "sequence"),
            ],
            [Tensor("last_hidden_state", "float", "batch", "sequence", "384")]
        );
        manifest["model"] = File("minilm.lorq.onnx", 12298796);
        manifest["original"] = File("minilm.onnx", 90359559);
        manifest["loss"] = JsonNode.Parse("""{"metric":"relative-mse","predicted":0.01129,"measured":0.010583216096726253}""");
        return manifest.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
    }

    private static JsonObject File(string file, long bytes) =>
        new()
        {
            ["file"] = file,
            ["sha256"] = new string('0', 64),
            ["bytes"] = bytes,
            ["externalData"] = new JsonArray(),
        };

    private static JsonObject Tensor(TensorInfo info) =>
        info.Kind == OnnxValueType.ONNX_TYPE_TENSOR
            ? Tensor(info.Name, info.ElementType.ToString().ToLowerInvariant(), [.. info.Dimensions.Select(d => d.ToString())])
            : Tensor(info.Name, "undefined");
}
