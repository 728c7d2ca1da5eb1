using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Lorq.Runtime.Tests.Sessions;

/// <summary>Models against the manifests beside them.</summary>
public sealed class ManifestTests(CompressedModel compressed) : IClassFixture<CompressedModel>, IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("lorq-manifest-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void What_the_compiler_writes_is_verified()
    {
        using LorqSession session = LorqSession.Load(compressed.ModelPath, new() { ManifestCheck = ManifestCheck.Required });
        Assert.True(session.IsVerified);
        using LorqSession memory = LorqSession.Load(
            File.ReadAllBytes(compressed.ModelPath),
            new() { ManifestPath = compressed.ManifestPath }
        );
        Assert.True(memory.IsVerified);
        using LorqSession off = LorqSession.Load(compressed.ModelPath, new() { ManifestCheck = ManifestCheck.Off });
        Assert.False(off.IsVerified);
    }

    [Fact]
    public void A_changed_model_is_refused_with_both_hashes()
    {
        (string model, string manifest) = Copy();
        byte[] bytes = File.ReadAllBytes(model);
        string expected = Convert.ToHexStringLower(SHA256.HashData(bytes));
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(model, bytes);
        string found = Convert.ToHexStringLower(SHA256.HashData(bytes));
        var e = Assert.Throws<ManifestException>(() => LorqSession.Load(model));
        Assert.Equal((model, expected, found), (e.File, e.Expected, e.Found));
        Assert.Contains($"expected SHA-256 {expected}, found {found}", e.Message, StringComparison.Ordinal);
        Assert.Throws<ManifestException>(() => LorqSession.Load(bytes, new() { ManifestPath = manifest }));
    }

    [Fact]
    public void Data_files_are_compared_too()
    {
        (string model, string manifest) = Copy();
        string data = Path.Combine(folder.FullName, "weights.data");
        File.WriteAllBytes(data, [1, 2, 3]);
        Edit(manifest, m => Data(m, "weights.data", Convert.ToHexStringLower(SHA256.HashData([1, 2, 3]))));
        using (LorqSession session = LorqSession.Load(model))
        {
            Assert.True(session.IsVerified);
        }
        File.WriteAllBytes(data, [1, 2, 4]);
        Assert.Equal(data, Assert.Throws<ManifestException>(() => LorqSession.Load(model)).File);
        File.Delete(data);
        Assert.Equal(data, Assert.Throws<ManifestException>(() => LorqSession.Load(model)).File);
        Edit(manifest, m => Data(m, "../weights.data", ""));
        Assert.Contains("outside", Assert.Throws<ManifestException>(() => LorqSession.Load(model)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_manifest_matters_where_one_is_required()
    {
        (string model, string manifest) = Copy();
        File.Delete(manifest);
        using (LorqSession session = LorqSession.Load(model))
        {
            Assert.False(session.IsVerified);
        }
        var required = new LorqSessionOptions { ManifestCheck = ManifestCheck.Required };
        Assert.Equal(manifest, Assert.Throws<ManifestException>(() => LorqSession.Load(model, required)).File);
        Assert.Throws<ManifestException>(() => LorqSession.Load(model, new() { ManifestPath = manifest }));
        Assert.Throws<ManifestException>(() => LorqSession.Load(File.ReadAllBytes(model), required));
        // A file of another program's that has the manifest's name.
        File.WriteAllText(manifest, """{"architectures": ["BertModel"]}""");
        using (LorqSession session = LorqSession.Load(model))
        {
            Assert.False(session.IsVerified);
        }
        Assert.Throws<ManifestException>(() => LorqSession.Load(model, required));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("""{"lorq": "0.1.0"}""")]
    [InlineData("""{"lorq": "0.1.0", "formatVersion": 2}""")]
    [InlineData("""{"lorq": "0.1.0", "formatVersion": "one"}""")]
    [InlineData("""{"lorq": "0.1.0", "formatVersion": 1, "model": {"sha256": 5, "externalData": []}}""")]
    [InlineData("""{"lorq": "0.1.0", "formatVersion": 1, "model": {"sha256": null, "externalData": []}}""")]
    public void A_broken_manifest_is_named(string json)
    {
        (string model, string manifest) = Copy();
        File.WriteAllText(manifest, json);
        var e = Assert.Throws<ManifestException>(() => LorqSession.Load(model));
        Assert.Contains(e.File, new[] { manifest, model });
    }

    private static void Data(JsonNode manifest, string file, string hash) =>
        manifest["model"]!["externalData"] = new JsonArray(
            new JsonObject
            {
                ["file"] = file,
                ["sha256"] = hash,
                ["bytes"] = 3,
                ["externalData"] = new JsonArray(),
            }
        );

    private static void Edit(string path, Action<JsonNode> change)
    {
        JsonNode json = JsonNode.Parse(File.ReadAllText(path))!;
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }

    private (string Model, string Manifest) Copy()
    {
        string model = Path.Combine(folder.FullName, Path.GetFileName(compressed.ModelPath));
        string manifest = Path.Combine(folder.FullName, Path.GetFileName(compressed.ManifestPath));
        File.Copy(compressed.ModelPath, model);
        File.Copy(compressed.ManifestPath, manifest);
        return (model, manifest);
    }
}
