using System.Diagnostics;
using Lorq.Tests.Models;

namespace Lorq.Tests.Cli;

/// <summary>Alone on the machine's cores: these tests measure time.</summary>
[CollectionDefinition(nameof(ProcessTests), DisableParallelization = true)]
[Collection(nameof(ProcessTests))]
public class ProcessTests
{
    [Fact]
    public void HelpStartsQuickly()
    {
        // The best of three: the bar is on the program, not on what else the machine does.
        TimeSpan best = Enumerable
            .Range(0, 3)
            .Min(_ =>
            {
                long start = Stopwatch.GetTimestamp();
                LorqProcess.Run("compress", "--help");
                return Stopwatch.GetElapsedTime(start);
            });
        Assert.True(best < TimeSpan.FromSeconds(2), $"{best.TotalSeconds:F2} s");
    }

    [Theory]
    [InlineData("")]
    [InlineData("this is no model, but a text of some length\n")]
    [InlineData("\u0008\u0007")]
    public void AMalformedModelIsOneLineInEveryCommand(string contents)
    {
        using var folder = new TemporaryFolder();
        string model = folder.File("m.onnx");
        File.WriteAllText(model, contents);
        string[][] commands =
        [
            ["compress", model, "--budget", "50%", "-o", folder.File("o"), "-q"],
            ["inspect", model, "--json"],
            ["compare", model, model, "--data", folder.File("d.npz"), "--json"],
            ["init", model],
        ];
        foreach (string[] command in commands)
        {
            (int code, string output, string error) = LorqProcess.Run(command);
            Assert.Equal((1, ""), (code, output));
            Assert.Matches(@": error LORQ0\d\d\d: ", Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        }
        Assert.Equal(["m.onnx"], folder.Names());
    }

    [Fact]
    public void MissingCalibrationIsOneLineAndNoFolder()
    {
        using var folder = new TemporaryFolder();
        string model = folder.Write(Fixture.Linear(256, 64));
        string data = folder.File("nowhere.npz");
        (int code, string output, string error) = LorqProcess.Run([
            "compress",
            model,
            "--budget",
            "50%",
            "--calibration",
            data,
            "-o",
            folder.File("o"),
            "-q",
        ]);
        Assert.Equal((1, ""), (code, output));
        Assert.Contains("nowhere.npz", Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal(["model.onnx"], folder.Names());
    }

    [Fact]
    public void ACancelledRunIs130AndLeavesNothing()
    {
        using var folder = new TemporaryFolder();
        string model = folder.Write(Fixture.Linear(256, 64));
        string[] arguments = ["compress", model, "--budget", "50%", "-o", folder.File("o"), "-q"];
        Assert.Equal(130, Lorq.Cli.Program.Run(arguments, new CancellationToken(true)));
        Assert.Equal(["model.onnx"], folder.Names());
    }

    /// <summary>In the middle of a real model's calibration or menu, temporary files included.</summary>
    [SkippableFact]
    public void CtrlCStopsARealRunWithinTwoSeconds()
    {
        Skip.If(OperatingSystem.IsWindows(), "signals are sent with kill");
        string? data = TestData.SharedPath("models", "minilm");
        Skip.If(data is null, "../shared/models/minilm is absent");
        using var folder = new TemporaryFolder();
        DirectoryInfo temporary = Directory.CreateDirectory(folder.File("temporary"));
        string samples = Path.Combine(data, "calibration.npz");
        using Process process = LorqProcess.Start(
            temporary,
            ["compress", Path.Combine(data, "model.onnx"), "--budget", "14666000", "--calibration", samples, "-o", folder.File("o")]
        );
        Task<string> error = process.StandardError.ReadToEndAsync();
        Assert.False(process.WaitForExit(TimeSpan.FromSeconds(3)), "It ended before it could be interrupted.");
        long start = Stopwatch.GetTimestamp();
        Process.Start("kill", ["-INT", process.Id.ToString()]).WaitForExit();
        if (!process.WaitForExit(TimeSpan.FromSeconds(20)))
        {
            process.Kill();
            Assert.Fail("It went on.");
        }
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        Assert.Equal(130, process.ExitCode);
        Assert.True(took < TimeSpan.FromSeconds(2), $"It took {took.TotalSeconds:F1} s; it said: {error.Result}");
        Assert.Equal(["temporary"], folder.Names());
        Assert.Empty(temporary.GetFileSystemInfos("*lorq-*"));
    }
}
