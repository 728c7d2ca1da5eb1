using System.Diagnostics;

namespace Lorq.Build.Tests;

/// <summary>What is wrong is said once, where it is, and needs no clean afterwards.</summary>
[Collection(nameof(Feed))]
public sealed class BadInputTests(Feed feed)
{
    private const string Model = """<CompressedModel Include="Models\tiny.onnx" Budget="40%" />""";

    /// <summary>A solution of which each project has one fault; then all are mended and it is built again.</summary>
    [Fact]
    public void EachFaultIsOneErrorAndTheNextBuildNeedsNoClean()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // The compilers that are killed are shell scripts.
        }
        Sample gone = Bad("Gone", Model);
        File.Delete(gone.At("Models", "tiny.onnx"));
        Sample broken = Bad("Broken", Model);
        File.WriteAllText(broken.At("Models", "tiny.onnx"), "version https://git-lfs.github.com/spec/v1\n");
        Sample noSpec = Bad("NoSpec", Model.Replace("Budget=\"40%\"", "Spec=\"small.json\"", StringComparison.Ordinal));
        Sample noData = Bad("NoData", Model.Replace(" />", " Calibration=\"data.npz\" />", StringComparison.Ordinal));
        Sample badData = Bad("BadData", Model.Replace(" />", " Calibration=\"data.npz\" />", StringComparison.Ordinal));
        File.WriteAllText(badData.At("data.npz"), "no archive");
        Sample noFolder = Bad("NoFolder", Model);
        Directory.CreateDirectory(noFolder.At("obj"));
        File.WriteAllText(noFolder.At("obj", "lorq"), "a file where a folder belongs");
        Sample killed = Bad("Killed", Model, "<LorqCompilerPath>compiler.sh</LorqCompilerPath>");
        Script(killed, "mkdir obj/lorq/Models/tiny/.lorq-1; echo half > obj/lorq/Models/tiny/tiny.lorq.onnx; kill -9 $$");
        Sample twice = Bad("Twice", Model + """<CompressedModel Include="Copy\tiny.onnx" Budget="40%" />""");
        Directory.CreateDirectory(twice.At("Copy"));
        Sample.WriteModel(twice.At("Copy", "tiny.onnx"), 2);
        Sample keyword = Bad("Keyword", Model.Replace(" />", " ClassName=\"class\" />", StringComparison.Ordinal));
        Sample[] all = [gone, broken, noSpec, noData, badData, noFolder, killed, twice, keyword];
        string root = Path.GetDirectoryName(gone.Folder)!;
        File.WriteAllText(
            Path.Combine(root, "Bad.slnx"),
            $"<Solution>{string.Concat(all.Select(s => $"<Project Path=\"{Path.GetRelativePath(root, s.Project)}\" />"))}</Solution>"
        );

        BuildResult result = feed.Run(root, "build", "Bad.slnx");
        Assert.NotEqual(0, result.Code);
        string[] errors =
        [
            .. result.Output.Split('\n').Select(l => l.Trim()).Where(l => l.Contains(": error ", StringComparison.Ordinal)).Distinct(),
        ];
        AssertOne("Gone.csproj(10,5): error LORQ0960: The model 'Models/tiny.onnx' does not exist.");
        AssertOne("Broken.csproj(10,5): error LORQ0103:");
        AssertOne("NoSpec.csproj(10,5): error LORQ0101:");
        AssertOne("NoData.csproj(10,5): error LORQ0410:");
        AssertOne("BadData.csproj(10,5): error LORQ0411:");
        AssertOne("NoFolder.csproj(10,5): error LORQ0965:");
        AssertOne("Killed.csproj(10,5): error LORQ0964: The compiler ended with code 137 while it worked on 'Models/tiny.onnx'.");
        AssertOne("error LORQ1004:");
        AssertOne("error LORQ1003: 'class'");
        Assert.Equal(all.Length, errors.Length);

        // The whole build is killed, and its compiler lives on.
        Script(
            killed,
            "mkdir obj/lorq/Models/tiny/.lorq-2; echo half > obj/lorq/Models/tiny/tiny.lorq.onnx; echo $$ > pid.tmp; mv pid.tmp pid; exec sleep 1200"
        );
        using (Process build = feed.Start(killed.Folder, "msbuild", killed.Project, "-t:LorqIncludeModels"))
        {
            Assert.True(SpinWait.SpinUntil(() => File.Exists(killed.At("pid")), TimeSpan.FromMinutes(3)));
            build.Kill();
        }
        using Process orphan = Process.GetProcessById(int.Parse(File.ReadAllText(killed.At("pid")), null));
        try
        {
            Sample.WriteModel(gone.At("Models", "tiny.onnx"), 1);
            Sample.WriteModel(broken.At("Models", "tiny.onnx"), 1);
            File.WriteAllText(noSpec.At("small.json"), """{ "budget": "40%" }""");
            Sample.WriteCalibration(noData.At("data.npz"), 1);
            File.Delete(badData.At("data.npz"));
            Sample.WriteCalibration(badData.At("data.npz"), 1);
            File.Delete(noFolder.At("obj", "lorq"));
            killed.Write(Model);
            twice.Write(Model + """<CompressedModel Include="Copy\tiny.onnx" Budget="40%" ClassName="Copy" />""");
            keyword.Write(Model.Replace(" />", " ClassName=\"Class\" />", StringComparison.Ordinal));
            result = feed.Run(root, "build", "Bad.slnx", "--no-restore").RequireSuccess();
            Assert.False(orphan.HasExited);
        }
        finally
        {
            orphan.Kill();
        }
        // Those whose fault was only the class have their models already.
        Assert.Equal(all.Length - 2, result.Compressions);
        Assert.True(new FileInfo(killed.At("bin", "Debug", "net10.0", "Models", "tiny.lorq.onnx")).Length > 1000);
        Assert.Empty(Directory.GetDirectories(killed.At("obj", "lorq", "Models", "tiny"), ".lorq-*"));

        void AssertOne(string start) =>
            Assert.True(errors.Count(e => e.Contains(start, StringComparison.Ordinal)) == 1, start + "\n" + result.Output);
    }

    /// <summary>The compiler's own errors name the place in the file to blame.</summary>
    [Fact]
    public void ASpecIsBlamedAtItsLine()
    {
        var sample = new Sample(feed, "Spec/App", """<CompressedModel Include="Models\tiny.onnx" Spec="small.json" />""");
        string spec = sample.At("small.json");
        File.WriteAllText(spec, "{\n  \"budgt\": \"40%\"\n}");
        BuildResult result = sample.Run("build");
        Assert.NotEqual(0, result.Code);
        Assert.Contains($"{spec}(2,3): error LORQ0203: There is no key 'budgt'", result.Output);

        File.WriteAllText(spec, "{}");
        result = sample.Run("build", "--no-restore");
        Assert.Contains("App.csproj(10,5): error LORQ0206:", result.Output);
    }

    private Sample Bad(string name, string items, string properties = "") => new(feed, "Bad/" + name, items, properties);

    private static void Script(Sample sample, string commands)
    {
        string file = sample.At("compiler.sh");
        File.WriteAllText(file, "#!/bin/sh\n" + commands + "\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
