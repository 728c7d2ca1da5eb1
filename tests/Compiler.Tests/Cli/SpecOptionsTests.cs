using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Lorq.Cli;
using Lorq.Diagnostics;
using Lorq.Specs;

namespace Lorq.Tests.Cli;

/// <summary>Every key of the spec has an option of <c>compress</c>, and the option says what the key says.</summary>
public class SpecOptionsTests
{
    /// <summary>A value of each key that is not its default, as JSON.</summary>
    private static readonly Dictionary<string, string> Values = new()
    {
        ["budget"] = "\"14.66MB\"",
        ["maxLoss"] = "0.01",
        ["target"] = "\"onnx\"",
        ["activations"] = "\"exact\"",
        ["threads"] = "2",
        ["externalData"] = "true",
        ["exclude"] = "[\"a,*\",\"b?\"]",
        ["calibration.data"] = "[\"x, y.npz\",\"z/*.npz\"]",
        ["calibration.batchSize"] = "3",
        ["calibration.maxSamples"] = "10",
        ["calibration.heldOut"] = "0.5",
        ["calibration.mask"] = "\"m\"",
        ["calibration.memoryCap"] = "2097152",
        ["menu.bits"] = "[4,8]",
        ["menu.blocks"] = "[0,32]",
        ["menu.methods"] = "[\"rtn\",\"hqq\"]",
        ["menu.symmetry"] = "\"asymmetric\"",
        ["menu.scales"] = "\"fp32\"",
        ["menu.codebooks"] = "true",
        ["menu.ranks"] = "[0,16]",
        ["menu.factorBits"] = "[8]",
        ["menu.decompositions"] = "[\"svd\",\"lq-lora\"]",
        ["accuracy.metric"] = "\"kl\"",
        ["accuracy.limit"] = "0.125",
    };

    public static TheoryData<string> Keys => [.. SpecKeys.All.Select(k => k.Path)];

    [Theory]
    [MemberData(nameof(Keys))]
    public void AnOptionSaysWhatItsKeySays(string path)
    {
        // Half a limit is none: both keys come together.
        string[] paths = path.StartsWith("accuracy.", StringComparison.Ordinal) ? ["accuracy.metric", "accuracy.limit"] : [path];
        var root = new JsonObject();
        var arguments = new List<string>();
        foreach (string p in paths)
        {
            string[] parts = p.Split('.');
            JsonObject place = parts.Length == 1 ? root : (JsonObject)(root[parts[0]] ??= new JsonObject());
            JsonNode value = JsonNode.Parse(Values[p])!;
            place[parts[^1]] = value;
            arguments.Add(SpecOptions.Name(p));
            arguments.AddRange(value is JsonArray items ? items.Select(i => i!.ToString()) : [value.ToString()]);
        }
        CompressionSpec fromFile = SpecParser.Parse(Encoding.UTF8.GetBytes(root.ToJsonString()), "s.json");
        string expected = SpecJson.Write(fromFile);
        Assert.Equal(expected, SpecJson.Write(Apply(new CompressionSpec(), [.. arguments])));
        Assert.NotEqual(SpecJson.Write(new CompressionSpec()), expected);
    }

    [Fact]
    public void OptionsHaveNamesOfTheirOwn()
    {
        string[] names = [.. SpecKeys.All.Select(k => SpecOptions.Name(k.Path))];
        Assert.Equal(names.Length, names.Distinct().Count());
        Assert.All(names, n => Assert.Matches("^--[a-z0-9]+(-[a-z0-9]+)*$", n));
        Assert.Contains("--calibration", names);
        Assert.Contains("--bits", names);
        Assert.Contains("--external-data", names);
    }

    [Fact]
    public void OptionsOverrideTheSpecAndLeaveTheRest()
    {
        CompressionSpec spec = SpecParser.Parse(
            "{ \"budget\": \"25%\", \"externalData\": true, \"menu\": { \"bits\": [2, 3], \"blocks\": [64] }, \"accuracy\": { \"metric\": \"kl\", \"limit\": 0.1 } }"u8.ToArray(),
            "s.json"
        );
        CompressionSpec both = Apply(spec, ["--bits", "4,8", "--external-data", "false", "--accuracy-limit", "0.2"]);
        Assert.Equal([4, 8], both.Menu.Bits);
        Assert.Equal([64], both.Menu.Blocks);
        Assert.False(both.ExternalData);
        Assert.Equal(new AccuracyLimit("kl", 0.2), both.Accuracy);
        Assert.Equal(new SizeBudget.Percent(25), both.Budget);
        Assert.Equal(SpecJson.Write(spec), SpecJson.Write(Apply(spec, [])));
    }

    [Theory]
    [InlineData("--bits 4,8")]
    [InlineData("--bits 4 8")]
    [InlineData("--bits 4 --bits 8")]
    public void ListsCanBeWrittenAsShellsAllow(string line) =>
        Assert.Equal([4, 8], Apply(new CompressionSpec(), line.Split(' ')).Menu.Bits);

    [Theory]
    [InlineData("--accuracy-metric top1 --accuracy-limit 99", "LORQ0902")]
    [InlineData("--accuracy-limit 0.5", "LORQ0902")]
    [InlineData("--accuracy-metric kl --accuracy-limit nan", "LORQ0204")]
    [InlineData("--held-out 2", "LORQ0204")]
    [InlineData("--methods awq", "LORQ0204")]
    [InlineData("--target tflite", "LORQ0204")]
    [InlineData("--threads two", "LORQ0204")]
    public void WrongValuesAreRefused(string line, string id)
    {
        LorqException e = Assert.Throws<LorqException>(() => Apply(new CompressionSpec(), line.Split(' ')));
        Assert.Equal(id, e.Diagnostic.Id);
    }

    private static CompressionSpec Apply(CompressionSpec spec, string[] arguments)
    {
        var command = new Command("compress");
        var options = new SpecOptions(command);
        ParseResult parsed = command.Parse(arguments);
        Assert.Empty(parsed.Errors);
        return options.Apply(spec, parsed);
    }
}
