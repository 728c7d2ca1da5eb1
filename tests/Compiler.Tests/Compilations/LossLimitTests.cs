using Lorq.Diagnostics;
using Lorq.Specs;

namespace Lorq.Tests.Compilations;

public sealed class LossLimitTests : IDisposable
{
    private readonly Trial trial = new();

    public void Dispose() => trial.Dispose();

    [Theory]
    [InlineData("ort", 0.02)]
    [InlineData("ort", 0.002)]
    [InlineData("onnx", 0.02)]
    public void The_written_file_keeps_the_limit_and_no_trial_is_left(string target, double limit)
    {
        CompilationResult result = trial.Run(Spec(limit) with { Target = target });
        Assert.InRange(result.Report.Divergence!.Loss, 0, limit);
        // It is not simply a large file.
        Assert.True(result.Report.Divergence.Loss > 0.5 * limit, $"{result.Report.Divergence.Loss}");
        Assert.Equal(5, Directory.GetFileSystemEntries(trial.Output).Length);
    }

    [Fact]
    public void A_limit_that_cannot_be_kept_within_a_budget_names_both_and_writes_nothing()
    {
        CompressionSpec spec = Spec(1e-6) with { Budget = new SizeBudget.Percent(15) };
        string[] before = Trial.State(trial.Folder.Path);
        var e = Assert.Throws<LorqException>(() => trial.Run(spec));
        Assert.Equal("LORQ0652", e.Diagnostic.Id);
        Assert.Contains("--max-loss 1E-06", e.Message, StringComparison.Ordinal);
        Assert.Contains($"of at most {new FileInfo(trial.Model).Length * 15 / 100} bytes", e.Message, StringComparison.Ordinal);
        Assert.Equal(before, Trial.State(trial.Folder.Path));
    }

    /// <summary>Without a budget no size is named: it would be one that nobody gave.</summary>
    [Fact]
    public void A_limit_that_the_menu_cannot_keep_names_no_size_that_nobody_asked_for()
    {
        CompressionSpec spec = Spec(1e-6) with { Overrides = [new SiteOverride { Match = "*", MaxBits = 4 }] };
        var e = Assert.Throws<LorqException>(() => trial.Run(spec));
        Assert.Equal("LORQ0652", e.Diagnostic.Id);
        Assert.StartsWith("No file keeps --max-loss 1E-06:", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_data_there_is_nothing_to_limit() =>
        Assert.Equal("LORQ0653", Assert.Throws<LorqException>(() => trial.Run(new CompressionSpec { MaxLoss = 0.1 })).Diagnostic.Id);

    private CompressionSpec Spec(double limit) => trial.Spec(1) with { Budget = null, MaxLoss = limit };
}
