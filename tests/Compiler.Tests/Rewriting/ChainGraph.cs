using Google.Protobuf;
using Lorq.Onnx;
using Lorq.Rewriting;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Rewriting;

/// <summary>A one-chain model around a <see cref="ChainBuilder"/>, to see what stock ONNX Runtime makes of it.</summary>
internal sealed class ChainGraph
{
    private int names;

    public ChainGraph()
    {
        Shared = new SharedConstants(Next);
        Builder = new ChainBuilder(Next, Shared, 21);
    }

    public SharedConstants Shared { get; }

    public ChainBuilder Builder { get; }

    public string Next() => $"t{names++}";

    /// <summary>Adds reader nodes with inputs fed at run time, so that the chain itself is all that can be folded.</summary>
    public ModelProto Model(
        IEnumerable<NodeProto> readers,
        IEnumerable<(string Name, DataType Type)> inputs,
        IEnumerable<(string Name, DataType Type)> outputs,
        int opset = 21
    )
    {
        var model = new ModelProto { IrVersion = 10 };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = opset });
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
        var graph = new GraphProto { Name = "g" };
        graph.Node.AddRange(Builder.Nodes);
        graph.Node.AddRange(readers);
        foreach (StoredTensor tensor in Builder.Tensors.Concat(Shared.Tensors))
        {
            TensorProto written = tensor.Header.Clone();
            written.RawData = ByteString.CopyFrom(tensor.Payload());
            Assert.Equal(tensor.Length, written.RawData.Length);
            graph.Initializer.Add(written);
        }
        graph.Input.AddRange(inputs.Select(i => Value(i.Name, i.Type)));
        graph.Output.AddRange(outputs.Select(o => Value(o.Name, o.Type)));
        model.Graph = graph;
        return model;
    }

    public static ValueInfoProto Value(string name, DataType type) =>
        new()
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type } },
        };

    /// <summary>Runs and gives the first output with the operators left after ONNX Runtime's own optimization.</summary>
    public static (T[] Values, string[] Operators) Run<T>(ModelProto model, params (string Name, OrtValue Value)[] feeds)
        where T : unmanaged => Run<T>(model, GraphOptimizationLevel.ORT_ENABLE_EXTENDED, feeds);

    public static (T[] Values, string[] Operators) Run<T>(
        ModelProto model,
        GraphOptimizationLevel level,
        params (string Name, OrtValue Value)[] feeds
    )
        where T : unmanaged
    {
        string optimized = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".onnx");
        try
        {
            using var options = new SessionOptions
            {
                OptimizedModelFilePath = optimized,
                GraphOptimizationLevel = level,
                LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
                IntraOpNumThreads = 1,
            };
            using var session = new InferenceSession(model.ToByteArray(), options);
            using var run = new RunOptions();
            using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(
                run,
                [.. feeds.Select(f => f.Name)],
                [.. feeds.Select(f => f.Value)],
                session.OutputNames
            );
            string[] operators = [.. ModelProto.Parser.ParseFrom(File.ReadAllBytes(optimized)).Graph.Node.Select(n => n.OpType)];
            return (outputs[0].GetTensorDataAsSpan<T>().ToArray(), operators);
        }
        finally
        {
            File.Delete(optimized);
        }
    }

    public static OrtValue Tensor<T>(T[] values, params long[] shape)
        where T : unmanaged => OrtValue.CreateTensorValueFromMemory(values, shape);
}
