using System.Runtime.InteropServices;
using Lorq.Models;
using Lorq.Onnx;
using Microsoft.ML.OnnxRuntime;
using static Lorq.Onnx.TensorProto.Types;

namespace Lorq.Tests.Models;

/// <summary>Constants behind chains of operators: the same values and shapes as ONNX Runtime computes.</summary>
public sealed class ConstantTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>Random chains of all operators, axes as attributes (opset 11) and as inputs (opset 17), against ONNX Runtime.</summary>
    [Theory]
    [InlineData(7)]
    [InlineData(11)]
    [InlineData(17)]
    [InlineData(21)]
    public void ChainsGiveWhatOnnxRuntimeComputes(long opset)
    {
        var random = new Random((int)opset);
        var graph = new GraphProto { Name = "chains" };
        const int Chains = 60;
        for (int chain = 0; chain < Chains; chain++)
        {
            AddChain(graph, $"c{chain}", random, opset);
        }
        ModelProto proto = Fixture.Model(graph, opset, opset < 17 ? 4 : 8);
        using OnnxModel model = folder.Load(proto);
        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        using var session = new InferenceSession(model.Path, options);
        using var run = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(run, [], [], session.OutputNames);
        for (int chain = 0; chain < Chains; chain++)
        {
            ConstantTensor? constant = model.Scopes[0].Constant(session.OutputNames[chain]);
            Assert.NotNull(constant);
            Assert.Equal(DataType.Float, constant.ElementType);
            Assert.Equal(outputs[chain].GetTensorTypeAndShape().Shape, constant.Shape);
            Assert.True(
                outputs[chain].GetTensorMutableRawData().SequenceEqual(MemoryMarshal.AsBytes(constant.ReadFloats().AsSpan())),
                string.Join(" ", constant.Chain.Select(n => n.OpType))
            );
            Assert.StartsWith($"c{chain}_", constant.OriginName, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ConstantNodesOfEveryKindAreConstants()
    {
        var graph = new GraphProto { Name = "constants" };
        void Add(string output, AttributeProto attribute) => graph.Node.Add(Fixture.Node("Constant", [], [output], attribute));
        Add("value", Fixture.Tensor("value", Fixture.Floats("", [2, 1], 1, 2)));
        Add("float", new AttributeProto { Name = "value_float", F = 3 });
        Add("floats", new AttributeProto { Name = "value_floats", Floats = { 4, 5 } });
        Add("int", new AttributeProto { Name = "value_int", I = 6 });
        Add("ints", Fixture.Ints("value_ints", 7, 8));
        Add("string", new AttributeProto { Name = "value_string", S = Google.Protobuf.ByteString.CopyFromUtf8("no") });
        graph.Node.Add(Fixture.Node("Constant", [], ["nothing"]));
        NodeProto foreign = Fixture.Node("Constant", [], ["foreign"], Fixture.Ints("value_ints", 7));
        foreign.Domain = "elsewhere";
        graph.Node.Add(foreign);
        using OnnxModel model = folder.Load(Fixture.Model(graph));
        GraphScope scope = model.Scopes[0];
        ConstantTensor value = scope.Constant("value")!;
        Assert.Equal([1f, 2f], value.ReadFloats());
        Assert.Equal([2, 1], value.Shape);
        Assert.Equal("value", value.OriginName);
        Assert.Same(model.Proto.Graph.Node[0], value.ConstantNode);
        Assert.Same(model.Proto.Graph.Node[0].Attribute[0].T, value.Origin);
        Assert.Empty(value.Chain);
        Assert.Equal(8, value.StoredBytes);
        Assert.Equal([3f], scope.Constant("float")!.ReadFloats());
        Assert.Empty(scope.Constant("float")!.Shape);
        Assert.Equal([4f, 5f], scope.Constant("floats")!.ReadFloats());
        Assert.Equal([6], scope.Constant("int")!.ReadIntegers()!);
        Assert.Equal([7, 8], scope.Constant("ints")!.ReadIntegers()!);
        Assert.Null(scope.Constant("floats")!.ReadIntegers());
        Assert.Null(scope.Constant("string"));
        Assert.Null(scope.Constant("nothing"));
        Assert.Null(scope.Constant("foreign"));
    }

    public static TheoryData<string, string, long[]?, long[]?> Reshapes() =>
        new()
        {
            { "to fewer", "Reshape", [6, 4], [6, 4] },
            { "zero copies", "Reshape", [0, -1], [2, 12] },
            { "inferred", "Reshape", [2, -1, 2], [2, 6, 2] },
            { "scalar-like", "Reshape", [], null },
            { "wrong count", "Reshape", [5, 5], null },
            { "indivisible", "Reshape", [5, -1], null },
            { "two inferred", "Reshape", [-1, -1], null },
            { "negative", "Reshape", [-2, 12], null },
            { "zero beyond", "Reshape", [2, 3, 4, 0], null },
            { "product wraps", "Reshape", [1L << 62, 1L << 62, 16], null },
            { "squeeze none", "Squeeze", [0], null },
            { "unsqueeze", "Unsqueeze", [0, -1], [1, 2, 3, 4, 1] },
            { "unsqueeze twice the same", "Unsqueeze", [0, -5], null },
            { "unsqueeze out of range", "Unsqueeze", [4], null },
            { "unsqueeze overflow", "Unsqueeze", [long.MinValue], null },
        };

    [Theory]
    [MemberData(nameof(Reshapes))]
    public void ShapesOfReshapingOperators(string what, string operation, long[]? operand, long[]? expected)
    {
        var graph = new GraphProto
        {
            Name = "g",
            Initializer = { Fixture.Floats("W", [2, 3, 4], Fixture.Values(24)), Fixture.Longs("operand", operand!) },
            Node = { Fixture.Node(operation, ["W", "operand"], ["r"]) },
        };
        using OnnxModel model = folder.Load(Fixture.Model(graph));
        IReadOnlyList<long>? shape = model.Scopes[0].Constant("r")?.Shape;
        Assert.True(expected is null ? shape is null : shape is not null && shape.SequenceEqual(expected), what);
    }

    [Fact]
    public void AllowZeroMakesZeroMeanZero()
    {
        var graph = new GraphProto
        {
            Name = "g",
            Initializer = { Fixture.Floats("E", [0, 3]), Fixture.Longs("s", 7, 0), Fixture.Longs("t", 0, -1), Fixture.Longs("u", 0, 3) },
            Node =
            {
                Fixture.Node("Reshape", ["E", "s"], ["a"], Fixture.Int("allowzero", 1)),
                Fixture.Node("Reshape", ["E", "t"], ["b"], Fixture.Int("allowzero", 1)),
                Fixture.Node("Reshape", ["E", "u"], ["c"]),
            },
        };
        using OnnxModel model = folder.Load(Fixture.Model(graph));
        Assert.Equal([7, 0], model.Scopes[0].Constant("a")!.Shape);
        Assert.Null(model.Scopes[0].Constant("b"));
        Assert.Equal([0, 3], model.Scopes[0].Constant("c")!.Shape);
        Assert.Empty(model.Scopes[0].Constant("a")!.ReadFloats());
    }

    [Fact]
    public void WhatIsNotConstantOrNotUnderstoodIsNull()
    {
        var graph = new GraphProto
        {
            Name = "g",
            Input = { Fixture.Info("s", DataType.Int64, 1), Fixture.Info("default", DataType.Int64, 1) },
            Initializer = { Fixture.Floats("W", [2, 3], Fixture.Values(6)), Fixture.Longs("default", 6), Fixture.Longs("longs", 6) },
            Node =
            {
                Fixture.Node("Reshape", ["W", "s"], ["by input"]),
                Fixture.Node("Reshape", ["W", "default"], ["by overridable"]),
                Fixture.Node("Cast", ["W"], ["to int"], Fixture.Int("to", (long)DataType.Int64)),
                Fixture.Node("Cast", ["longs"], ["from int"], Fixture.Int("to", (long)DataType.Float)),
                Fixture.Node("Transpose", ["W"], ["bad perm"], Fixture.Ints("perm", 0, 0)),
                Fixture.Node("Transpose", ["W"], ["short perm"], Fixture.Ints("perm", 0)),
                Fixture.Node("Transpose", ["W"], ["huge perm"], Fixture.Ints("perm", 0, long.MaxValue)),
                Fixture.Node("Relu", ["W"], ["relu"]),
                Fixture.Node("Reshape", ["W"], ["no shape"]),
                Fixture.Node("Identity", [], ["no input"]),
            },
        };
        using OnnxModel model = folder.Load(Fixture.Model(graph));
        foreach (NodeProto node in model.Proto.Graph.Node)
        {
            Assert.True(model.Scopes[0].Constant(node.Output[0]) is null, node.Output[0]);
        }
    }

    private static void AddChain(GraphProto graph, string name, Random random, long opset)
    {
        DataType type = DataType.Float;
        List<long> shape = [.. Enumerable.Range(0, random.Next(0, 5)).Select(_ => (long)random.Next(1, 5))];
        TensorProto start = Fixture.Floats(
            $"{name}_W",
            [.. shape],
            Fixture.Values((int)shape.Aggregate(1L, (a, b) => a * b), random.Next())
        );
        string tensor = start.Name;
        if (random.Next(2) == 0)
        {
            graph.Initializer.Add(start);
        }
        else
        {
            graph.Node.Add(Fixture.Node("Constant", [], [tensor], Fixture.Tensor("value", start)));
        }
        int length = random.Next(1, 7);
        for (int i = 0; i < length; i++)
        {
            string output = $"{name}_{i}";
            long[] axes;
            switch (random.Next(6))
            {
                case 0:
                    graph.Node.Add(Fixture.Node("Identity", [tensor], [output]));
                    break;
                case 1:
                    long[] perm = [.. Enumerable.Range(0, shape.Count).Select(a => (long)a)];
                    random.Shuffle(perm);
                    bool reverse = random.Next(3) == 0;
                    perm = reverse ? [.. perm.Order().Reverse()] : perm;
                    graph.Node.Add(Fixture.Node("Transpose", [tensor], [output], reverse ? [] : [Fixture.Ints("perm", perm)]));
                    shape = [.. perm.Select(a => shape[(int)a])];
                    break;
                case 2:
                    long[] target = [.. shape.GroupBy(_ => random.Next(2)).Select(g => g.Aggregate(1L, (a, b) => a * b))];
                    shape = [.. target];
                    if (target.Length > 0)
                    {
                        target[random.Next(target.Length)] = -1;
                    }
                    graph.Initializer.Add(Fixture.Longs($"{output}_s", target));
                    graph.Node.Add(Fixture.Node("Reshape", [tensor, $"{output}_s"], [output]));
                    break;
                case 3:
                    axes = [.. Enumerable.Range(0, shape.Count).Where(a => shape[a] == 1).Select(a => (long)a)];
                    shape = [.. shape.Where(d => d != 1)];
                    graph.Node.Add(
                        random.Next(2) == 0 || axes.Length == 0
                            ? Fixture.Node("Squeeze", [tensor], [output])
                            : WithAxes(graph, "Squeeze", tensor, output, axes, opset)
                    );
                    break;
                case 4:
                    // Negative axes came with opset 11.
                    bool last = opset >= 11 && random.Next(2) == 0;
                    axes = [0, last ? -1 : shape.Count + 1];
                    shape = [1, .. shape, 1];
                    graph.Node.Add(WithAxes(graph, "Unsqueeze", tensor, output, axes, opset));
                    break;
                default:
                    DataType[] types =
                        opset < 13
                            ? [DataType.Float, DataType.Float16, DataType.Double]
                            : [DataType.Float, DataType.Float16, DataType.Bfloat16, DataType.Double];
                    type = types[random.Next(types.Length)];
                    graph.Node.Add(Fixture.Node("Cast", [tensor], [output], Fixture.Int("to", (long)type)));
                    break;
            }
            tensor = output;
        }
        graph.Node.Add(Fixture.Node("Cast", [tensor], [$"{name}_out"], Fixture.Int("to", (long)DataType.Float)));
        graph.Output.Add(Fixture.Info($"{name}_out", DataType.Float, [.. shape]));
    }

    private static NodeProto WithAxes(GraphProto graph, string operation, string input, string output, long[] axes, long opset)
    {
        if (opset < 13)
        {
            return Fixture.Node(operation, [input], [output], Fixture.Ints("axes", axes));
        }
        graph.Node.Add(Fixture.Node("Constant", [], [$"{output}_a"], Fixture.Ints("value_ints", axes)));
        return Fixture.Node(operation, [input, $"{output}_a"], [output]);
    }
}
