using System.Globalization;
using Lorq.Calibration;
using Lorq.Diagnostics;
using Lorq.Specs;

namespace Lorq.Tests.Compilations;

public sealed class CompilationTests : IDisposable
{
    private readonly Trial trial = new();

    private long Size => new FileInfo(trial.Model).Length;

    public void Dispose() => trial.Dispose();

    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    [InlineData("fused")]
    public void The_file_keeps_the_budget_and_the_same_input_gives_the_same_bytes(string target)
    {
        CompressionSpec spec = Spec(25) with { Target = target };
        CompilationResult first = trial.RunAlone(spec, trial.Folder.File("a"));
        Assert.True(new FileInfo(first.ModelPath).Length <= Size / 4);
        Assert.True(new FileInfo(first.ModelPath).Length > Size / 4 - 2048, "the budget was not spent");
        Assert.Equal(
            ["small.lorq.json", "small.lorq.onnx", "small.report.html", "small.report.json", "small.report.md"],
            Directory.GetFileSystemEntries(trial.Folder.File("a")).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)
        );
        Assert.InRange(first.Report.Solver!.Gap, 0, 1e-4);
        CompilationResult second = trial.RunAlone(spec with { Threads = 1 }, trial.Folder.File("b"));
        Assert.Equal(File.ReadAllBytes(first.ModelPath), File.ReadAllBytes(second.ModelPath));
        Assert.Equal(File.ReadAllText(first.ManifestPath), File.ReadAllText(second.ManifestPath));
    }

    [Fact]
    public void More_bytes_lose_less_and_eight_bits_lose_almost_nothing()
    {
        double[] losses = [.. new[] { 12, 18, 27 }.Select(p => Run(Spec(p), $"p{p}").Report.Divergence!.Loss)];
        Assert.True(losses[0] > losses[1] && losses[1] > losses[2], string.Join(", ", losses));
        CompilationResult eight = Run(Spec(40) with { Menu = new MenuSpec { Bits = [8] } }, "eight");
        Assert.True(eight.Report.Divergence!.Outputs[0].Cosine > 0.9999);
    }

    [Fact]
    public void Keeping_everything_keeps_every_bit()
    {
        CompilationResult kept = Run(Spec(100), "kept");
        Assert.All(kept.Report.Sites, s => Assert.Equal("keep", s.Encoding));
        Assert.Equal(0, kept.Report.Divergence!.Outputs[0].MaxAbsError);
    }

    [Fact]
    public void An_impossible_budget_names_the_smallest_one_which_works()
    {
        var e = Assert.Throws<LorqException>(() => Run(Spec(1), "tiny"));
        Assert.Equal("LORQ0650", e.Diagnostic.Id);
        long smallest = long.Parse(e.Arguments[1]!.ToString()!.Split(' ')[0], CultureInfo.InvariantCulture);
        CompilationResult result = Run(Spec(1) with { Budget = new SizeBudget.Bytes(smallest) }, "tiny");
        Assert.True(new FileInfo(result.ModelPath).Length <= smallest);
        Assert.Throws<LorqException>(() => Run(Spec(1) with { Budget = new SizeBudget.Bytes(smallest - 1) }, "tiny"));
    }

    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    public void The_smallest_budget_in_bits_is_named_in_bits_and_works(string target)
    {
        CompressionSpec spec = Spec(1) with { Target = target, Budget = new SizeBudget.BitsPerWeight(0.4) };
        var e = Assert.Throws<LorqException>(() => Run(spec, "bits"));
        Assert.Equal("LORQ0650", e.Diagnostic.Id);
        Assert.Contains("(0.4bpw)", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("at least", e.Message, StringComparison.Ordinal);
        string bits = e.Arguments[1]!.ToString()!.Split('(', ')')[1];
        Run(spec with { Budget = SizeBudget.Parse(bits) }, "bits");
    }

    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    [InlineData("fused")]
    public void Data_beside_the_model_is_within_the_budget(string target)
    {
        CompressionSpec spec = Spec(30) with { Target = target, ExternalData = true };
        CompilationResult result = Run(spec, "external");
        string data = result.ModelPath + ".data";
        Assert.True(new FileInfo(data).Length > 0);
        Assert.True(new FileInfo(result.ModelPath).Length + new FileInfo(data).Length <= 0.3 * Size);
        // With a loss limit there may be no budget at all.
        Run(spec with { Budget = null, MaxLoss = 0.05 }, "limit");
    }

    [Fact]
    public void A_hopeless_budget_is_refused_before_anything_is_measured()
    {
        var stages = new List<string>();
        CompressionSpec spec = Spec(1) with { Budget = new SizeBudget.BitsPerWeight(0.001) };
        var request = new CompilationRequest(trial.Model, spec, trial.Folder.File("no"));
        var e = Assert.Throws<LorqException>(() => Compilation.Run(request, new Watching(stages.Add), default));
        Assert.Equal("LORQ0650", e.Diagnostic.Id);
        Assert.Contains("at least", e.Message, StringComparison.Ordinal);
        Assert.Equal(["Model"], stages);
    }

    [Fact]
    public void Bits_per_weight_are_an_average_over_the_weights()
    {
        CompilationResult result = Run(Spec(1) with { Budget = new SizeBudget.BitsPerWeight(5) }, "bpw");
        long weights = 512 * 64 + 2 * 64 * 256;
        Assert.InRange(8.0 * result.Report.Model.WrittenBytes / weights, 4.5, 5 + 8.0 * 1000 / weights);
    }

    [Fact]
    public void Without_data_the_report_says_so()
    {
        CompilationResult result = Run(Spec(25) with { Calibration = new CalibrationSpec() }, "free");
        Assert.Null(result.Report.Divergence);
        Assert.Contains(result.Report.Warnings, w => w.Contains("No calibration data", StringComparison.Ordinal));
        using var runner = new ModelRunner(result.ModelPath);
        Assert.Equal("y", Assert.Single(runner.Outputs).Name);
    }

    [Fact]
    public void A_missed_accuracy_limit_writes_nothing_and_leaves_earlier_output_alone()
    {
        Run(Spec(40), "out");
        string[] before = State("out");
        var e = Assert.Throws<LorqException>(() => Run(Spec(12) with { Accuracy = new AccuracyLimit("cosine", 0.999999) }, "out"));
        Assert.Equal("LORQ0801", e.Diagnostic.Id);
        Assert.Equal(before, State("out"));
        Assert.Throws<LorqException>(() => Run(Spec(12) with { Accuracy = new AccuracyLimit("cosine", 0.999999) }, "new"));
        Assert.False(Directory.Exists(trial.Folder.File("new")));
    }

    [Theory]
    [InlineData("Model")]
    [InlineData("Calibration")]
    [InlineData("Menu")]
    [InlineData("Plan")]
    [InlineData("Refinement")]
    [InlineData("Rewriting")]
    [InlineData("Checks")]
    [InlineData("Reports")]
    public void Cancelling_in_any_stage_leaves_nothing(string stage)
    {
        using var source = new CancellationTokenSource();
        var progress = new Cancelling(source, stage);
        Assert.ThrowsAny<Exception>(() => trial.RunAlone(Spec(25), trial.Folder.File("cancelled"), progress, source.Token));
        Assert.True(source.IsCancellationRequested);
        Assert.False(Directory.Exists(trial.Folder.File("cancelled")));
    }

    [Fact]
    public void An_output_that_is_a_file_is_refused()
    {
        File.WriteAllText(trial.Folder.File("taken"), "");
        Assert.Equal("LORQ0950", Assert.Throws<LorqException>(() => Run(Spec(25), "taken")).Diagnostic.Id);
        Assert.True(File.Exists(trial.Folder.File("taken")));
    }

    [SkippableFact]
    public void MiniLm_at_eight_bits_is_the_original_to_four_nines()
    {
        string? path = TestData.SharedPath("models", "minilm", "model.onnx");
        Skip.If(path is null, "../shared/models/minilm is absent");
        CompressionSpec spec = Spec(1) with
        {
            Budget = new SizeBudget.Percent(30),
            Calibration = new CalibrationSpec { Data = [TestData.SharedPath("models", "minilm", "calibration.npz")!], MaxSamples = 24 },
            Menu = new MenuSpec
            {
                Bits = [8],
                Blocks = [64],
                Methods = ["mse"],
                Symmetry = Symmetry.Symmetric,
            },
        };
        CompilationResult result = Compilation.Run(new CompilationRequest(path!, spec, trial.Folder.File("minilm")), null, default);
        Assert.True(result.Report.Divergence!.Outputs[0].Cosine >= 0.9999);
    }

    private CompressionSpec Spec(double percent) => trial.Spec(percent);

    private CompilationResult Run(CompressionSpec spec, string output) => trial.Run(spec, trial.Folder.File(output));

    private string[] State(string output) =>
        [
            .. Directory
                .GetFiles(trial.Folder.File(output))
                .Order(StringComparer.Ordinal)
                .Select(f => f + Convert.ToHexString(File.ReadAllBytes(f))),
        ];

    private sealed class Cancelling(CancellationTokenSource source, string stage) : IProgress<StageProgress>
    {
        public void Report(StageProgress value)
        {
            if (value.Stage == stage)
            {
                source.Cancel();
            }
        }
    }
}
