using System.Text.Json;

namespace Lorq.Build.Tests;

/// <summary>Real builds of projects that use the packed package.</summary>
[Collection(nameof(Feed))]
public sealed class BuildTests(Feed feed)
{
    private const string Tiny = """<CompressedModel Include="Models\tiny.onnx" Budget="40%" ClassName="Small" />""";

    /// <summary>A life: build, build again, touch, change, clean; below a path with a space and letters beyond ASCII.</summary>
    [Fact]
    public void CompressesOnlyWhenSomethingChanged()
    {
        var sample = new Sample(feed, "Ein Größentest/App", Tiny);
        string shipped = sample.At("bin", "Debug", "net10.0", "Models", "tiny.lorq.onnx");
        string original = sample.At("Models", "tiny.onnx");
        string manifest = sample.At("obj", "lorq", "Models", "tiny", "tiny.lorq.json");

        BuildResult first = sample.Run("build").RequireSuccess();
        Assert.Equal(1, first.Compressions);
        Assert.Matches(@"tiny\.onnx: 0\.07 MB -> 0\.0\d MB \(\d+\.\d %\)", first.Output);
        Assert.InRange(new FileInfo(shipped).Length, 1, new FileInfo(original).Length * 4 / 10);
        Assert.True(JsonDocument.Parse(File.ReadAllText(manifest)).RootElement.TryGetProperty("original", out _));
        // What the generator sees.
        string seen = File.ReadAllText(sample.At("obj", "Debug", "net10.0", "App.GeneratedMSBuildEditorConfig.editorconfig"));
        Assert.Contains("build_metadata.AdditionalFiles.LorqManifest = true", seen);
        Assert.Contains("build_metadata.AdditionalFiles.LorqNamespace = Sample", seen);
        Assert.Contains("build_metadata.AdditionalFiles.LorqClassName = Small", seen);
        Assert.Contains("build_metadata.AdditionalFiles.LorqVisibility = public", seen);
        Assert.Contains("build_metadata.AdditionalFiles.LorqModelFile = Models/tiny.lorq.onnx", seen);

        byte[] made = File.ReadAllBytes(shipped);
        File.SetLastWriteTimeUtc(original, DateTime.UtcNow);
        Assert.Equal(0, sample.Run("build", "--no-restore").RequireSuccess().Compressions);
        Assert.Equal(made, File.ReadAllBytes(shipped));

        Sample.WriteModel(original, 2);
        Assert.Equal(1, sample.Run("build", "--no-restore").RequireSuccess().Compressions);
        Assert.NotEqual(made, File.ReadAllBytes(shipped));

        sample.Write(Tiny.Replace("40%", "60%", StringComparison.Ordinal));
        Assert.Equal(1, sample.Run("publish", "--no-restore", "-o", sample.At("out"), "-c", "Debug").RequireSuccess().Compressions);
        Assert.True(File.Exists(sample.At("out", "Models", "tiny.lorq.onnx")));

        sample.Run("clean").RequireSuccess();
        Assert.False(Directory.Exists(sample.At("obj", "lorq")));
        Assert.False(File.Exists(shipped));
    }

    /// <summary>An editor gets a signature without a compression; plain models have no more than that.</summary>
    [Fact]
    public void EditorsGetTheSignatureOnly()
    {
        var sample = new Sample(feed, "Editor/Lib", Tiny + """<TypedModel Include="plain.onnx" Visibility="internal" />""");
        Sample.WriteModel(sample.At("plain.onnx"), 3);
        sample.Run("restore").RequireSuccess();
        BuildResult result = sample
            .Run("msbuild", "-t:Compile", "-p:DesignTimeBuild=true", "-p:SkipCompilerExecution=true", "-p:ProvideCommandLineArgs=true")
            .RequireSuccess();
        Assert.Equal(0, result.Compressions);
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(sample.At("obj", "lorq", "Models", "tiny", "tiny.lorq.json")));
        Assert.False(manifest.RootElement.TryGetProperty("original", out _));
        Assert.Equal(
            "[\"batch\",128]",
            manifest.RootElement.GetProperty("inputs")[0].GetProperty("dims").GetRawText().ReplaceLineEndings("").Replace(" ", "")
        );
        Assert.False(File.Exists(sample.At("obj", "lorq", "Models", "tiny", "tiny.lorq.onnx")));
        Assert.True(File.Exists(sample.At("obj", "lorq", "plain", "plain.lorq.json")));

        Assert.Equal(1, sample.Run("build", "--no-restore").RequireSuccess().Compressions);
        Assert.Equal(File.ReadAllBytes(sample.At("plain.onnx")), File.ReadAllBytes(sample.At("bin", "Debug", "net10.0", "plain.onnx")));
    }

    /// <summary>From the item to a typed call: the class of a compressed model with an adapter and that of a plain one inside the assembly, built and run.</summary>
    [Fact]
    public void ModelsAreCalledByTheirClasses()
    {
        var sample = new Sample(
            feed,
            "Typed/App",
            Tiny.Replace("/>", "Adapters=\"Models/*.onnx_adapter\" />", StringComparison.Ordinal)
                + """<TypedModel Include="plain.onnx" Visibility="internal" EmbedModel="true" />""",
            "<OutputType>Exe</OutputType><Nullable>enable</Nullable><TreatWarningsAsErrors>true</TreatWarningsAsErrors>",
            """
            using System;
            using System.Linq;
            using System.Numerics.Tensors;
            using Sample;

            float[] values = Enumerable.Range(0, 256).Select(i => (float)Math.Sin(i)).ToArray();
            Console.WriteLine($"{Small.Adapters.CaseLaw} {Plain.ResourceName}");
            using Small small = Small.Load();
            using Plain plain = Plain.Load();
            Tensor<float> x = Tensor.Create<float>(values, [2, 128]);
            float[] a = small.Run(new() { X = x }).Y.ToArray();
            float[] b = plain.Run(new() { X = x }).Y.ToArray();
            Console.WriteLine($"{a.Length} {TensorPrimitives.CosineSimilarity<float>(a, b) > 0.9f}");
            try
            {
                small.Run(new() { X = Tensor.Create<float>(values, [4, 64]) });
            }
            catch (Lorq.Runtime.InvalidTensorException e)
            {
                Console.WriteLine(e.Message);
            }
            """
        );
        Sample.WriteModel(sample.At("plain.onnx"), 1);
        File.WriteAllText(sample.At("Models", "case law.onnx_adapter"), "");
        sample.Run("build").RequireSuccess();
        Assert.True(File.Exists(sample.At("bin", "Debug", "net10.0", "Models", "case law.onnx_adapter")));
        Assert.False(File.Exists(sample.At("bin", "Debug", "net10.0", "plain.onnx")));
        string output = feed.Run(sample.Folder, ["run", "--no-build", "--project", sample.Project]).RequireSuccess().Output;
        Assert.Contains("case law Lorq/plain.onnx", output);
        Assert.Contains("256 True", output);
        Assert.Contains("dimension 1 is 64, not 128", output);
    }

    /// <summary>From nothing to a typed call in three commands, with the packages' own version, whatever the app is called.</summary>
    [Fact]
    public void TheTemplateRuns()
    {
        string folder = Path.Combine(feed.Root, "Template");
        string app = Path.Combine(folder, "1st-app");
        Directory.CreateDirectory(folder);
        feed.Run(folder, "new", "install", $"Lorq.Templates@{Feed.Version}").RequireSuccess();
        feed.Run(folder, "new", "lorq-console", "-o", "1st-app").RequireSuccess();
        BuildResult run = feed.Run(folder, "run", "--project", "1st-app", $"-p:LorqCompilerPath={Feed.Compiler}", "--", "atention")
            .RequireSuccess();
        Assert.Matches(@"'atention' looks like\s+0\.\d\d  attention\s", run.Output);
        Assert.InRange(
            new FileInfo(Path.Combine(app, "bin", "Debug", "net10.0", "Models", "trigrams.lorq.onnx")).Length,
            1,
            new FileInfo(Path.Combine(app, "Models", "trigrams.onnx")).Length / 4
        );
    }

    /// <summary>A library for two frameworks compresses once, and its package carries the model to an application.</summary>
    [Fact]
    public void LibrariesCompressOnceAndCarryTheirModels()
    {
        var library = new Sample(
            feed,
            "Pack/Carrier",
            Tiny
                + $"""<PackageReference Include="Lorq.Runtime" Version="{Feed.Version}" Condition="'$(TargetFramework)' == 'net10.0'" />""",
            "<TargetFrameworks>net10.0;netstandard2.0</TargetFrameworks><TargetFramework /><PackageVersion>1.0.0</PackageVersion>"
        );
        BuildResult packed = library.Run("pack", "-o", Path.Combine(feed.Root, "feed")).RequireSuccess();
        Assert.Equal(1, packed.Compressions);
        var app = new Sample(feed, "Pack/User", "", "<OutputType>Exe</OutputType>", "System.Console.WriteLine();");
        File.WriteAllText(
            app.Project,
            """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework></PropertyGroup>
              <ItemGroup><PackageReference Include="Carrier" Version="1.0.0" /></ItemGroup>
            </Project>
            """
        );
        app.Run("build").RequireSuccess();
        Assert.True(File.Exists(app.At("bin", "Debug", "net10.0", "Models", "tiny.lorq.onnx")));
        Assert.True(File.Exists(app.At("bin", "Debug", "net10.0", "Lorq.Runtime.dll")));
    }

    /// <summary>What is wrong with items is said at their lines, all at once.</summary>
    [Fact]
    public void ErrorsPointToTheItem()
    {
        var sample = new Sample(
            feed,
            "Errors/App",
            """
            <CompressedModel Include="Models\gone.onnx" Budget="40%" />
                <CompressedModel Include="Models\tiny.onnx" Budget="40%" ClassName="1st" />
                <CompressedModel Include="..\tiny.onnx" Budget="40%" ClassName="Tiny" Link="a.onnx" />
                <CompressedModel Include="..\Other\tiny.onnx" Budget="40%" ClassName="Tiny" />
                <TypedModel Include="plain.onnx" Adapters="none/*.onnx_adapter" />
            """
        );
        Directory.CreateDirectory(sample.At("..", "Other"));
        Sample.WriteModel(sample.At("..", "tiny.onnx"), 1);
        Sample.WriteModel(sample.At("..", "Other", "tiny.onnx"), 1);
        BuildResult result = sample.Run("build");
        Assert.NotEqual(0, result.Code);
        Assert.Contains("App.csproj(10,5): error LORQ0960: The model 'Models/gone.onnx' does not exist.", result.Output);
        Assert.Contains("App.csproj(11,5): error LORQ0963: ClassName=\"1st\"", result.Output);
        Assert.Contains(
            "App.csproj(13,5): error LORQ0962: '../tiny.onnx' and '../Other/tiny.onnx' both make the class 'Tiny'.",
            result.Output
        );
        Assert.Contains("App.csproj(14,5): error LORQ0963: Adapters=\"none/*.onnx_adapter\"", result.Output);
    }

    /// <summary>The compiler's own errors name the file to blame, else the item; the next build needs no clean.</summary>
    [Fact]
    public void CompilerErrorsAreTheBuilds()
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

        File.WriteAllText(spec, "{ \"budget\": \"40%\" }");
        Assert.Equal(1, sample.Run("build", "--no-restore").RequireSuccess().Compressions);
    }
}
