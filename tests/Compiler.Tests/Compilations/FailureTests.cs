using Lorq.Diagnostics;
using Lorq.Specs;
using Lorq.Tests.Calibration;

namespace Lorq.Tests.Compilations;

/// <summary>Whatever goes wrong, an earlier output stays as it was, and nothing new appears.</summary>
public sealed class FailureTests : IDisposable
{
    private readonly Trial trial = new();

    public void Dispose() => trial.Dispose();

    public static TheoryData<string, string> Causes =>
        new()
        {
            { "budget", "LORQ0650" },
            { "accuracy", "LORQ0801" },
            { "no data", "LORQ0410" },
            { "wrong data", "LORQ0412" },
            { "broken data", "LORQ0411" },
            { "index beyond the table", "LORQ0402" },
            { "pattern", "LORQ0301" },
            { "nothing left", "LORQ0651" },
        };

    [Theory]
    [MemberData(nameof(Causes))]
    public void An_error_leaves_an_earlier_output_as_it_was(string cause, string id)
    {
        trial.Run(trial.Spec(40));
        string other = trial.Folder.File("other.npz");
        CompressionSpec spec = trial.Spec(20);
        CompressionSpec With(string data) => spec with { Calibration = new CalibrationSpec { Data = [data] } };
        switch (cause)
        {
            case "budget":
                spec = trial.Spec(1);
                break;
            case "accuracy":
                spec = spec with { Accuracy = new AccuracyLimit("cosine", 1) };
                break;
            case "no data":
                spec = With(trial.Folder.File("none.npz"));
                break;
            case "wrong data":
                spec = With(Npy.Zip(other, ("tokens.npy", Npy.Longs(new long[16], 2, 8))));
                break;
            case "broken data":
                File.WriteAllBytes(other, File.ReadAllBytes(trial.Data)[..200]);
                spec = With(other);
                break;
            case "index beyond the table":
                spec = With(Npy.Zip(other, ("ids.npy", Npy.Longs([.. Enumerable.Repeat(512L, 16)], 2, 8))));
                break;
            case "pattern":
                spec = spec with { Exclude = ["encoder.*"] };
                break;
            default:
                spec = spec with { Exclude = ["*"] };
                break;
        }
        string[] before = Trial.State(trial.Folder.Path);
        Assert.Equal(id, Assert.Throws<LorqException>(() => trial.Run(spec)).Diagnostic.Id);
        Assert.Equal(before, Trial.State(trial.Folder.Path));
        Assert.Equal(id, Assert.Throws<LorqException>(() => trial.Run(spec, trial.Folder.File("a/b/c"))).Diagnostic.Id);
        Assert.Equal(before, Trial.State(trial.Folder.Path));
    }

    [Theory]
    [InlineData("Calibration")]
    [InlineData("Plan")]
    [InlineData("Checks")]
    [InlineData("Reports")]
    public void Cancelling_leaves_an_earlier_output_as_it_was(string stage)
    {
        trial.Run(trial.Spec(40));
        string[] before = Trial.State(trial.Folder.Path);
        using var source = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            trial.RunAlone(trial.Spec(20), null, new Cancelling(source, stage), source.Token)
        );
        Assert.Equal(before, Trial.State(trial.Folder.Path));
    }

    /// <summary>The files are moved into place one by one; a name that cannot be taken undoes the moves before it.</summary>
    [Theory]
    [InlineData("small.lorq.onnx")]
    [InlineData("small.report.html")]
    [InlineData("small.report.json")]
    [InlineData("small.report.md")]
    [InlineData("small.lorq.json")]
    public void A_name_that_is_taken_by_a_folder_leaves_everything_as_it_was(string name)
    {
        trial.Run(trial.Spec(40));
        string[] before = [];
        // Taken while the run is under way: before, it would be noticed at once.
        void Take(string output)
        {
            File.Delete(Path.Combine(output, name));
            Directory.CreateDirectory(Path.Combine(output, name));
            before = [.. Trial.State(output).Where(f => !f.Contains("/.lorq-", StringComparison.Ordinal))];
        }
        LorqException Fail(string output)
        {
            bool isTaken = false;
            var progress = new Watching(stage =>
            {
                if (stage == "Reports" && !isTaken)
                {
                    isTaken = true;
                    Take(output);
                }
            });
            return Assert.Throws<LorqException>(() => trial.Run(trial.Spec(20), output, progress));
        }
        LorqException e = Fail(trial.Output);
        Assert.Equal("LORQ0950", e.Diagnostic.Id);
        Assert.Contains(trial.Output, e.Message, StringComparison.Ordinal);
        Assert.Equal(before, Trial.State(trial.Output));
        // The same where there was no earlier output.
        string fresh = trial.Folder.File("fresh");
        Fail(fresh);
        Assert.Equal([Path.Combine(fresh, name) + "/"], Trial.State(fresh));
    }

    [Theory]
    [InlineData("small.lorq.onnx")]
    [InlineData("small.report.html")]
    [InlineData("small.lorq.json")]
    public void A_name_that_is_taken_is_noticed_before_any_work(string name)
    {
        Directory.CreateDirectory(Path.Combine(trial.Output, name));
        var stages = new List<string>();
        var e = Assert.Throws<LorqException>(() => trial.Run(trial.Spec(20), null, new Watching(stages.Add)));
        Assert.Equal("LORQ0950", e.Diagnostic.Id);
        Assert.Contains($"'{name}' is a folder", e.Message, StringComparison.Ordinal);
        Assert.Empty(stages);
        Assert.Equal([Path.Combine(trial.Output, name) + "/"], Trial.State(trial.Output));
    }

    [Fact]
    public void A_run_over_an_earlier_output_replaces_all_of_it()
    {
        trial.Run(trial.Spec(40));
        CompilationResult second = trial.Run(trial.Spec(20));
        CompilationResult alone = trial.Run(trial.Spec(20), trial.Folder.File("alone"));
        Assert.Equal(File.ReadAllBytes(alone.ModelPath), File.ReadAllBytes(second.ModelPath));
        Assert.Equal(File.ReadAllText(alone.ManifestPath), File.ReadAllText(second.ManifestPath));
        Assert.Equal(5, Trial.State(trial.Output).Length);
    }

    [Fact]
    public void An_output_below_a_file_is_refused()
    {
        string[] before = Trial.State(trial.Folder.Path);
        var e = Assert.Throws<LorqException>(() => trial.Run(trial.Spec(25), Path.Combine(trial.Data, "below")));
        Assert.Equal("LORQ0950", e.Diagnostic.Id);
        Assert.Contains($"'{trial.Data}' is a file", e.Message, StringComparison.Ordinal);
        Assert.Equal(before, Trial.State(trial.Folder.Path));
    }

    [SkippableTheory]
    [InlineData("/proc/lorq-out")]
    [InlineData("/sys/lorq-out")]
    public void An_output_that_cannot_be_written_is_refused(string output)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "folders that nobody can write to are Linux's");
        var e = Assert.Throws<LorqException>(() => trial.Run(trial.Spec(25), output));
        Assert.Equal("LORQ0950", e.Diagnostic.Id);
        Assert.Contains(output, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\0b")]
    public void An_output_that_is_no_path_is_refused(string output) =>
        Assert.Equal("LORQ0950", Assert.Throws<LorqException>(() => trial.Run(trial.Spec(25), output)).Diagnostic.Id);

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
