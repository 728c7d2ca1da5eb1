using System.Runtime.InteropServices;
using Google.Protobuf;
using Lorq.Onnx;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Benchmarks.Tools;

/// <summary>Models of one product <c>y = x·W</c> (and a low-rank pair) with random weights, in the forms that are compared. Blocks of 32, symmetric.</summary>
internal sealed class KernelModels(int k, int n, int rank)
{
    private const int Block = 32;
    private readonly Random random = new(1);

    /// <summary>A float32 MatMul.</summary>
    public byte[] Single()
    {
        var graph = Graph();
        Add(graph, "w", DataType.Float, Floats(k * n), k, n);
        graph.Node.Add(Node("MatMul", "", ["x", "w"], "y"));
        return Model(graph);
    }

    /// <summary><c>MatMulNBits</c> with 4 bits and int8 activations, two MatMuls and an Add.</summary>
    public byte[] Peer()
    {
        var graph = Graph();
        Add(graph, "codes", DataType.Uint8, Bytes(n * (k / Block) * Block / 2), n, k / Block, Block / 2);
        Add(graph, "scales", DataType.Float, Floats(n * (k / Block)), n * (k / Block));
        Add(graph, "l1", DataType.Float, Floats(k * rank), k, rank);
        Add(graph, "l2", DataType.Float, Floats(rank * n), rank, n);
        NodeProto quantized = Node("MatMulNBits", "com.microsoft", ["x", "codes", "scales"], "q");
        Attributes(quantized, ("K", k), ("N", n), ("bits", 4), ("block_size", Block), ("accuracy_level", 4));
        graph.Node.AddRange([
            quantized,
            Node("MatMul", "", ["x", "l1"], "t"),
            Node("MatMul", "", ["t", "l2"], "l"),
            Node("Add", "", ["q", "l"], "y"),
        ]);
        return Model(graph);
    }

    /// <summary>The fused node with float16 scales and factors.</summary>
    /// <param name="bits">Bits per code.</param>
    /// <param name="isLowRank">Whether it has the pair.</param>
    public byte[] Fused(int bits, bool isLowRank)
    {
        var graph = Graph();
        Add(graph, "codes", DataType.Uint8, Bytes(n * (k / 8) * bits), n, k / 8 * bits);
        Add(graph, "scales", DataType.Float16, Halves(n * (k / Block)), n, k / Block);
        string[] inputs = ["x", "codes", "scales"];
        if (isLowRank)
        {
            Add(graph, "l1", DataType.Float16, Halves(k * rank), k, rank);
            Add(graph, "l2", DataType.Float16, Halves(rank * n), rank, n);
            inputs = [.. inputs, "", "l1", "l2"];
        }
        NodeProto node = Node("LowRankQMatMul", "ai.lorq", inputs, "y");
        Attributes(node, ("K", k), ("bits", bits), ("block_size", Block), ("activation_bits", 8));
        graph.Node.Add(node);
        return Model(graph);
    }

    private static GraphProto Graph()
    {
        var graph = new GraphProto { Name = "g" };
        graph.Input.Add(Value("x"));
        graph.Output.Add(Value("y"));
        return graph;
    }

    private static ValueInfoProto Value(string name) =>
        new()
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)DataType.Float } },
        };

    private static byte[] Model(GraphProto graph)
    {
        var model = new ModelProto { IrVersion = 10, Graph = graph };
        foreach ((string domain, int version) in (ReadOnlySpan<(string, int)>)[("", 21), ("com.microsoft", 1), ("ai.lorq", 1)])
        {
            model.OpsetImport.Add(new OperatorSetIdProto { Domain = domain, Version = version });
        }
        return model.ToByteArray();
    }

    private static NodeProto Node(string op, string domain, string[] inputs, string output)
    {
        var node = new NodeProto
        {
            OpType = op,
            Domain = domain,
            Name = $"{op}_{output}",
        };
        node.Input.Add(inputs);
        node.Output.Add(output);
        return node;
    }

    private static void Attributes(NodeProto node, params (string Name, int Value)[] attributes)
    {
        foreach ((string name, int value) in attributes)
        {
            node.Attribute.Add(
                new AttributeProto
                {
                    Name = name,
                    I = value,
                    Type = AttributeProto.Types.AttributeType.Int,
                }
            );
        }
    }

    private static void Add<T>(GraphProto graph, string name, DataType type, T[] values, params long[] dims)
        where T : unmanaged
    {
        var tensor = new TensorProto
        {
            Name = name,
            DataType = (int)type,
            RawData = UnsafeByteOperations.UnsafeWrap(MemoryMarshal.AsBytes(values.AsSpan()).ToArray()),
        };
        tensor.Dims.AddRange(dims);
        graph.Initializer.Add(tensor);
    }

    private byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    private float[] Floats(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() / 50)];

    private Half[] Halves(int count) => Array.ConvertAll(Floats(count), v => (Half)v);
}
