namespace Lorq.Build.Tests;

/// <summary>Real builds of projects that use the packed package.</summary>
[Collection(nameof(Feed))]
public sealed class BuildTests(Feed feed)
{
    private const string Tiny = """<CompressedModel Include="Models\tiny.onnx" Budget="40%" ClassName="Small" />""";

    /// <summary>From the item to a typed call: the class of a compressed model with an adapter and that of a plain one inside the assembly, published and run.</summary>
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
        // As published: the SDK would leave out what a private package brings.
        sample.Run("publish", "-o", sample.At("out")).RequireSuccess();
        Assert.True(File.Exists(sample.At("out", "Models", "case law.onnx_adapter")));
        Assert.False(File.Exists(sample.At("out", "plain.onnx")));
        string output = feed.Run(sample.Folder, sample.At("out", "App.dll")).RequireSuccess().Output;
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
            Tiny.Replace("/>", "Visibility=\"public\" />", StringComparison.Ordinal)
                + $"""<PackageReference Include="Lorq.Runtime" Version="{Feed.Version}" Condition="'$(TargetFramework)' == 'net10.0'" />""",
            "<TargetFrameworks>net10.0;netstandard2.0</TargetFrameworks><TargetFramework /><PackageVersion>1.0.0</PackageVersion>"
        );
        BuildResult packed = library.Run("pack", "-o", Path.Combine(feed.Root, "feed")).RequireSuccess();
        Assert.Equal(1, packed.Compressions);
        var app = new Sample(
            feed,
            "Pack/User",
            "",
            "<OutputType>Exe</OutputType>",
            """
            using var model = Sample.Small.Load();
            var x = System.Numerics.Tensors.Tensor.Create(new float[256], [2, 128]);
            System.Console.WriteLine("values: " + model.Run(new() { X = x }).Y.FlattenedLength);
            """
        );
        File.WriteAllText(
            app.Project,
            """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework></PropertyGroup>
              <ItemGroup><PackageReference Include="Carrier" Version="1.0.0" /></ItemGroup>
            </Project>
            """
        );
        Assert.Contains("values: 256", app.Run("run").RequireSuccess().Output);
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
}
