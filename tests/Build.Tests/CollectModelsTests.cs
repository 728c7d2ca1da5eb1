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
    [InlineData("1/a#b.onnx_adapter", "a file with a # in its name")]
    public void AdaptersThatCannotBeAreRefused(string adapters, string message)
    {
        Write("1/x.bin");
        Write("1/a#b.onnx_adapter");
        Write("a.onnx");
        var task = new CheckModels
        {
            BuildEngine = engine,
            CompressedModels = [Item("a.onnx", ("Adapters", adapters))],
            Project = Full("app.csproj"),
            IntermediateFolder = Full("obj"),
            Compiler = "1",
        };
        Assert.False(task.Execute());
        Assert.Contains($"Adapters=\"{adapters}\" of 'a.onnx' is {message}.", Assert.Single(engine.Errors), StringComparison.Ordinal);
    }

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
