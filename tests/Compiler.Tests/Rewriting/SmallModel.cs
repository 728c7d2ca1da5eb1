using System.Runtime.InteropServices;
using Google.Protobuf;
using Lorq.Models;
using Lorq.Onnx;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Rewriting;

/// <summary>Builds small models node by node.</summary>
internal sealed class SmallModel
{
    private readonly Random random = new(7);

    public SmallModel(long opset, long ir = 8)
    {
        Proto = new ModelProto
        {
            IrVersion = ir,
            ProducerName = "tests",
            Graph = new GraphProto { Name = "small" },
        };
        Proto.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = opset });
    }

    public ModelProto Proto { get; }

    public SmallModel Input(string name, DataType type, params long[] dims)
    {
        Proto.Graph.Input.Add(Value(name, type, dims));
        return this;
    }

    public SmallModel Output(string name, DataType type = DataType.Float)
    {
        Proto.Graph.Output.Add(ChainGraph.Value(name, type));
        return this;
    }

    public SmallModel Weight(string name, params long[] dims)
    {
        var values = new float[dims.Aggregate(1L, (a, d) => a * d)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (float)(random.NextDouble() - 0.5);
        }
        return Floats(name, dims, values);
    }

    public SmallModel Floats(string name, long[] dims, float[] values)
    {
        Proto.Graph.Initializer.Add(Tensor(name, DataType.Float, dims, MemoryMarshal.AsBytes<float>(values).ToArray()));
        return this;
    }

    public SmallModel HalfWeight(string name, params long[] dims)
    {
        var values = new Half[dims.Aggregate(1L, (a, d) => a * d)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (Half)(random.NextDouble() - 0.5);
        }
        Proto.Graph.Initializer.Add(Tensor(name, DataType.Float16, dims, MemoryMarshal.AsBytes<Half>(values).ToArray()));
        return this;
    }

    public SmallModel Int64s(string name, params long[] values)
    {
        Proto.Graph.Initializer.Add(Tensor(name, DataType.Int64, [values.Length], MemoryMarshal.AsBytes<long>(values).ToArray()));
        return this;
    }

    public SmallModel Int64Grid(string name, long[] dims, long[] values)
    {
        Proto.Graph.Initializer.Add(Tensor(name, DataType.Int64, dims, MemoryMarshal.AsBytes<long>(values).ToArray()));
        return this;
    }

    public SmallModel ConstantWeight(string name, params long[] dims)
    {
        Weight(name, dims);
        TensorProto tensor = Proto.Graph.Initializer[^1];
        Proto.Graph.Initializer.RemoveAt(Proto.Graph.Initializer.Count - 1);
        return Node(
            "Constant",
            "",
            name,
            new AttributeProto
            {
                Name = "value",
                T = tensor,
                Type = AttributeProto.Types.AttributeType.Tensor,
            }
        );
    }

    public SmallModel Node(string operation, string inputs, string outputs, params AttributeProto[] attributes)
    {
        var node = new NodeProto { OpType = operation, Name = $"{operation}_{Proto.Graph.Node.Count}" };
        node.Input.AddRange(inputs.Length == 0 ? [] : inputs.Split(',').Select(i => i.Trim()));
        node.Output.AddRange(outputs.Split(',').Select(o => o.Trim()));
        node.Attribute.AddRange(attributes);
        Proto.Graph.Node.Add(node);
        return this;
    }

    /// <summary>Writes the file into a folder and loads it.</summary>
    public OnnxModel Load(string folder)
    {
        string path = Path.Combine(folder, Path.GetRandomFileName() + ".onnx");
        File.WriteAllBytes(path, Proto.ToByteArray());
        return OnnxModel.Load(path);
    }

    private static TensorProto Tensor(string name, DataType type, long[] dims, byte[] bytes)
    {
        var tensor = new TensorProto
        {
            Name = name,
            DataType = (int)type,
            RawData = ByteString.CopyFrom(bytes),
        };
        tensor.Dims.AddRange(dims);
        return tensor;
    }

    private static ValueInfoProto Value(string name, DataType type, long[] dims)
    {
        ValueInfoProto value = ChainGraph.Value(name, type);
        value.Type.TensorType.Shape = new TensorShapeProto();
        foreach (long dim in dims)
        {
            value.Type.TensorType.Shape.Dim.Add(
                dim < 0
                    ? new TensorShapeProto.Types.Dimension { DimParam = $"d{-dim}" }
                    : new TensorShapeProto.Types.Dimension { DimValue = dim }
            );
        }
        return value;
    }
}
