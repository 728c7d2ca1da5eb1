using System.Runtime.InteropServices;
using Google.Protobuf;
using Lorq.Models;
using Lorq.Onnx;
using static Lorq.Onnx.TensorProto.Types;

namespace Lorq.Tests.Models;

/// <summary>Builds small models from the generated protobuf types.</summary>
internal static class Fixture
{
    /// <summary>A model around a graph.</summary>
    public static ModelProto Model(GraphProto graph, long opset = 17, long irVersion = 8) =>
        new()
        {
            IrVersion = irVersion,
            ProducerName = "test",
            Graph = graph,
            OpsetImport = { new OperatorSetIdProto { Version = opset } },
        };

    /// <summary>A node; attributes are added by the caller.</summary>
    public static NodeProto Node(string operation, string[] inputs, string[] outputs, params AttributeProto[] attributes) =>
        new()
        {
            OpType = operation,
            Input = { inputs },
            Output = { outputs },
            Attribute = { attributes },
        };

    public static AttributeProto Ints(string name, params long[] values) =>
        new()
        {
            Name = name,
            Type = AttributeProto.Types.AttributeType.Ints,
            Ints = { values },
        };

    public static AttributeProto Int(string name, long value) =>
        new()
        {
            Name = name,
            Type = AttributeProto.Types.AttributeType.Int,
            I = value,
        };

    public static AttributeProto Tensor(string name, TensorProto value) =>
        new()
        {
            Name = name,
            Type = AttributeProto.Types.AttributeType.Tensor,
            T = value,
        };

    public static AttributeProto Graph(string name, GraphProto value) =>
        new()
        {
            Name = name,
            Type = AttributeProto.Types.AttributeType.Graph,
            G = value,
        };

    /// <summary>An fp32 tensor as raw data.</summary>
    public static TensorProto Floats(string name, long[] dims, params float[] values) =>
        Raw(name, DataType.Float, dims, MemoryMarshal.AsBytes(values.AsSpan()));

    /// <summary>An int64 tensor as raw data, one axis.</summary>
    public static TensorProto Longs(string name, params long[] values) =>
        Raw(name, DataType.Int64, [values.Length], MemoryMarshal.AsBytes(values.AsSpan()));

    /// <summary>A tensor of any type as raw data.</summary>
    public static TensorProto Raw(string name, DataType type, long[] dims, ReadOnlySpan<byte> raw) =>
        new()
        {
            Name = name,
            DataType = (int)type,
            Dims = { dims },
            RawData = ByteString.CopyFrom(raw),
        };

    /// <summary>An input or output.</summary>
    public static ValueInfoProto Info(string name, DataType type, params long[] dims)
    {
        var shape = new TensorShapeProto();
        foreach (long dim in dims)
        {
            shape.Dim.Add(
                dim < 0 ? new TensorShapeProto.Types.Dimension { DimParam = "n" } : new TensorShapeProto.Types.Dimension { DimValue = dim }
            );
        }
        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto
            {
                TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = shape },
            },
        };
    }

    /// <summary>Deterministic values in (−1, 1).</summary>
    public static float[] Values(int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() * 2 - 1)];
    }

    /// <summary>y = x·W + b with a W of <paramref name="k"/>×<paramref name="n"/>, large enough to be a payload.</summary>
    public static ModelProto Linear(int k = 24, int n = 16) =>
        Model(
            new GraphProto
            {
                Name = "linear",
                Node = { Node("MatMul", ["x", "W"], ["xW"]), Node("Add", ["xW", "b"], ["y"]) },
                Initializer = { Floats("W", [k, n], Values(k * n)), Floats("b", [n], Values(n, 2)) },
                Input = { Info("x", DataType.Float, -1, k) },
                Output = { Info("y", DataType.Float, -1, n) },
            }
        );

    /// <summary>Writes a message as it is.</summary>
    public static string Write(this TemporaryFolder folder, ModelProto proto, string name = "model.onnx")
    {
        string path = folder.File(name);
        File.WriteAllBytes(path, proto.ToByteArray());
        return path;
    }

    /// <summary>A loaded model of a message; the file goes with the folder.</summary>
    public static OnnxModel Load(this TemporaryFolder folder, ModelProto proto, string name = "model.onnx") =>
        OnnxModel.Load(folder.Write(proto, name));

    /// <summary>Raw data of a tensor that belongs to no model.</summary>
    public static byte[] Raw(TensorProto tensor)
    {
        using var none = new OnnxModel("none", new ModelProto(), new PayloadTable(), []);
        return none.ReadBytes(tensor).ToArray();
    }
}
