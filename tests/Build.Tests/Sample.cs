using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;
using Google.Protobuf;
using Lorq.Onnx;
using Lorq.Tests.Reports;
using static Lorq.Onnx.TensorProto.Types;

namespace Lorq.Build.Tests;

/// <summary>A project on disk that uses the packages.</summary>
internal sealed class Sample
{
    private readonly Feed feed;
    private readonly string name;

    /// <summary>Writes a project and a model <c>Models/tiny.onnx</c>.</summary>
    /// <param name="feed">Where the packages are.</param>
    /// <param name="folder">The project's folder, relative to the feed's.</param>
    /// <param name="items">Its items.</param>
    /// <param name="properties">More properties.</param>
    /// <param name="code">Its code.</param>
    public Sample(Feed feed, string folder, string items, string properties = "", string code = "")
    {
        this.feed = feed;
        name = Path.GetFileName(folder);
        Folder = Path.Combine(feed.Root, folder);
        Directory.CreateDirectory(Path.Combine(Folder, "Models"));
        Write(items, properties);
        File.WriteAllText(Path.Combine(Folder, "Code.cs"), code);
        WriteModel(Path.Combine(Folder, "Models", "tiny.onnx"), 1);
    }

    public string Folder { get; }

    public string Project => Path.Combine(Folder, name + ".csproj");

    /// <summary>Writes the project anew.</summary>
    public void Write(string items, string properties = "") =>
        File.WriteAllText(
            Project,
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <RootNamespace>Sample</RootNamespace>
                <LorqCompilerPath>{Feed.Compiler}</LorqCompilerPath>
                {properties}
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Lorq.Build" Version="{Feed.Version}" PrivateAssets="all" />
                {items}
              </ItemGroup>
            </Project>
            """
        );

    /// <summary>Runs dotnet on the project; the manifests that are there then follow the schema.</summary>
    public BuildResult Run(string verb, params string[] arguments)
    {
        BuildResult result = feed.Run(Folder, [verb, name + ".csproj", .. arguments]);
        string results = At("obj", "lorq");
        Assert.All(
            Directory.Exists(results) ? Directory.GetFiles(results, "*.lorq.json", SearchOption.AllDirectories) : [],
            manifest => Assert.Equal([], SchemaValidation.ManifestErrors(File.ReadAllText(manifest)))
        );
        return result;
    }

    /// <summary>The same, with what was done read from the binary log.</summary>
    public BuildLog Log(string verb, params string[] arguments) => BuildLog.Of(feed, Folder, [verb, name + ".csproj", .. arguments]);

    /// <summary>A path in the project's folder.</summary>
    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    /// <summary>Writes <c>y = xW</c> with 128×128 weights made from a seed.</summary>
    public static void WriteModel(string path, int seed)
    {
        const int width = 128;
        var random = new Random(seed);
        var graph = new GraphProto { Name = "tiny" };
        graph.Input.Add(Value("x", width));
        graph.Output.Add(Value("y", width));
        graph.Initializer.Add(
            new TensorProto
            {
                Name = "W",
                DataType = (int)DataType.Float,
                Dims = { width, width },
                FloatData = { Enumerable.Range(0, width * width).Select(_ => random.NextSingle() - 0.5f) },
            }
        );
        graph.Node.Add(
            new NodeProto
            {
                OpType = "MatMul",
                Input = { "x", "W" },
                Output = { "y" },
            }
        );
        var model = new ModelProto { IrVersion = 8, Graph = graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Version = 17 });
        File.WriteAllBytes(path, model.ToByteArray());
    }

    /// <summary>Writes samples for the model's input, made from a seed.</summary>
    public static void WriteCalibration(string path, int seed)
    {
        const string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (8, 128), }";
        var random = new Random(seed);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Create);
        using Stream entry = archive.CreateEntry("x.npy").Open();
        // Version 1.0: magic, the header's length, the header up to a multiple of 64 bytes, the numbers.
        entry.Write([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0, 118, 0]);
        entry.Write(Encoding.ASCII.GetBytes(header.PadRight(117) + "\n"));
        float[] values = [.. Enumerable.Range(0, 8 * 128).Select(_ => random.NextSingle() - 0.5f)];
        entry.Write(MemoryMarshal.AsBytes<float>(values));
    }

    private static ValueInfoProto Value(string name, int width)
    {
        var shape = new TensorShapeProto();
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimParam = "batch" });
        shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = width });
        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto
            {
                TensorType = new TypeProto.Types.Tensor { ElemType = (int)DataType.Float, Shape = shape },
            },
        };
    }
}
