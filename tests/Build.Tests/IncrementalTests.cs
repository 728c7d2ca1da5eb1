using System.Text.Json;

namespace Lorq.Build.Tests;

/// <summary>What a build does again, and what it leaves.</summary>
[Collection(nameof(Feed))]
public sealed class IncrementalTests(Feed feed)
{
    private const string Items = """
        <CompressedModel Include="Models\tiny.onnx" Spec="small.json" Calibration="Models\calib\*.npz" ClassName="Small" />
            <CompressedModel Include="other.onnx" Budget="40%" />
        """;

    /// <summary>A life: build, touch, change each input, publish, clean; below a path with a space and letters beyond ASCII.</summary>
    [Fact]
    public void OnlyWhatChangedIsMadeAgain()
    {
        var sample = new Sample(feed, "Ein Größentest/App", Items);
        string original = sample.At("Models", "tiny.onnx");
        string shipped = sample.At("bin", "Debug", "net10.0", "Models", "tiny.lorq.onnx");
        string manifest = sample.At("obj", "lorq", "Models", "tiny", "tiny.lorq.json");
        Sample.WriteModel(sample.At("other.onnx"), 3);
        Sample.WriteCalibration(sample.At("Models", "calib", "a.npz"), 1);
        File.WriteAllText(sample.At("small.json"), """{ "budget": "40%" }""");

        BuildLog log = sample.Log("build");
        Assert.Equal(["other.onnx", "tiny.onnx"], log.Compressed);
        Assert.Single(log.Runs("Csc"));
        Assert.InRange(new FileInfo(shipped).Length, 1, new FileInfo(original).Length * 4 / 10);
        Assert.True(JsonDocument.Parse(File.ReadAllText(manifest)).RootElement.TryGetProperty("original", out _));
        // What the generator sees.
        string seen = File.ReadAllText(sample.At("obj", "Debug", "net10.0", "App.GeneratedMSBuildEditorConfig.editorconfig"));
        Assert.Contains("build_metadata.AdditionalFiles.LorqManifest = true", seen);
        Assert.Contains("build_metadata.AdditionalFiles.LorqNamespace = Sample", seen);
        Assert.Contains("build_metadata.AdditionalFiles.LorqClassName = Small", seen);
        Assert.Contains("build_metadata.AdditionalFiles.LorqVisibility = public", seen);
        Assert.Contains("build_metadata.AdditionalFiles.LorqModelFile = Models/tiny.lorq.onnx", seen);

        // A time that moved: the content is hashed, and only that is written down.
        (string Path, DateTime Time)[] before = Files(sample);
        File.SetLastWriteTimeUtc(original, DateTime.UtcNow);
        log = sample.Log("build", "--no-restore");
        Assert.Empty(log.Runs("CompressModel"));
        Assert.Empty(log.Runs("Csc"));
        string[] touched = [.. Files(sample).Except(before).Select(f => f.Path)];
        Assert.Contains(Path.Combine(Path.GetDirectoryName(manifest)!, ".stamp"), touched);
        // The other model's too where both builds fell within the grain of file times.
        Assert.All(touched, f => Assert.Equal(".stamp", Path.GetFileName(f)));

        File.WriteAllText(sample.At("small.json"), """{ "budget": "45%" }""");
        Assert.Equal(["tiny.onnx"], Models());

        byte[] made = File.ReadAllBytes(Path.ChangeExtension(manifest, ".onnx"));
        Sample.WriteModel(original, 2);
        Assert.Equal(["tiny.onnx"], Models());
        Assert.NotEqual(made, File.ReadAllBytes(Path.ChangeExtension(manifest, ".onnx")));

        // More data for one model; the other's manifest edited by hand, as if it were of an old format.
        Sample.WriteCalibration(sample.At("Models", "calib", "b.npz"), 2);
        string other = sample.At("obj", "lorq", "other", "other.lorq.json");
        string written = File.ReadAllText(other);
        File.WriteAllText(other, written.Replace("\"formatVersion\": ", "\"formatVersion\": 9", StringComparison.Ordinal));
        Assert.NotEqual(written, File.ReadAllText(other));
        Assert.Equal(["other.onnx", "tiny.onnx"], Models());
        Assert.Equal(written, File.ReadAllText(other));

        sample.Write(Items.Replace("40%", "60%", StringComparison.Ordinal));
        log = sample.Log("publish", "--no-restore", "-o", sample.At("out"), "-c", "Debug");
        Assert.Equal(["other.onnx"], log.Compressed);
        Assert.True(File.Exists(sample.At("out", "Models", "tiny.lorq.onnx")));
        Assert.True(File.Exists(sample.At("out", "other.lorq.onnx")));

        // Another compiler: here the same one by its executable.
        Assert.Equal(["other.onnx", "tiny.onnx"], Models("-p:LorqCompilerPath=" + Path.ChangeExtension(Feed.Compiler, null)));

        sample.Run("clean").RequireSuccess();
        Assert.False(Directory.Exists(sample.At("obj", "lorq")));
        Assert.False(File.Exists(shipped));

        // A folder of the user's holds other things too.
        const string Folder = "-p:LorqIntermediateFolder=kept";
        Directory.CreateDirectory(sample.At("kept"));
        File.WriteAllText(sample.At("kept", "mine.txt"), "");
        Assert.Equal(["other.onnx", "tiny.onnx"], Models(Folder));
        Assert.True(File.Exists(sample.At("kept", "App.lorq", "other", "other.lorq.json")));
        sample.Run("clean", Folder).RequireSuccess();
        Assert.Equal([sample.At("kept", "mine.txt")], Directory.GetFileSystemEntries(sample.At("kept")));

        string[] Models(params string[] more) => sample.Log("msbuild", ["-t:LorqIncludeModels", .. more]).Compressed;
    }

    /// <summary>
    /// An editor gets a signature without a compression, and with it the generator; plain models have no more than that. A model that
    /// changes after that is compressed as it is then, and one model may be there as it is and in two sizes.
    /// </summary>
    [Fact]
    public void EditorsGetTheSignatureOnly()
    {
        const string tiny = """<CompressedModel Include="Models\tiny.onnx" Budget="40%" ClassName="Small" />""";
        var sample = new Sample(
            feed,
            "Editor/Lib",
            tiny
                + """<CompressedModel Include="Models\tiny.onnx" Budget="20%" ClassName="Smaller" Link="smaller.onnx" />"""
                + """<TypedModel Include="Models\tiny.onnx" Visibility="internal" />"""
        );
        sample.Run("restore").RequireSuccess();
        BuildLog log = sample.Log(
            "msbuild",
            "-t:Compile",
            "-p:DesignTimeBuild=true",
            "-p:BuildingProject=false",
            "-p:SkipCompilerExecution=true",
            "-p:ProvideCommandLineArgs=true"
        );
        Assert.Empty(log.Compressed);
        Assert.All(log.Runs("CompressModel"), command => Assert.Contains(" signature ", command));
        string manifest = sample.At("obj", "lorq", "Models", "tiny", "tiny.lorq.json");
        Assert.Contains($"/additionalfile:{manifest}", Assert.Single(log.Runs("Csc")));
        using (JsonDocument signature = JsonDocument.Parse(File.ReadAllText(manifest)))
        {
            Assert.False(signature.RootElement.TryGetProperty("original", out _));
            Assert.Equal(
                "[\"batch\",128]",
                signature.RootElement.GetProperty("inputs")[0].GetProperty("dims").GetRawText().ReplaceLineEndings("").Replace(" ", "")
            );
        }
        Assert.False(File.Exists(Path.ChangeExtension(manifest, ".onnx")));

        Sample.WriteModel(sample.At("Models", "tiny.onnx"), 7);
        BuildResult result = sample.Run("build", "--no-restore").RequireSuccess();
        Assert.Equal(2, result.Compressions);
        Assert.Matches(@"tiny\.onnx: 65\.\d kB -> \d+\.\d kB \(\d+\.\d %\)", result.Output);
        Assert.Contains("warning LORQ0967: 'Lib' does not bring Lorq.Runtime", result.Output);
        string bin = sample.At("bin", "Debug", "net10.0");
        long[] sizes =
        [
            .. new[] { "smaller.onnx", "Models/tiny.lorq.onnx", "Models/tiny.onnx" }.Select(f => new FileInfo(Path.Combine(bin, f)).Length),
        ];
        Assert.True(sizes[0] < sizes[1] && sizes[1] < sizes[2] / 2, string.Join(", ", sizes));
        Assert.Equal(File.ReadAllBytes(sample.At("Models", "tiny.onnx")), File.ReadAllBytes(Path.Combine(bin, "Models", "tiny.onnx")));
    }

    private static (string Path, DateTime Time)[] Files(Sample sample) =>
        [
            .. new[] { sample.At("bin"), sample.At("obj", "lorq") }
                .SelectMany(f => Directory.GetFiles(f, "*", SearchOption.AllDirectories))
                .Select(f => (f, File.GetLastWriteTimeUtc(f))),
        ];
}
