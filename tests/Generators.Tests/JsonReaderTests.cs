using System.Text.Json;
using Lorq.Generators.Manifests;

namespace Lorq.Generators.Tests;

/// <summary>The reader takes and refuses what System.Text.Json does, and reads the same from it.</summary>
public class JsonReaderTests
{
    [Fact]
    public void MutatedManifestsAreReadAsSystemTextJsonReadsThem()
    {
        string original = ManifestText.MiniLm().Replace("minilm.onnx", @"m\u00ef\n \""x\"".onnx", StringComparison.Ordinal);
        const string Characters = "{}[]\",:0123456789-+.eE\\/bfnrtu \n\taxé";
        var random = new Random(8);
        int valid = 0;
        for (int trial = 0; trial < 20000; trial++)
        {
            char[] text = original.ToCharArray();
            for (int edit = random.Next(0, 3); edit >= 0; edit--)
            {
                text[random.Next(text.Length)] = Characters[random.Next(Characters.Length)];
            }
            valid += Agree(new string(text)) ? 1 : 0;
        }
        Assert.InRange(valid, 1000, 19000);
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("{")]
    [InlineData("[1,]")]
    [InlineData("{\"a\":1,}")]
    [InlineData("01")]
    [InlineData("-")]
    [InlineData("1.")]
    [InlineData("1e")]
    [InlineData("1e+5")]
    [InlineData("-0.5E-3")]
    [InlineData("\"\\x\"")]
    [InlineData("\"\\u12g4\"")]
    [InlineData("\"\\u 123\"")]
    [InlineData("\"\t\"")]
    [InlineData("truex")]
    [InlineData("nul")]
    [InlineData("1 2")]
    [InlineData("// c\n1")]
    [InlineData(" [ ] ")]
    [InlineData("{ \"a\" : { } }")]
    public void ShortTextsAreReadAsSystemTextJsonReadsThem(string text) => Agree(text);

    [Fact]
    public void DepthAndRepeatedNamesAreRefused()
    {
        Assert.Throws<JsonFault>(() => JsonReader.Read(new string('[', 100000)));
        JsonFault fault = Assert.Throws<JsonFault>(() => JsonReader.Read("{\"a\":1, \"a\":2}"));
        Assert.Equal(8, fault.Offset);
    }

    private static bool Agree(string text)
    {
        JsonDocument? expected = null;
        try
        {
            expected = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException) { }
        JsonValue? actual = null;
        try
        {
            actual = JsonReader.Read(text);
        }
        catch (JsonFault fault)
        {
            Assert.InRange(fault.Offset, 0, text.Length);
        }
        Assert.True(expected is null == actual is null, text);
        if (expected is not null)
        {
            Same(expected.RootElement, actual!);
        }
        return expected is not null;
    }

    private static void Same(JsonElement expected, JsonValue actual)
    {
        Assert.Equal(expected.ValueKind.ToString(), actual.Kind.ToString());
        switch (expected.ValueKind)
        {
            case JsonValueKind.String:
                Assert.Equal(expected.GetString(), actual.Text);
                break;
            case JsonValueKind.Number:
                Assert.Equal(expected.GetRawText(), actual.Text);
                break;
            case JsonValueKind.Array:
                Assert.Equal(expected.GetArrayLength(), actual.Items.Count);
                foreach ((JsonElement e, JsonValue a) in expected.EnumerateArray().Zip(actual.Items))
                {
                    Same(e, a);
                }
                break;
            case JsonValueKind.Object:
                Assert.Equal(expected.EnumerateObject().Count(), actual.Members.Count);
                foreach (JsonProperty member in expected.EnumerateObject())
                {
                    Same(member.Value, actual.Members[member.Name]);
                }
                break;
            default:
                break;
        }
    }
}
