using System.Security.Cryptography;
using System.Text.Json;
using Google.Protobuf;
using Lorq.Calibration;
using Lorq.Onnx;
using Lorq.Reports;
using Lorq.Tests.Models;
using Lorq.Tests.Rewriting;

namespace Lorq.Tests.Reports;

public class ManifestTests
{
    private static readonly TensorSignature[] Inputs =
    [
        new("input_ids", TensorProto.Types.DataType.Int64, [-1, -1], ["batch", "sequence"]),
        new("scale", TensorProto.Types.DataType.Float, [], []),
    ];

    private static readonly TensorSignature[] Outputs =
    [
        new("last_hidden_state", TensorProto.Types.DataType.Float, [-1, -1, 384], ["batch", "", ""]),
    ];

    [Fact]
    public void FollowsItsSchema() => Assert.Equal([], SchemaValidation.ManifestErrors(Sample().ToJson()));

    /// <summary>Inputs of an optional type may be left out, and from version 4 of the format on those with a value.</summary>
    [Theory]
    [InlineData(3, "maybe")]
    [InlineData(8, "maybe,scale")]
    public void OptionalInputsAreThoseThatACallMayLeaveOut(long version, string optional)
    {
        using var folder = new TemporaryFolder();
        SmallModel model = new SmallModel(17, version)
            .Input("x", TensorProto.Types.DataType.Float, -1, 4)
            .Input("maybe", TensorProto.Types.DataType.Float, 4)
            .Input("scale", TensorProto.Types.DataType.Float, 4)
            .Floats("scale", [4], [1, 1, 1, 1])
            .Node("Mul", "x,scale", "y")
            .Node("OptionalHasElement", "maybe", "has")
            .Output("y")
            .Output("has", TensorProto.Types.DataType.Bool);
        ValueInfoProto maybe = model.Proto.Graph.Input[1];
        maybe.Type = new TypeProto { OptionalType = new TypeProto.Types.Optional { ElemType = maybe.Type } };
        string path = folder.File("m.onnx");
        File.WriteAllBytes(path, model.Proto.ToByteArray());

        SignatureManifest signature = SignatureManifest.Of(path, default);
        Assert.Equal(["x"], signature.Inputs.Select(i => i.Name));
        Assert.Equal(optional.Split(','), signature.OptionalInputs.Select(i => i.Name));
        Assert.All(signature.OptionalInputs, i => Assert.Equal(new ManifestTensor(i.Name, "float", i.Dims), i));
        Assert.Equal([], SchemaValidation.ManifestErrors(signature.ToJson()));
        // ONNX Runtime, from whose statement the manifest of a compressed model is made, sees the same.
        using var runner = new ModelRunner(path);
        Assert.Equal(["x"], runner.Inputs.Select(i => i.Name));
        Assert.Equal(
            signature.OptionalInputs.Select(i => (i.Name, i.Dims[0].Length)),
            runner.OptionalInputs.Select(i => (i.Name, (long?)i.Shape[0]))
        );
    }

    [Fact]
    public void APartOfWhatComesWithAnOriginalIsNoManifest()
    {
        string text = Sample().ToJson();
        Assert.Equal(["$.target is missing"], SchemaValidation.ManifestErrors(text.Replace("  \"target\": \"ort\",\n", "")));
        Assert.Contains(
            "$.original is missing",
            SchemaValidation.ManifestErrors(System.Text.RegularExpressions.Regex.Replace(text, "  \"original\": (?s:.*?)\n  },\n", ""))
        );
    }

    [Theory]
    [InlineData("\"formatVersion\": 1", "\"formatVersion\": 2")]
    [InlineData("\"target\": \"ort\"", "\"target\": 3")]
    [InlineData("\"target\": \"ort\"", "\"goal\": \"ort\"")]
    [InlineData("\"sha256\": \"", "\"sha256\": \"x")]
    [InlineData("\"metric\": \"relative-mse\"", "\"metric\": \"psnr\"")]
    [InlineData("384", "-384")]
    public void TheSchemaRefusesWhatIsNoManifest(string from, string to)
    {
        string text = Sample().ToJson();
        Assert.Contains(from, text);
        Assert.NotEmpty(SchemaValidation.ManifestErrors(text.Replace(from, to)));
    }

    [Fact]
    public void DimensionsAreNumbersNamesOrNull()
    {
        using JsonDocument json = JsonDocument.Parse(Sample().ToJson());
        JsonElement output = json.RootElement.GetProperty("outputs")[0];
        Assert.Equal("[\"batch\",null,384]", JsonSerializer.Serialize(output.GetProperty("dims")));
        Assert.Equal("float", output.GetProperty("elementType").GetString());
        Assert.Equal(0, json.RootElement.GetProperty("inputs")[1].GetProperty("dims").GetArrayLength());
    }

    [Fact]
    public void ComesBackAsItWasAndIsTheSameTextTwice()
    {
        Manifest manifest = Sample();
        Assert.Equal(manifest.ToJson(), Sample().ToJson());
        Manifest back = Manifest.FromJson(manifest.ToJson());
        Assert.Equivalent(manifest, back, strict: true);
        Assert.Equal(manifest.ToJson(), back.ToJson());
    }

    [Fact]
    public void HoldsNoFolderOfThisMachine() => Assert.DoesNotContain("models/", Sample().ToJson());

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"model\":")]
    public void MalformedTextIsAJsonError(string text) => Assert.Throws<JsonException>(() => Manifest.FromJson(text));

    [Fact]
    public void FilesAreHashedWithTheirExternalData()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("lorq-manifest");
        try
        {
            string model = Path.Combine(folder.FullName, "m.onnx");
            byte[] content = [.. Enumerable.Range(0, 3_000_000).Select(i => (byte)i)];
            File.WriteAllBytes(model, content);
            File.WriteAllBytes(model + ".data", [1, 2, 3]);
            var file = ManifestFile.Of(model, ["m.onnx.data", "m.onnx.data"]);
            Assert.Equal(("m.onnx", 3_000_000L), (file.File, file.Bytes));
            Assert.Equal(Convert.ToHexString(SHA256.HashData(content)), file.Sha256, ignoreCase: true);
            ManifestFile external = Assert.Single(file.ExternalData);
            Assert.Equal(("m.onnx.data", 3L), (external.File, external.Bytes));
            Assert.Throws<OperationCanceledException>(() => ManifestFile.Of(model, [], new CancellationToken(true)));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Manifest Sample()
    {
        string hash = new('a', 64);
        return Manifest.Of(
            SampleReport.Full,
            new("encoder.lorq.onnx", hash, 14_655_432, []),
            new("encoder.onnx", hash, 300, [new("encoder.onnx.data", hash, 90_359_700, [])]),
            Inputs,
            [new("adapter_a", TensorProto.Types.DataType.Float, [64, -1], ["", "rank"])],
            Outputs,
            [("com.microsoft", 1), ("", 17)]
        );
    }
}
