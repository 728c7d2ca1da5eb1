using System.Runtime.InteropServices;
using Google.Protobuf;
using Lorq.Onnx;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Runtime.Tests.Operators;

/// <summary>A model of one Lorq node, made by hand and changed at will.</summary>
internal sealed class OneNodeModel
{
    private static readonly string[] Slots =
    [
        "x",
        "codes",
        "scales",
        "zero_points",
        "l1",
        "l2",
        "l1_scales",
        "l2_scales",
        "codebook",
        "scale_factors",
        "bias",
        "adapter_a",
        "adapter_b",
        "adapter_index",
    ];

    private readonly SortedDictionary<int, string> inputs = [];
    private readonly GraphProto graph = new() { Name = "g" };
    private readonly string op;

    public OneNodeModel(string op, DataType input, DataType output)
    {
        this.op = op;
        Input("x", input);
        graph.Output.Add(Value("y", output));
    }

    public Dictionary<string, long> Attributes { get; } = [];

    public Dictionary<string, long[]> Lists { get; } = [];

    /// <summary>Connects a graph input.</summary>
    public OneNodeModel Input(string slot, DataType type)
    {
        inputs[Array.IndexOf(Slots, slot)] = slot;
        graph.Input.Add(Value(slot, type));
        return this;
    }

    /// <summary>Connects an initializer in place of what is there.</summary>
    public OneNodeModel Constant<T>(string slot, DataType type, T[] values, params long[] dims)
        where T : unmanaged
    {
        Remove(slot);
        inputs[Array.IndexOf(Slots, slot)] = slot;
        var tensor = new TensorProto
        {
            Name = slot,
            DataType = (int)type,
            RawData = ByteString.CopyFrom(MemoryMarshal.AsBytes(values.AsSpan())),
        };
        tensor.Dims.AddRange(dims);
        graph.Initializer.Add(tensor);
        return this;
    }

    /// <summary>Disconnects an input.</summary>
    public OneNodeModel Remove(string slot)
    {
        inputs.Remove(Array.IndexOf(Slots, slot));
        foreach (TensorProto old in graph.Initializer.Where(t => t.Name == slot).ToList())
        {
            graph.Initializer.Remove(old);
        }
        return this;
    }

    public byte[] Bytes()
    {
        var model = new ModelProto { IrVersion = 10, Graph = graph.Clone() };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = 21 });
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = LorqOperators.Domain, Version = 1 });
        var node = new NodeProto
        {
            OpType = op,
            Domain = LorqOperators.Domain,
            Name = "layer 7",
        };
        for (int slot = 0; slot <= inputs.Keys.Last(); slot++)
        {
            node.Input.Add(inputs.TryGetValue(slot, out string? name) ? name : "");
        }
        node.Output.Add("y");
        foreach ((string name, long value) in Attributes)
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
        foreach ((string name, long[] values) in Lists)
        {
            var list = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
            list.Ints.AddRange(values);
            node.Attribute.Add(list);
        }
        model.Graph.Node.Add(node);
        return model.ToByteArray();
    }

    public InferenceSession Open(ActivationMode mode = ActivationMode.Exact, int threads = 1)
    {
        using var options = new SessionOptions { IntraOpNumThreads = threads, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
        options.AddLorqOperators(mode);
        return new InferenceSession(Bytes(), options);
    }

    /// <summary>Runs the node; its output's elements and shape.</summary>
    public static (T[] Values, long[] Dims) Run<T>(InferenceSession session, params (string Name, OrtValue Value)[] feeds)
        where T : unmanaged
    {
        using var options = new RunOptions();
        using var outputs = session.Run(options, feeds.ToDictionary(f => f.Name, f => f.Value), ["y"]);
        OrtValue y = outputs[0];
        return (y.GetTensorDataAsSpan<T>().ToArray(), y.GetTensorTypeAndShape().Shape);
    }

    private static ValueInfoProto Value(string name, DataType type) =>
        new()
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type } },
        };
}
