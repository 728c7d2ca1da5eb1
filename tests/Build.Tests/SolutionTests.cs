using System.Runtime.InteropServices;

namespace Lorq.Build.Tests;

/// <summary>Projects of several kinds that share a model, built together and published.</summary>
[Collection(nameof(Feed))]
public sealed class SolutionTests(Feed feed)
{
    private const string CallFromFSharp = """
        open System
        open System.Numerics.Tensors
        let model = Library.Small.Load()
        let x = Tensor.Create<float32>(Array.init 256 float32, ReadOnlySpan [| 2n; 128n |])
        let y = model.Run(Library.SmallInput(X = x)).Y
        printfn "%d" (int y.FlattenedLength)
        """;

    private const string CallFromCSharp = """
        using var model = App.Tiny.Load();
        var x = System.Numerics.Tensors.Tensor.Create(new float[384], [3, 128]);
        System.Console.WriteLine(model.Run(new() { X = x }).Y.FlattenedLength);
        """;

    /// <summary>
    /// Central package management, a path with spaces and other letters than ASCII, two projects with one model built at the same time,
    /// one of them a library for two frameworks that an F# application uses; and both applications run, as they are built and published.
    /// </summary>
    [Fact]
    public void ASolutionOfManyKinds()
    {
        string root = Path.Combine(feed.Root, "Größe mit Lücken");
        WriteSolution(root);

        BuildLog log = BuildLog.Of(feed, root, "build", "All.slnx", "-m");
        Assert.Equal(["tiny.onnx", "tiny.onnx"], log.Compressed);
        Assert.Equal("256", feed.Run(root, Path.Combine("F", "bin", "Debug", "net10.0", "F.dll")).RequireSuccess().Output.Trim());
        Assert.Equal("384", feed.Run(root, Path.Combine("App", "bin", "Debug", "net10.0", "App.dll")).RequireSuccess().Output.Trim());

        // The model goes with what is published: one file and trimmed. (Native code, of the same sources, is the runtime's test.)
        string published = Path.Combine(root, "out");
        log = BuildLog.Of(
            feed,
            Path.Combine(root, "App"),
            "publish",
            "-o",
            published,
            "-r",
            RuntimeInformation.RuntimeIdentifier,
            "-p:PublishSingleFile=true",
            "-p:PublishTrimmed=true"
        );
        Assert.Empty(log.Compressed);
        Assert.True(File.Exists(Path.Combine(published, "tiny.lorq.onnx")));
        Assert.False(File.Exists(Path.Combine(published, "App.dll")));
        Assert.Equal("384", Feed.Execute(Path.Combine(published, "App")).RequireSuccess().Output.Trim());
    }

    private static void WriteSolution(string root)
    {
        foreach (string folder in new[] { "Models", "Library", "App", "F" })
        {
            Directory.CreateDirectory(Path.Combine(root, folder));
        }
        Sample.WriteModel(Path.Combine(root, "Models", "tiny.onnx"), 1);
        Write(
            "All.slnx",
            """
            <Solution>
              <Project Path="App/App.csproj" />
              <Project Path="F/F.fsproj" />
              <Project Path="Library/Library.csproj" />
            </Solution>
            """
        );
        Write(
            "Directory.Packages.props",
            $"""
            <Project>
              <PropertyGroup><ManagePackageVersionsCentrally>true</ManagePackageVersionsCentrally></PropertyGroup>
              <ItemGroup><PackageVersion Include="Lorq.Build" Version="{Feed.Version}" /></ItemGroup>
            </Project>
            """
        );
        Write(
            "Directory.Build.props",
            $"""
            <Project>
              <PropertyGroup>
                <LorqCompilerPath>{Feed.Compiler}</LorqCompilerPath>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
              </PropertyGroup>
            </Project>
            """
        );
        // A library's reference is not private: those who use the library need Lorq.Runtime.
        WriteProject(
            "Library/Library.csproj",
            "<TargetFrameworks>net10.0;netstandard2.0</TargetFrameworks><LangVersion>latest</LangVersion>",
            """<PackageReference Include="Lorq.Build" /><CompressedModel Include="../Models/tiny.onnx" Budget="40%" ClassName="Small" />"""
        );
        WriteProject(
            "App/App.csproj",
            "<TargetFramework>net10.0</TargetFramework><OutputType>Exe</OutputType>",
            """<PackageReference Include="Lorq.Build" PrivateAssets="all" /><CompressedModel Include="../Models/tiny.onnx" Budget="40%" />"""
        );
        Write("App/Program.cs", CallFromCSharp);
        // Trimming needs packages of the SDK's, which are on a machine that has trimmed before.
        Write(
            "App/nuget.config",
            """
            <configuration>
              <packageSources><add key="nuget.org" value="https://api.nuget.org/v3/index.json" protocolVersion="3" /></packageSources>
              <packageSourceMapping>
                <packageSource key="local"><package pattern="Lorq.*" /></packageSource>
                <packageSource key="nuget.org"><package pattern="*" /></packageSource>
              </packageSourceMapping>
            </configuration>
            """
        );
        WriteProject(
            "F/F.fsproj",
            "<TargetFramework>net10.0</TargetFramework><OutputType>Exe</OutputType>",
            """<Compile Include="Program.fs" /><ProjectReference Include="../Library/Library.csproj" />"""
        );
        Write("F/Program.fs", CallFromFSharp);
        // The SDK refers to F#'s core library by itself only where versions are not central.
        Write("F/Directory.Packages.props", "<Project />");

        void Write(string file, string text) => File.WriteAllText(Path.Combine(root, file), text);
        void WriteProject(string file, string properties, string items) =>
            Write(
                file,
                $"""
                <Project Sdk="Microsoft.NET.Sdk">
                  <PropertyGroup>{properties}</PropertyGroup>
                  <ItemGroup>{items}</ItemGroup>
                </Project>
                """
            );
    }
}
