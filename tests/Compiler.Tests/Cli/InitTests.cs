using Lorq.Models;
using Lorq.Onnx;
using Lorq.Specs;
using Lorq.Tests.Models;

namespace Lorq.Tests.Cli;

public class InitTests
{
    [Fact]
    public void TheStartingSpecIsTheDefaultsWithABudget()
    {
        using var folder = new TemporaryFolder();
        string model = folder.Write(Fixture.Linear(64, 48));
        (int code, string output, string error) = LorqProcess.Run("init", model);
        Assert.Equal((0, ""), (code, error));
        string spec = folder.File("model.spec.json");
        Assert.Contains(spec, output);
        string text = File.ReadAllText(spec);
        Assert.Contains("Inputs: x ", text);
        Assert.Contains("W (MatMul 64×48)", text);
        Assert.All(SpecKeys.All, k => Assert.Contains(k.Description, text));
        Assert.Equal(SpecJson.Write(new CompressionSpec { Budget = new SizeBudget.Percent(25) }), SpecJson.Write(SpecParser.Parse(spec)));
        // What stands commented out is right too once it is filled in.
        string filled = text.Replace("// \"$schema\"", "\"$schema\"").Replace("// \"maxSamples\": …", "\"maxSamples\": 3");
        Assert.Equal(3, SpecParser.Parse(System.Text.Encoding.UTF8.GetBytes(filled), "s.json").Calibration.MaxSamples);
        Assert.Equal(["model.onnx", "model.spec.json"], folder.Names());
    }

    [Fact]
    public void DoesNotOverwriteUnasked()
    {
        using var folder = new TemporaryFolder();
        string model = folder.Write(Fixture.Linear());
        string spec = folder.File("mine.json");
        File.WriteAllText(spec, "mine");
        (int code, _, string error) = LorqProcess.Run("init", model, "-o", spec);
        Assert.Equal(1, code);
        Assert.Contains("LORQ0903", error);
        Assert.Equal("mine", File.ReadAllText(spec));
        Assert.Equal(0, LorqProcess.Run("init", model, "-o", spec, "--force").Code);
        Assert.NotEqual("mine", File.ReadAllText(spec));
        (code, _, error) = LorqProcess.Run("init", model, "-o", folder.File("no/such/folder.json"));
        Assert.Equal(1, code);
        Assert.Contains("error LORQ01", error);
        Assert.Equal(["mine.json", "model.onnx"], folder.Names());
    }

    /// <summary>A name with a line end would end the comment it stands in and leave the rest as JSON.</summary>
    [Theory]
    [InlineData("x\n} \"evil\": {")]
    [InlineData("x\r\"evil\"")]
    [InlineData("x\u2028\"evil\"")]
    [InlineData("x*/ \"evil\"")]
    public void NamesCannotLeaveTheirComment(string name)
    {
        using var folder = new TemporaryFolder();
        ModelProto proto = Fixture.Linear(64, 48);
        proto.Graph.Input[0].Name = name;
        proto.Graph.Node[0].Input[0] = name;
        proto.Graph.Initializer[0].Name = "W" + name;
        proto.Graph.Node[0].Input[1] = "W" + name;
        using OnnxModel model = folder.Load(proto);
        string text = SpecDocs.Template(model);
        CompressionSpec spec = SpecParser.Parse(System.Text.Encoding.UTF8.GetBytes(text), "s.json");
        Assert.Equal(new SizeBudget.Percent(25), spec.Budget);
    }
}
