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
            ["model"] = File("model.onnx", 1),
            ["inputs"] = new JsonArray([.. inputs]),
            ["optionalInputs"] = new JsonArray(),
            ["outputs"] = new JsonArray([.. outputs]),
            ["opsets"] = new JsonArray(),
            ["lorq"] = "0.1.0",
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
        manifest["target"] = "ort";
        manifest["budget"] = JsonNode.Parse("""{"text":"12299000","bytes":12299000}""");
        manifest["choices"] = new JsonArray();
        manifest["divergence"] = new JsonArray();
        manifest["onnxRuntime"] = "1.31.1";
        return manifest.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
    }

    /// <summary>A decoder with a cache, and a low-rank pair that adapters replace.</summary>
    public static string Decoder()
    {
        JsonObject manifest = Signature(
            [
                Tensor("input_ids", "int64", "batch", "sequence"),
                Tensor("past_key_values.0.key", "float", "batch", "4", "past", "16"),
                Tensor("past_key_values.0.value", "float", "batch", "4", "past", "16"),
            ],
            [
                Tensor("logits", "float", "batch", "sequence", "512"),
                Tensor("present.0.key", "float", "batch", "4", "total", "16"),
                Tensor("present.0.value", "float", "batch", "4", "total", "16"),
            ]
        );
        manifest["optionalInputs"] = new JsonArray(Tensor("adapter_a", "float", "64", "rank"), Tensor("adapter_b", "float", "rank", "64"));
        return manifest.ToJsonString();
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
