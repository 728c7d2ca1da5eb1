using Lorq.Calibration;
using Lorq.Specs;
using Lorq.Tests.Models;

namespace Lorq.Tests.Compilations;

public sealed class RealModelTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [SkippableTheory]
    [InlineData("ort")]
    [InlineData("onnx")]
    [InlineData("fused")]
    public void The_recognizer_at_a_quarter_needs_no_data(string target)
    {
        string? path = TestData.SharedPath("models", "ppocr", "rec.onnx");
        Skip.If(path is null, "../shared/models/ppocr is absent");
        var spec = new CompressionSpec { Budget = new SizeBudget.Percent(25), Target = target };
        CompilationResult result = Compilation.Run(new CompilationRequest(path, spec, folder.File(target)), null, default);
        Assert.True(new FileInfo(result.ModelPath).Length <= new FileInfo(path).Length / 4);
        Assert.Null(result.Report.Divergence);
        using var before = new ModelRunner(path);
        using var after = new ModelRunner(result.ModelPath);
        Assert.Equal(before.Inputs.Select(i => i.Name), after.Inputs.Select(i => i.Name));
        Assert.Equal(before.Outputs.Select(o => o.Name), after.Outputs.Select(o => o.Name));
    }
}
