using System.Runtime.InteropServices;
using Lorq.Calibration;
using Lorq.Models;
using Lorq.Reports;
using Lorq.Specs;
using Lorq.Tests.Rewriting;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Compilations;

/// <summary>What a whole run decides: the same whatever the machine, within the budget, and only what the spec allows.</summary>
public sealed class PlanTests : IDisposable
{
    private readonly Trial trial = new();

    public void Dispose() => trial.Dispose();

    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    public void Threads_and_memory_change_no_byte(string target)
    {
        CompressionSpec spec = trial.Spec(20) with { Target = target };
        CompilationResult one = trial.RunAlone(spec with { Threads = 1 }, trial.Folder.File("1"));
        CompilationResult[] others =
        [
            trial.RunAlone(spec with { Threads = 2 }, trial.Folder.File("2")),
            trial.RunAlone(spec with { Threads = 3 }, trial.Folder.File("3")),
            // Room for one second moment at a time: two passes over the data.
            trial.RunAlone(spec with { Calibration = spec.Calibration with { MemoryCapBytes = 1 } }, trial.Folder.File("passes")),
        ];
        Assert.All(others, o => Assert.Equal(File.ReadAllBytes(one.ModelPath), File.ReadAllBytes(o.ModelPath)));
        Assert.All(
            others,
            o => Assert.Equal(one.Report.Sites.Select(s => (s.Name, s.Encoding)), o.Report.Sites.Select(s => (s.Name, s.Encoding)))
        );
    }

    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    public void Every_budget_is_kept_and_loads(string target)
    {
        long size = new FileInfo(trial.Model).Length;
        foreach (double percent in new[] { 11, 13.5, 17, 22, 31, 47, 60, 99 })
        {
            CompilationResult result = trial.Run(trial.Spec(percent) with { Target = target, Calibration = new CalibrationSpec() });
            long written = new FileInfo(result.ModelPath).Length;
            Assert.True(written <= size * percent / 100, $"{percent} %: {written} of {size} bytes");
            Assert.Equal(written, result.Report.Model.WrittenBytes);
            using var runner = new ModelRunner(result.ModelPath);
            Assert.Equal(["ids"], runner.Inputs.Select(i => i.Name));
            Assert.Equal(["y"], runner.Outputs.Select(o => o.Name));
        }
    }

    [Fact]
    public void Overrides_keep_and_exclusions_keep_every_bit_of_their_weights()
    {
        CompressionSpec spec = trial.Spec(82) with { Exclude = ["table"], Overrides = [new SiteOverride { Match = "down", Keep = true }] };
        CompilationResult result = trial.Run(spec);
        using OnnxModel before = OnnxModel.Load(trial.Model);
        using OnnxModel after = OnnxModel.Load(result.ModelPath);
        foreach (string name in new[] { "table", "down" })
        {
            Assert.Equal(Values(before, name), Values(after, name));
        }
        Assert.DoesNotContain(after.Proto.Graph.Initializer, i => i.Name == "up" && i.DataType == (int)DataType.Float);

        static float[] Values(OnnxModel model, string name) => model.ReadFloats(model.Proto.Graph.Initializer.Single(i => i.Name == name));
    }

    [Fact]
    public void Keeping_everything_gives_the_same_outputs_bit_for_bit()
    {
        foreach (string target in new[] { "ort", "onnx" })
        {
            CompilationResult kept = trial.Run(trial.Spec(130) with { Target = target }, trial.Folder.File(target));
            Assert.All(kept.Report.Sites, s => Assert.Equal("keep", s.Encoding));
            Assert.Equal(Run(trial.Model), Run(kept.ModelPath));
        }

        static byte[] Run(string path)
        {
            using var runner = new ModelRunner(path);
            long[] ids = [.. Enumerable.Range(0, 512).Select(i => (long)i)];
            var tensor = new DataTensor(DataType.Int64, [64, 8], MemoryMarshal.AsBytes<long>(ids).ToArray());
            using var outputs = runner.Run(new Dictionary<string, DataTensor> { ["ids"] = tensor });
            return outputs[0].GetTensorMutableRawData().ToArray();
        }
    }

    /// <summary>Constants on both sides, weights met twice by one node, a weight met by nothing that runs: odd, but valid ONNX.</summary>
    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    public void Odd_graphs_compress(string target)
    {
        SmallModel odd = Trial
            .Graph()
            .Weight("left", 64, 64)
            .Weight("right", 64, 64)
            .Weight("square", 64, 64)
            .Weight("idle", 64, 64)
            .Weight("positions", 64, 64)
            .Int64s("rows", 3, 1, 4, 1, 5, 9, 2, 6)
            .Node("MatMul", "left,right", "product")
            .Node("MatMul", "square,square", "power")
            .Node("Add", "product,power", "sum")
            .Node("Gather", "positions,rows", "p")
            .Node("Add", "y,p", "moved")
            .Node("MatMul", "moved,sum", "z")
            .Node("MatMul", "e,idle", "unused")
            .Output("z");
        string model = trial.Write("odd.onnx", odd);
        foreach (
            CalibrationSpec calibration in new[]
            {
                new CalibrationSpec { Data = [trial.Data] },
                new CalibrationSpec(),
            }
        )
        {
            CompressionSpec spec = trial.Spec(40) with { Target = target, Calibration = calibration };
            CompilationResult result = Compilation.Run(new CompilationRequest(model, spec, trial.Output), null, default);
            Assert.True(new FileInfo(result.ModelPath).Length <= new FileInfo(model).Length * 0.4);
            using var runner = new ModelRunner(result.ModelPath);
            Assert.Equal(["y", "z"], runner.Outputs.Select(o => o.Name));
        }
    }

    /// <summary>What low rank gains is what a run that may not use it loses more, at the same bytes.</summary>
    [Fact]
    public void The_gain_of_low_rank_is_the_difference_to_a_run_without_it()
    {
        CompressionSpec spec = trial.Spec(13.5) with
        {
            Calibration = new CalibrationSpec(),
            Menu = new MenuSpec { Decompositions = ["svd"] },
        };
        CompressionReport with = trial.RunAlone(spec, trial.Folder.File("with")).Report;
        Assert.True(with.LowRank!.With <= with.LowRank.Without);
        CompressionReport without = trial
            .Run(
                spec with
                {
                    Budget = new SizeBudget.Bytes(with.Model.WrittenBytes),
                    Menu = spec.Menu with { Ranks = [0] },
                },
                trial.Folder.File("without")
            )
            .Report;
        Assert.Null(without.LowRank);
        Assert.Equal(without.Solver!.Value, with.LowRank.Without!.Value, 1e-9);
        Assert.Equal(1 - with.LowRank.With / with.LowRank.Without.Value, with.LowRank.Gain!.Value, 1e-12);
        Assert.Equal(with.Solver!.Candidates, with.Sites.Sum(s => s.Candidates));
        Assert.True(with.Solver.Candidates > without.Solver.Candidates);
        Assert.All(with.Sites, s => Assert.True(s.MenuSeconds > 0));
    }
}
