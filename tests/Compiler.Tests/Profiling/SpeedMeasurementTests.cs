using Google.Protobuf;
using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Profiling;
using Lorq.Reports;
using Lorq.Specs;
using Lorq.Tests.Compilations;
using Lorq.Tests.Rewriting;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Profiling;

public sealed class SpeedMeasurementTests : WorkFolder
{
    [Theory]
    [InlineData("ort", false, "MatMulNBits", null)]
    [InlineData("onnx", false, "MatMul", null)]
    [InlineData("fused", false, "LowRankQMatMul", "operators")]
    [InlineData("fused", true, "MatMul", "bodies")]
    public void EverySiteIsAttributedAndTheSumsAreTheWholeRun(string target, bool stock, string node, string? how)
    {
        using var trial = new Trial();
        CompressionSpec spec = trial.Spec(60) with
        {
            Target = target,
            Menu = new MenuSpec
            {
                Bits = [4],
                Blocks = [32],
                Ranks = [8],
                FactorBits = [16],
                Symmetry = Symmetry.Symmetric,
                Decompositions = ["svd"],
            },
        };
        CompilationResult result = trial.Run(spec);
        SpeedFacts s = SpeedMeasurement.Run(trial.Model, result.ModelPath, Ids(), 1, stock, TimeSpan.Zero, null, default);

        Assert.Equal(["down", "table", "up"], s.Groups.SelectMany(g => g.Sites).Order());
        Assert.All(
            s.Groups,
            g => Assert.True(g is { NodesBefore.Length: > 0, NodesAfter.Length: > 0, Time: { Before: >= 0, After: >= 0 } })
        );
        SiteGroupTime up = s.Groups.Single(g => g.Sites.Contains("up"));
        Assert.Equal("MatMul", up.Kind);
        Assert.Single(up.Sites);
        Assert.Contains(node, up.NodesAfter);
        // 64 × 256 codes of 4 bits, an fp16 scale for 32, two fp16 factors of rank 8; a few constants beside.
        Assert.Equal(64 * 256 * 4, up.BytesBefore);
        Assert.InRange(up.BytesAfter!.Value, 8192 + 1024 + 5120, 8192 + 1024 + 5120 + 64);
        AssertSums(s);
        Assert.Equal((5, "ids 4×8"), (s.Runs, s.Batch));
        Assert.True(how is null ? s.LorqNodes is null : s.LorqNodes!.Contains(how, StringComparison.Ordinal));
    }

    [Fact]
    public void EveryConvolutionIsAGroupOfItsOwnHoweverItsTensorsAreLaidOut()
    {
        SmallModel model = new SmallModel(17)
            .Input("x", DataType.Float, -1, 16, 8, 8)
            .Weight("first", 16, 16, 3, 3)
            .Weight("second", 16, 16, 3, 3)
            .Weight("third", 16, 16, 3, 3)
            .Node("Conv", "x,first", "a")
            .Node("Relu", "a", "b")
            .Node("Conv", "b,second", "c")
            .Node("Conv", "c,third", "y")
            .Output("y");
        string path = Path.Combine(Folder, "conv.onnx");
        File.WriteAllBytes(path, model.Proto.ToByteArray());
        var batch = new Dictionary<string, DataTensor> { ["x"] = new(DataType.Float, [1, 16, 8, 8], new byte[16 * 64 * 4]) };
        SpeedFacts s = SpeedMeasurement.Run(path, path, batch, 1, false, TimeSpan.Zero, null, default);
        Assert.Equal(3, s.Groups.Count);
        Assert.All(s.Groups, g => Assert.Contains("Conv", g.NodesBefore));
        Assert.All(s.Groups, g => Assert.Equal(g.BytesBefore, g.BytesAfter));
        AssertSums(s);
    }

    [Fact]
    public void ARunOfTheCompilerHasASpeedSectionWhenAskedTo()
    {
        using var trial = new Trial();
        CompilationRequest request = new(trial.Model, trial.Spec(40), trial.Output) { MeasuresSpeed = true };
        CompilationResult result = Compilation.Run(request, null, default);
        Assert.Contains("Speed", result.Report.Stages.Select(s => s.Stage));
        AssertSums(result.Report.Speed!);
        Assert.Contains("## Speed", File.ReadAllText(result.ReportPath));
        Assert.Empty(Directory.GetDirectories(trial.Output));
    }

    [Fact]
    public void ARepeatedRunKeepsTheTimesOfItsFile()
    {
        using var trial = new Trial();
        CompilationRequest request = new(trial.Model, trial.Spec(40), trial.Output)
        {
            MeasuresSpeed = true,
            Cache = new CacheFolder(trial.Folder.File("cache")),
        };
        SpeedFacts first = Compilation.Run(request, null, default).Report.Speed!;
        SpeedFacts again = Compilation.Run(request, null, default).Report.Speed!;
        SpeedFacts other = Compilation.Run(request with { Spec = trial.Spec(60) }, null, default).Report.Speed!;
        Assert.Equal((false, true, false), (first.IsEarlier, again.IsEarlier, other.IsEarlier));
        Assert.Equal(first.Run, again.Run);
        Assert.Equal(first.Operators, again.Operators);
        AssertSums(again);
    }

    // Groups, other nodes and what is between them; operators are all nodes.
    private static void AssertSums(SpeedFacts s)
    {
        double tolerance = 1e-9;
        Assert.Equal(s.Run.Before, s.Groups.Sum(g => g.Time.Before) + s.Other.Before + s.Between.Before, tolerance);
        Assert.Equal(s.Run.After, s.Groups.Sum(g => g.Time.After) + s.Other.After + s.Between.After, tolerance);
        Assert.Equal(s.Run.Before - s.Between.Before, s.Operators.Sum(o => o.Time.Before), tolerance);
        Assert.Equal(s.Run.After - s.Between.After, s.Operators.Sum(o => o.Time.After), tolerance);
        Assert.True(s.Other is { Before: > -1e-9, After: > -1e-9 });
        Assert.True(s.Between is { Before: >= 0, After: >= 0 });
    }

    private static Dictionary<string, DataTensor> Ids() =>
        new() { ["ids"] = new(DataType.Int64, [4, 8], [.. Enumerable.Range(0, 32).SelectMany(i => BitConverter.GetBytes(i * 16L))]) };
}
