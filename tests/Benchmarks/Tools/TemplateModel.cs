using System.Runtime.InteropServices;
using Google.Protobuf;
using Lorq.Onnx;
using static Lorq.Onnx.TensorProto.Types;

namespace Lorq.Benchmarks.Tools;

/// <summary>
/// The model of <c>dotnet new lorq-console</c>: the normalised sum of one random direction per hashed group of three letters. Random
/// projections keep the cosines of the counts (Johnson and Lindenstrauss), so texts that share groups are alike without training.
/// </summary>
internal static class TemplateModel
{
    /// <summary>Where it lies in the repository.</summary>
    public const string Place = "templates/console/Models/trigrams.onnx";

    private const int Rows = 1024;
    private const int Width = 64;
    private const int Seed = 1;

    /// <summary>Writes the model.</summary>
    public static void Write()
    {
        string path = Path.Combine(Repository.Root, Place);
        File.WriteAllBytes(path, Make().ToByteArray());
        Console.WriteLine($"Written to {Place}.");
    }

    private static ModelProto Make()
    {
        var random = new Random(Seed);
        var table = new float[Rows * Width];
        foreach (ref float value in table.AsSpan())
        {
            // Normal by the central limit of twelve uniform numbers.
            value = Enumerable.Range(0, 12).Sum(_ => random.NextSingle()) - 6;
        }
        var graph = new GraphProto { Name = "trigrams" };
        graph.Input.Add(Value("ids", DataType.Int64, new TensorShapeProto.Types.Dimension { DimParam = "trigrams" }));
        graph.Output.Add(Value("embedding", DataType.Float, new TensorShapeProto.Types.Dimension { DimValue = Width }));
        graph.Initializer.Add(
            new TensorProto
            {
                Name = "directions",
                DataType = (int)DataType.Float,
                Dims = { Rows, Width },
                RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(table.AsSpan())),
            }
        );
        graph.Initializer.Add(
            new TensorProto
            {
                Name = "axes",
                DataType = (int)DataType.Int64,
                Dims = { 1 },
                Int64Data = { 0 },
            }
        );
        graph.Node.Add(Node("Gather", "rows", "directions", "ids"));
        NodeProto sum = Node("ReduceSum", "sum", "rows", "axes");
        sum.Attribute.Add(Integer("keepdims", 0));
        graph.Node.Add(sum);
        NodeProto normalised = Node("LpNormalization", "embedding", "sum");
        normalised.Attribute.Add(Integer("axis", 0));
        graph.Node.Add(normalised);
        var model = new ModelProto
        {
            IrVersion = 8,
            ProducerName = "lorq",
            Graph = graph,
        };
        model.OpsetImport.Add(new OperatorSetIdProto { Version = 17 });
        return model;
    }

    private static NodeProto Node(string type, string output, params string[] inputs) =>
        new()
        {
            Name = output,
            OpType = type,
            Input = { inputs },
            Output = { output },
        };

    private static AttributeProto Integer(string name, long value) =>
        new()
        {
            Name = name,
            Type = AttributeProto.Types.AttributeType.Int,
            I = value,
        };

    private static ValueInfoProto Value(string name, DataType type, TensorShapeProto.Types.Dimension dimension) =>
        new()
        {
            Name = name,
            Type = new TypeProto
            {
                TensorType = new TypeProto.Types.Tensor
                {
                    ElemType = (int)type,
                    Shape = new TensorShapeProto { Dim = { dimension } },
                },
            },
        };
}
