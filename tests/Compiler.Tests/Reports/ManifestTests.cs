using System.Security.Cryptography;
using System.Text.Json;
using Lorq.Calibration;
using Lorq.Onnx;
using Lorq.Reports;

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
    public void FollowsItsSchema()
    {
        using JsonDocument json = JsonDocument.Parse(Sample().ToJson());
        using JsonDocument schema = Schema();
        Assert.Equal([], SchemaValidation.Errors(schema.RootElement, json.RootElement));
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
        using JsonDocument json = JsonDocument.Parse(text.Replace(from, to));
        using JsonDocument schema = Schema();
        Assert.NotEmpty(SchemaValidation.Errors(schema.RootElement, json.RootElement));
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

    private static JsonDocument Schema() =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(TestData.Root, "docs", "lorq-manifest.schema.json")));

    private static Manifest Sample()
    {
        string hash = new('a', 64);
        return Manifest.Of(
            SampleReport.Full,
            new("encoder.lorq.onnx", hash, 14_655_432, []),
            new("encoder.onnx", hash, 300, [new("encoder.onnx.data", hash, 90_359_700, [])]),
            Inputs,
            Outputs,
            [("com.microsoft", 1), ("", 17)]
        );
    }
}
