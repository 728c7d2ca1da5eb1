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
        Script(killed, "mkdir obj/lorq/Models/tiny/.lorq-99999999-a; echo half > obj/lorq/Models/tiny/tiny.lorq.onnx; kill -9 $$");
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
        AssertOne("Twice.csproj(10,64): error LORQ0962: 'Models/tiny.onnx' and 'Copy/tiny.onnx' both make the class 'tiny'.");
        AssertOne("Keyword.csproj(10,5): error LORQ0963: ClassName=\"class\" of 'Models/tiny.onnx' is a keyword of C#.");
        Assert.Equal(all.Length, errors.Length);

        // The whole build is killed, and its compiler lives on.
        Script(
            killed,
            "mkdir obj/lorq/Models/tiny/.lorq-$$-a; echo half > obj/lorq/Models/tiny/tiny.lorq.onnx; echo $$ > pid.tmp; mv pid.tmp pid; exec sleep 1200"
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
        // One of them has two models.
        Assert.Equal(all.Length + 1, result.Compressions);
        Assert.True(new FileInfo(killed.At("bin", "Debug", "net10.0", "Models", "tiny.lorq.onnx")).Length > 1000);
        // What the killed compiler left is gone; the other's is not touched while it runs.
        Assert.Equal(
            $".lorq-{orphan.Id}-a",
            Path.GetFileName(Assert.Single(Directory.GetDirectories(killed.At("obj", "lorq", "Models", "tiny"), ".lorq-*")))
        );

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
        Assert.Contains("Add Budget=\"25%\"", result.Output);
    }

    /// <summary>Of several items of one model, and of what changes an item afterwards, the one to blame is found; wrong values are called by their names in the project.</summary>
    [Fact]
    public void TheItemToBlameIsFound()
    {
        const string Items = """
            <CompressedModel Include="Models\tiny.onnx" Budget="40%" />
            <CompressedModel Include="Models\tiny.onnx" Budget="abc" Link="C#/x.lorq.onnx" ClassName="B" />
            <CompressedModel Include="Copies\*.onnx" Budget="40%" ClassName="C" />
            <CompressedModel Update="Copies\tiny.onnx" CopyToOutputDirectory="Sometimes" Visiblity="internal" />
            """;
        var sample = new Sample(feed, "Blame/App", Items);
        Directory.CreateDirectory(sample.At("Copies"));
        Sample.WriteModel(sample.At("Copies", "tiny.onnx"), 2);
        Assert.Contains(
            "App.csproj(13,1): error LORQ0963: CopyToOutputDirectory=\"Sometimes\" of 'Copies/tiny.onnx'",
            sample.Run("build").Output
        );

        sample.Write(Items.Replace("Sometimes", "Never", StringComparison.Ordinal));
        BuildResult result = sample.Run("build", "--no-restore");
        Assert.Contains("App.csproj(11,1): error LORQ0201: Budget: 'abc' is no budget.", result.Output);
        Assert.Contains(
            "App.csproj(13,1): warning LORQ0968: 'Visiblity' of 'Copies/tiny.onnx' means nothing to Lorq; 'Visibility' may be meant.",
            result.Output
        );

        sample.Write(
            Items
                .Replace("abc\"", "60%\" TargetFormat=\"onnx\" ExcludedWeights=\"none*\"", StringComparison.Ordinal)
                .Replace("Sometimes\" Visiblity", "Never\" Visibility", StringComparison.Ordinal)
        );
        result = sample.Run("build", "--no-restore");
        Assert.Contains("App.csproj(11,1): error LORQ0301: The pattern 'none*' fits no weight", result.Output);

        sample.Write(
            Items
                .Replace("abc\"", "60%\" TargetFormat=\"onnx\"", StringComparison.Ordinal)
                .Replace("Sometimes\" Visiblity", "Never\" Visibility", StringComparison.Ordinal)
        );
        result = sample.Run("build", "--no-restore").RequireSuccess();
        Assert.Contains("without calibration data", result.Output);
        Assert.Contains("\"target\": \"onnx\"", File.ReadAllText(sample.At("obj", "lorq", "C#", "x", "tiny.lorq.json")));
        Assert.Contains("\"target\": \"fused\"", File.ReadAllText(sample.At("obj", "lorq", "Models", "tiny", "tiny.lorq.json")));
        string output = sample.At("bin", "Debug", "net10.0");
        Assert.True(File.Exists(Path.Combine(output, "C#", "x.lorq.onnx")));
        Assert.False(Directory.Exists(Path.Combine(output, "Copies")));

        // An older .NET hears of it before anything is compressed, unless it wants no classes.
        string[] older = ["-t:LorqCheckModels", "-p:TargetFramework=net8.0"];
        result = sample.Run("msbuild", older);
        Assert.Contains("App.csproj : error LORQ0969: 'App' targets net8.0;", result.Output);
        sample.Run("msbuild", [.. older, "-p:LorqTypedClasses=false"]).RequireSuccess();
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
