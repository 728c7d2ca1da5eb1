using Lorq.Tests.Compilations;

namespace Lorq.Tests.Cli;

/// <summary>Files written where options say never take the place of what is read or of each other, and are tried before the work.</summary>
public sealed class SideFilesTests : IDisposable
{
    private readonly Trial trial = new();

    public void Dispose() => trial.Dispose();

    [Theory]
    [InlineData("LORQ0902", "sweep", "{model}", "--csv", "{model}")]
    [InlineData("LORQ0902", "sweep", "{model}", "--csv", "{folder}/same", "--svg", "{folder}/same")]
    [InlineData("LORQ0902", "sweep", "{model}", "--calibration", "{data}", "--svg", "{data}")]
    [InlineData("LORQ0902", "compress", "{model}", "--budget", "40%", "-o", "{folder}/out", "--dependencies", "{model}")]
    [InlineData("LORQ0902", "compress", "{model}", "--budget", "40%", "--calibration", "{data}", "--dependencies", "{data}")]
    [InlineData("LORQ0902", "signature", "{model}", "-o", "{model}")]
    [InlineData("LORQ0902", "signature", "{model}", "-o", "{folder}/same", "--dependencies", "{folder}/same")]
    [InlineData("LORQ0117", "compress", "{model}", "--budget", "40%", "-o", "{folder}/out", "--dependencies", "{folder}")]
    [InlineData("LORQ0117", "signature", "{model}", "--dependencies", "{folder}/none/list")]
    public void Nothing_is_overwritten_and_nothing_is_done(string id, params string[] arguments)
    {
        string[] before = Trial.State(trial.Folder.Path);
        string[] filled =
        [
            .. arguments.Select(a =>
                a.Replace("{model}", trial.Model).Replace("{data}", trial.Data).Replace("{folder}", trial.Folder.Path)
            ),
        ];
        (int code, string output, string error) = LorqProcess.Run(filled);
        Assert.Equal((1, ""), (code, output));
        Assert.Contains($"error {id}: ", Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        Assert.Equal(before, Trial.State(trial.Folder.Path));
    }
}
