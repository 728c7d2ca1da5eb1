using System.Diagnostics;
using System.Text.Json;
using Lorq.Diagnostics;
using Lorq.Specs;
using Lorq.Tests.Models;

namespace Lorq.Tests.Cli;

public class ExitCodeTests
{
    [Theory]
    [InlineData("LORQ0901", "did you mean 'compress'?", "compres", "x")]
    [InlineData("LORQ0901", "did you mean '--budget'?", "compress", "m.onnx", "--bugdet", "3")]
    [InlineData("LORQ0901", "did you mean '--json'?", "inspect", "m.onnx", "--jsn")]
    [InlineData("LORQ0902", "'model'", "compress")]
    [InlineData("LORQ0902", "see 'lorq inspect --help'", "inspect", "a", "b")]
    [InlineData("LORQ0902", "--budget", "compress", "m.onnx", "--budget")]
    [InlineData("LORQ0902", "--budget", "compress", "m.onnx", "--budget", "25%", "--budget", "30%")]
    [InlineData("LORQ0902", "so write 'model' before it", "compress", "--calibration", "d.npz", "m.onnx", "--budget", "25%")]
    [InlineData("LORQ0902", "'--threads' wants a whole number from 0 to 1024, but has 'x'", "compare", "a", "b", "--threads", "x")]
    [InlineData("LORQ0902", "no limit", "compress", "m.onnx", "--budget", "25%", "--accuracy-metric", "kl")]
    [InlineData("LORQ0904", "did you mean 'LORQ0301'?", "explain", "LORQ030l")]
    [InlineData("LORQ0904", "codes go from LORQ0100", "explain", "nonsense")]
    [InlineData("LORQ0201", "--budget: error", "compress", "m.onnx", "--budget", "lots")]
    [InlineData("LORQ0204", "--bits: error", "compress", "m.onnx", "--budget", "25%", "--bits", "4,7")]
    [InlineData("LORQ0204", "has none", "compress", "m.onnx", "--budget", "25%", "--bits", ",")]
    [InlineData("LORQ0206", "'m.onnx'", "compress", "m.onnx")]
    [InlineData("LORQ0100", "'no-such.onnx'", "inspect", "no-such.onnx")]
    [InlineData("LORQ0100", "'no-such.onnx'", "init", "no-such.onnx")]
    [InlineData("LORQ0100", "'no-such.onnx'", "compare", "no-such.onnx", "b.onnx", "--data", "d.npz")]
    public void MistakesGiveOneLineAndOne(string id, string part, params string[] arguments)
    {
        (int code, string output, string error) = LorqProcess.Run(arguments);
        Assert.Equal((1, ""), (code, output));
        string line = Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains($": error {id}: ", line);
        Assert.Contains(part, line);
    }

    [Fact]
    public void NamesFromAModelCannotForgeLines()
    {
        LorqException e = Catalogue.PatternMatchesNothing.With("a\nlorq: error LORQ9999: \u001b[2Jforged");
        Assert.DoesNotContain(e.ToCanonical(), char.IsControl);
    }

    [Fact]
    public void AnswersAreOnStandardOutput()
    {
        string[][] lines =
        [
            ["--help"],
            [],
            ["--version"],
            ["compress", "--help"],
            ["schema"],
            ["explain", "lorq0301"],
        ];
        foreach (string[] arguments in lines)
        {
            (int code, string output, string error) = LorqProcess.Run(arguments);
            Assert.Equal((0, ""), (code, error));
            Assert.NotEmpty(output);
        }
        Assert.Equal(SpecDocs.Schema(), LorqProcess.Run("schema").Output);
    }

    [Fact]
    public void InspectPrintsTheSameAsTextAndJson()
    {
        using var folder = new TemporaryFolder();
        string model = folder.Write(Fixture.Linear(64, 48));
        (int code, string json, _) = LorqProcess.Run("inspect", model, "--json");
        Assert.Equal(0, code);
        using JsonDocument rows = JsonDocument.Parse(json);
        string[] names = [.. rows.RootElement.EnumerateArray().Select(r => r.GetProperty("name").GetString()!)];
        Assert.Equal(["W", "b"], names.Order(StringComparer.Ordinal));
        (code, string text, string error) = LorqProcess.Run("inspect", model);
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("64×48", text);
        Assert.DoesNotContain('\u001b', text);
        Assert.All(text.Split('\n'), l => Assert.InRange(l.TrimEnd().Length, 0, 80));
    }

    [Fact]
    public void CompressWritesItsFilesAndOnlyThem()
    {
        using var folder = new TemporaryFolder();
        string model = folder.Write(Fixture.Linear(256, 256));
        string output = folder.File("out");
        (int code, string text, string error) = LorqProcess.Run("compress", model, "--budget", "30%", "-o", output, "--json");
        Assert.True(code == 0, error);
        using JsonDocument report = JsonDocument.Parse(text);
        Assert.Equal(
            ["model.lorq.json", "model.lorq.onnx", "model.report.html", "model.report.json", "model.report.md"],
            Directory.GetFileSystemEntries(output).Select(Path.GetFileName).Order(StringComparer.Ordinal)
        );
        Assert.InRange(new FileInfo(Path.Combine(output, "model.lorq.onnx")).Length, 1, new FileInfo(model).Length * 3 / 10);
        // Plain lines, a stage each.
        Assert.Contains("Menu", error);
        Assert.DoesNotContain('\u001b', error);
    }

    [Fact]
    public void AFailedRunLeavesEarlierOutputAsItWas()
    {
        using var folder = new TemporaryFolder();
        string model = folder.Write(Fixture.Linear(256, 256));
        string output = folder.File("out");
        Assert.Equal(0, LorqProcess.Run("compress", model, "--budget", "30%", "-o", output, "-q").Code);
        var before = Directory.GetFiles(output).ToDictionary(f => f, File.ReadAllBytes);
        (int code, string text, string error) = LorqProcess.Run("compress", model, "--budget", "1kB", "-o", output, "-q");
        Assert.Equal((1, ""), (code, text));
        Assert.Contains("LORQ0650", error);
        Assert.Equal(before.Keys.Order(), Directory.GetFileSystemEntries(output).Order());
        Assert.All(before, f => Assert.Equal(f.Value, File.ReadAllBytes(f.Key)));
        Assert.Contains(
            "LORQ0301",
            LorqProcess.Run("compress", model, "--budget", "30%", "-o", folder.File("o2/o3"), "--exclude", "zz").Error
        );
        Assert.False(Directory.Exists(folder.File("o2")));
    }

    [SkippableTheory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public void SignalsStopAndLeaveNothing(string signal)
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are sent with kill");
        using var folder = new TemporaryFolder();
        string models = Path.Combine(TestData.Root, "examples/models");
        using Process process = LorqProcess.Start(
            "compress",
            Path.Combine(models, "rec.onnx"),
            "--budget",
            "25%",
            "--calibration",
            Path.Combine(models, "rec-calibration.npz"),
            "-o",
            folder.File("new/out")
        );
        // The first line says that work has begun.
        string? first = process.StandardError.ReadLine();
        Assert.NotNull(first);
        Task<string> error = process.StandardError.ReadToEndAsync();
        Thread.Sleep(500);
        var watch = Stopwatch.StartNew();
        Process.Start("kill", [$"-{signal}", process.Id.ToString()]).WaitForExit();
        bool ended = process.WaitForExit(TimeSpan.FromSeconds(20));
        if (!ended)
        {
            process.Kill();
        }
        Assert.True(ended, "it went on");
        // The promise is two seconds; a machine that runs other tests at the same time may take longer.
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 6);
        Assert.Equal(130, process.ExitCode);
        Assert.Contains("cancelled; nothing was written", error.Result);
        Assert.Empty(folder.Names());
    }
}
