using System.Runtime.InteropServices;
using Google.Protobuf;
using Lorq.Onnx;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Runtime.Tests.Sessions;

/// <summary>Small models, made node by node.</summary>
internal sealed class ModelBuilder
{
    private readonly GraphProto graph = new() { Name = "g" };

    /// <summary>An input; dims are lengths (<c>4</c>) or names (<c>batch</c>).</summary>
    public ModelBuilder Input(string name, DataType type, params string[] dims)
    {
        graph.Input.Add(Value(name, type, dims));
        return this;
    }

    public ModelBuilder Output(string name, DataType type, params string[] dims)
    {
        graph.Output.Add(Value(name, type, dims));
        return this;
    }

    /// <summary>An input of an optional type that holds a tensor.</summary>
    public ModelBuilder OptionalInput(string name, DataType type, params string[] dims)
    {
        ValueInfoProto input = Value(name, type, dims);
        input.Type = new TypeProto { OptionalType = new TypeProto.Types.Optional { ElemType = input.Type } };
        graph.Input.Add(input);
        return this;
    }

    /// <summary>An output that is a sequence of tensors.</summary>
    public ModelBuilder SequenceOutput(string name, DataType type)
    {
        var element = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type } };
        graph.Output.Add(
            new ValueInfoProto
            {
                Name = name,
                Type = new TypeProto { SequenceType = new TypeProto.Types.Sequence { ElemType = element } },
            }
        );
        return this;
    }

    public ModelBuilder Constant<T>(string name, DataType type, T[] values, params long[] dims)
        where T : unmanaged
    {
        var tensor = new TensorProto
        {
            Name = name,
            DataType = (int)type,
            RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(values.AsSpan())),
        };
        tensor.Dims.AddRange(dims);
        graph.Initializer.Add(tensor);
        return this;
    }

    public ModelBuilder Node(string op, string output, params string[] inputs)
    {
        var node = new NodeProto { OpType = op, Name = output };
        node.Input.AddRange(inputs);
        node.Output.Add(output);
        graph.Node.Add(node);
        return this;
    }

    public byte[] Bytes()
    {
        var model = new ModelProto { IrVersion = 10, Graph = graph.Clone() };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = 21 });
        return model.ToByteArray();
    }

    /// <summary><c>sum = a·scale + b</c> and <c>twice = a + a</c>; a and b are [batch, 4], scale has the value 1 unless a call replaces it.</summary>
    public static byte[] Sum() =>
        new ModelBuilder()
            .Input("a", DataType.Float, "batch", "4")
            .Input("b", DataType.Float, "batch", "4")
            .Input("scale", DataType.Float, "1")
            .Constant("scale", DataType.Float, [1f], 1)
            .Node("Mul", "scaled", "a", "scale")
            .Node("Add", "sum", "scaled", "b")
            .Node("Add", "twice", "a", "a")
            .Output("sum", DataType.Float, "batch", "4")
            .Output("twice", DataType.Float, "batch", "4")
            .Bytes();

    /// <summary>The identity.</summary>
    public static byte[] Identity(DataType type, params string[] dims) =>
        new ModelBuilder().Input("x", type, dims).Node("Identity", "y", "x").Output("y", type, dims).Bytes();

    /// <summary>Counts: <c>y = x + 1 + 1 + …</c>, as many times as <c>trips</c> says. It takes as long as one wants, and ends early only when it is told to.</summary>
    public static byte[] Counting()
    {
        ModelBuilder body = new ModelBuilder()
            .Input("trip", DataType.Int64)
            .Input("go", DataType.Bool)
            .Input("count", DataType.Float)
            .Constant("one", DataType.Float, [1f])
            .Node("Identity", "go_on", "go")
            .Node("Add", "counted", "count", "one")
            .Output("go_on", DataType.Bool)
            .Output("counted", DataType.Float);
        ModelBuilder model = new ModelBuilder()
            .Input("x", DataType.Float)
            .Input("trips", DataType.Int64)
            .Node("Loop", "y", "trips", "", "x")
            .Output("y", DataType.Float);
        model
            .graph.Node[0]
            .Attribute.Add(
                new AttributeProto
                {
                    Name = "body",
                    Type = AttributeProto.Types.AttributeType.Graph,
                    G = body.graph,
                }
            );
        return model.Bytes();
    }

    private static ValueInfoProto Value(string name, DataType type, string[] dims)
    {
        var shape = new TensorShapeProto();
        foreach (string dim in dims)
        {
            shape.Dim.Add(
                long.TryParse(dim, out long length)
                    ? new TensorShapeProto.Types.Dimension { DimValue = length }
                    : new TensorShapeProto.Types.Dimension { DimParam = dim }
            );
        }
        return new()
        {
            Name = name,
            Type = new TypeProto
            {
                TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = shape },
            },
        };
    }
}
