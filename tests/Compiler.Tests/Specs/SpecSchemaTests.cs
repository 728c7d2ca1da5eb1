using System.Text;
using System.Text.Json;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Specs;
using Lorq.Tests.Models;
using Lorq.Tests.Reports;

namespace Lorq.Tests.Specs;

/// <summary>The schema and the parser are made from one table; here both judge the same specs.</summary>
public class SpecSchemaTests
{
    private static readonly JsonDocumentOptions Comments = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    [Fact]
    public void HasEveryKey()
    {
        using JsonDocument schema = JsonDocument.Parse(SpecDocs.Schema());
        foreach (SpecKey<CompressionSpec> key in SpecKeys.All)
        {
            JsonElement place = schema.RootElement;
            foreach (string part in key.Path.Split('.'))
            {
                place = place.GetProperty("properties").GetProperty(part);
            }
            Assert.Equal(key.Description, place.GetProperty("description").GetString());
        }
        JsonElement item = schema.RootElement.GetProperty("properties").GetProperty("overrides").GetProperty("items");
        Assert.Equal(SpecKeys.Override.Select(k => k.Path), item.GetProperty("properties").EnumerateObject().Select(p => p.Name));
    }

    [Fact]
    public void DefaultsAreWhatTheParserTakesForAnAbsentKey()
    {
        using JsonDocument schema = JsonDocument.Parse(SpecDocs.Schema());
        CompressionSpec empty = SpecParser.Parse("{}"u8.ToArray(), "s.json");
        foreach (SpecKey<CompressionSpec> key in SpecKeys.All)
        {
            JsonElement place = schema.RootElement;
            foreach (string part in key.Path.Split('.'))
            {
                place = place.GetProperty("properties").GetProperty(part);
            }
            string? declared = place.TryGetProperty("default", out JsonElement d)
                ? d.GetRawText().ReplaceLineEndings("").Replace(" ", "")
                : null;
            Assert.Equal(SpecJson.Value(key.Get(empty))?.ToJsonString(), declared);
        }
    }

    /// <summary>An editor must not find fault with what 'lorq init' writes.</summary>
    [Fact]
    public void StartingSpecFitsTheSchema()
    {
        using var folder = new TemporaryFolder();
        using OnnxModel model = folder.Load(Fixture.Linear(64, 48));
        using JsonDocument schema = JsonDocument.Parse(SpecDocs.Schema());
        using JsonDocument spec = JsonDocument.Parse(SpecDocs.Template(model), Comments);
        Assert.Equal([], SchemaValidation.Errors(schema.RootElement, spec.RootElement));
    }

    [Theory]
    [InlineData("{}", true)]
    [InlineData("{ \"budget\": \"25%\", \"$schema\": \"x\" }", true)]
    [InlineData("{ \"budget\": 12299000 }", true)]
    [InlineData("{ \"budget\": true }", false)]
    [InlineData("{ \"bugdet\": \"25%\" }", false)]
    [InlineData("{ \"$schema\": 1 }", false)]
    [InlineData("{ \"threads\": 1024 }", true)]
    [InlineData("{ \"threads\": 1025 }", false)]
    [InlineData("{ \"threads\": 1.5 }", false)]
    [InlineData("{ \"externalData\": \"yes\" }", false)]
    [InlineData("{ \"exclude\": [] }", true)]
    [InlineData("{ \"exclude\": [\"\"] }", false)]
    [InlineData("{ \"exclude\": \"x\" }", false)]
    [InlineData("{ \"menu\": { \"bits\": [2, 8] } }", true)]
    [InlineData("{ \"menu\": { \"bits\": [7] } }", false)]
    [InlineData("{ \"menu\": { \"bits\": [] } }", false)]
    [InlineData("{ \"menu\": { \"bits\": [4, 4] } }", false)]
    [InlineData("{ \"menu\": { \"blocks\": [0] } }", true)]
    [InlineData("{ \"menu\": { \"methods\": [\"auto\", \"gptq\"] } }", true)]
    [InlineData("{ \"menu\": { \"methods\": [\"awq\"] } }", false)]
    [InlineData("{ \"menu\": 4 }", false)]
    [InlineData("{ \"calibration\": { \"mask\": \"\" } }", false)]
    [InlineData("{ \"calibration\": { \"heldOut\": 0.95 } }", false)]
    [InlineData("{ \"calibration\": { \"heldOut\": 0.9 } }", true)]
    [InlineData("{ \"accuracy\": { \"metric\": \"kl\", \"limit\": 0.1 } }", true)]
    [InlineData("{ \"accuracy\": { \"metric\": \"kl\", \"limit\": -0.1 } }", false)]
    [InlineData("{ \"accuracy\": { \"metric\": \"psnr\", \"limit\": 1 } }", false)]
    [InlineData("{ \"accuracy\": { \"metric\": \"kl\" } }", false)]
    [InlineData("{ \"accuracy\": { \"limit\": 0.5 } }", false)]
    [InlineData("{ \"accuracy\": {} }", true)]
    [InlineData("{ \"overrides\": [{ \"match\": \"x\", \"keep\": true }] }", true)]
    [InlineData("{ \"overrides\": [{ \"match\": \"x\", \"keep\": true, \"bits\": [4] }] }", false)]
    [InlineData("{ \"overrides\": [{ \"match\": \"x\", \"keep\": false, \"bits\": [4] }] }", true)]
    [InlineData("{ \"overrides\": [{ \"match\": \"x\" }] }", false)]
    [InlineData("{ \"overrides\": [{ \"bits\": [4] }] }", false)]
    [InlineData("{ \"overrides\": [{ \"match\": \"x\", \"kind\": \"Conv\", \"bits\": [4] }] }", true)]
    [InlineData("{ \"overrides\": [{ \"match\": \"x\", \"kind\": \"conv\", \"bits\": [4] }] }", false)]
    public void AgreesWithTheParser(string text, bool valid)
    {
        using JsonDocument schema = JsonDocument.Parse(SpecDocs.Schema());
        using JsonDocument spec = JsonDocument.Parse(text, Comments);
        Assert.Equal(valid, SchemaValidation.Errors(schema.RootElement, spec.RootElement).Count == 0);
        Exception? refused = Record.Exception(() => SpecParser.Parse(Encoding.UTF8.GetBytes(text), "s.json"));
        Assert.Equal(valid, refused is null);
        Assert.True(refused is null or LorqException);
    }
}
