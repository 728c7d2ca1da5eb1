extern alias tasks;

using System.Collections;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using tasks::Lorq.Build;

namespace Lorq.Build.Tests;

/// <summary>What becomes of the files of finished models, without a build around it.</summary>
public sealed class CollectModelsTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("lorq-collect-");
    private readonly Engine engine = new();

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void AModelWithDataBesideItIsNotEmbedded()
    {
        CollectModels task = Collect(Item("a.onnx", ("EmbedModel", "true")));
        Write("obj/a/a.lorq.onnx.data");
        Assert.False(task.Execute());
        Assert.StartsWith("LORQ0966: 'a.onnx' keeps data in files beside it", Assert.Single(engine.Errors));
        Assert.Empty(task.Resources);
    }

    [Fact]
    public void AdaptersGoWhereTheirModelGoes()
    {
        Write("adapters/x.onnx_adapter");
        Write("adapters/y y.onnx_adapter");
        CollectModels task = Collect(
            Item("m/a.onnx", ("Adapters", "adapters/*.onnx_adapter")),
            Item("m/b.onnx", ("Adapters", "adapters\\x.onnx_adapter")), // shared
            Item("c.onnx", ("Adapters", "adapters/x.onnx_adapter"), ("EmbedModel", "true"))
        );
        Assert.True(task.Execute());
        Assert.Equal(["x/y y", "x", "x"], task.Manifests.Select(m => m.GetMetadata("LorqAdapters")));
        Assert.Equal(["", "", "Lorq/c.lorq.onnx"], task.Manifests.Select(m => m.GetMetadata("LorqResourceName")));
        Assert.Equal(
            ["m/a.lorq.onnx", "m/x.onnx_adapter", "m/y y.onnx_adapter", "m/b.lorq.onnx"],
            task.Files.Select(f => f.GetMetadata("Link"))
        );
        Assert.Equal(["Lorq/c.lorq.onnx", "Lorq/x.onnx_adapter"], task.Resources.Select(f => f.GetMetadata("LogicalName")));
    }

    /// <summary>What begins a comment in the compiler's configuration is written otherwise; the generator reads it back.</summary>
    [Fact]
    public void NamesReachTheGeneratorWhole()
    {
        Write("adapters/a#b;c?.onnx_adapter");
        CollectModels task = Collect(Item("C#/a.onnx", ("Adapters", "adapters/*.onnx_adapter")));
        Assert.True(task.Execute());
        ITaskItem manifest = Assert.Single(task.Manifests);
        Assert.Equal("C?23/a.lorq.onnx", manifest.GetMetadata("LorqModelFile"));
        Assert.Equal("a?23b?3Bc?3F", manifest.GetMetadata("LorqAdapters"));
        Assert.Equal(["C#/a.lorq.onnx", "C#/a#b;c?.onnx_adapter"], task.Files.Select(f => f.GetMetadata("Link")));
    }

    /// <summary>Without classes models of one name are no trouble; results that would lie in one folder are.</summary>
    [Fact]
    public void WhatCollidesIsSaid()
    {
        Write("a.onnx");
        Write("b/a.onnx");
        CheckModels task = Check(Item("a.onnx"), Item("b/a.onnx"));
        Assert.False(task.Execute());
        Assert.StartsWith("LORQ0962: 'a.onnx' and 'b/a.onnx' both make the class 'a'", Assert.Single(engine.Errors));

        engine.Errors.Clear();
        task = Check(Item("a.onnx"), Item("b/a.onnx"));
        task.MakesClasses = false;
        Assert.True(task.Execute());

        task = Check(Item("a.onnx", ("Link", "x"), ("ClassName", "A")), Item("a.onnx", ("Link", "x.lorq.onnx"), ("ClassName", "B")));
        Assert.False(task.Execute());
        Assert.Contains("both make the folder of results", Assert.Single(engine.Errors), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        "No budget: add --budget 25% (or 9MB), or --max-loss 0.01.",
        "No budget: add Budget=\"25%\" (or 9MB), or MaxLoss=\"0.01\"."
    )]
    [InlineData("--target: 'x' is none of ort, onnx.", "TargetFormat: 'x' is none of ort, onnx.")]
    [InlineData("Give another folder with --cache, or --no-cache.", "Give another folder with LorqCacheFolder, or --no-cache.")]
    public void MessagesSpeakTheProjectsLanguage(string message, string expected) =>
        Assert.Equal(expected, ModelItem.InTermsOfItems(message));

    [Theory]
    [InlineData("Visiblity", "Visibility")]
    [InlineData("Calibratoin", "Calibration")]
    [InlineData("classname", null)]
    [InlineData("Bit", "Bits")]
    [InlineData("Pack", null)]
    [InlineData("SubType", null)]
    [InlineData("DependentUpon", null)]
    [InlineData("Visible", null)]
    [InlineData("Links", "Link")]
    public void MisspeltMetadataAreFound(string name, string? meant) =>
        Assert.Equal(meant, ModelItem.Misspelt(Item("a.onnx", (name, "x"))).Select(m => m.Meant).FirstOrDefault());

    [Fact]
    public void TwoAdaptersOfOneNameInOneFolderCollide()
    {
        Write("1/x.onnx_adapter");
        Write("2/x.onnx_adapter");
        Assert.False(Collect(Item("a.onnx", ("Adapters", "1/x.onnx_adapter;2/x.onnx_adapter"))).Execute());
        Assert.StartsWith("LORQ0962: ", Assert.Single(engine.Errors));
    }

    [Theory]
    [InlineData("gone/*.onnx_adapter", "no file that exists")]
    [InlineData("1/x.bin", "no .onnx_adapter")]
    public void AdaptersThatCannotBeAreRefused(string adapters, string message)
    {
        Write("1/x.bin");
        Write("a.onnx");
        Assert.False(Check(Item("a.onnx", ("Adapters", adapters))).Execute());
        Assert.Contains($"Adapters=\"{adapters}\" of 'a.onnx' is {message}.", Assert.Single(engine.Errors), StringComparison.Ordinal);
    }

    private CheckModels Check(params ITaskItem[] items) =>
        new()
        {
            BuildEngine = engine,
            CompressedModels = items,
            Project = Full("app.csproj"),
            IntermediateFolder = Full("obj"),
            Compiler = "1",
        };

    private CollectModels Collect(params ITaskItem[] items)
    {
        foreach (ITaskItem item in items)
        {
            string name = Path.GetFileNameWithoutExtension(item.ItemSpec);
            string results = Path.Combine("obj", Path.GetDirectoryName(item.ItemSpec)!, name);
            Write(Path.Combine(results, name + ".lorq.json"));
            Write(Path.Combine(results, name + ".lorq.onnx"));
        }
        return new()
        {
            BuildEngine = engine,
            CompressedModels = items,
            Project = Full("app.csproj"),
            IntermediateFolder = Full("obj"),
        };
    }

    private static TaskItem Item(string model, params (string Name, string Value)[] metadata) =>
        new(model, metadata.ToDictionary(m => m.Name, m => m.Value));

    private void Write(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Full(file))!);
        File.WriteAllText(Full(file), "");
    }

    private string Full(string file) => Path.Combine(folder.FullName, file);

    private sealed class Engine : IBuildEngine
    {
        public List<string> Errors { get; } = [];

        public bool ContinueOnError => false;

        public int LineNumberOfTaskNode => 0;

        public int ColumnNumberOfTaskNode => 0;

        public string ProjectFileOfTaskNode => "";

        public bool BuildProjectFile(
            string projectFileName,
            string[] targetNames,
            IDictionary globalProperties,
            IDictionary targetOutputs
        ) => false;

        public void LogCustomEvent(CustomBuildEventArgs e) { }

        public void LogErrorEvent(BuildErrorEventArgs e) => Errors.Add($"{e.Code}: {e.Message}");

        public void LogMessageEvent(BuildMessageEventArgs e) { }

        public void LogWarningEvent(BuildWarningEventArgs e) { }
    }
}
