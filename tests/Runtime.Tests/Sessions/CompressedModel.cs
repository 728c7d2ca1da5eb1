using Lorq.Specs;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Runtime.Tests.Sessions;

/// <summary>A small model that the compiler compressed to the fused target: a table, two products, with bodies and manifest. One for all tests that need it.</summary>
public sealed class CompressedModel : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("lorq-session-");

    public CompressedModel()
        : this("batch", "length") { }

    /// <summary>With other names of the free dimensions; empty for none.</summary>
    internal CompressedModel(string batch, string length)
    {
        var random = new Random(7);
        string original = Path.Combine(folder.FullName, "small.onnx");
        File.WriteAllBytes(
            original,
            new ModelBuilder()
                .Input("ids", DataType.Int64, batch, length)
                .Constant("table", DataType.Float, Normals(500 * 96), 500, 96)
                .Constant("w1", DataType.Float, Normals(96 * 256), 96, 256)
                .Constant("w2", DataType.Float, Normals(256 * 128), 256, 128)
                .Node("Gather", "h0", "table", "ids")
                .Node("MatMul", "h1", "h0", "w1")
                // As exporters split heads: a shape that is only known at run time.
                .Node("Shape", "s", "h1")
                .Constant("flat", DataType.Int64, [-1L], 1)
                .Node("Reshape", "line", "h1", "flat")
                .Node("Reshape", "h", "line", "s")
                .Node("Relu", "h2", "h")
                .Node("MatMul", "y", "h2", "w2")
                .Output("y", DataType.Float, batch, length, "128")
                .Bytes()
        );
        var spec = new CompressionSpec { Budget = new SizeBudget.Percent(25), Target = "fused" };
        CompilationResult result = Compilation.Run(new CompilationRequest(original, spec, Folder), null, default);
        ModelPath = result.ModelPath;
        ManifestPath = result.ManifestPath;

        float[] Normals(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() + random.NextDouble() - 1))];
    }

    public string Folder => folder.FullName;

    public string ModelPath { get; }

    public string ManifestPath { get; }

    public void Dispose() => folder.Delete(recursive: true);
}
