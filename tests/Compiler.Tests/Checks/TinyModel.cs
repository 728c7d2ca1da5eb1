using Google.Protobuf;
using Lorq.Onnx;
using static Lorq.Onnx.TensorProto.Types;

namespace Lorq.Tests.Checks;

/// <summary>A model of one MatMul, <c>y = xW</c>, written to a file.</summary>
internal static class TinyModel
{
    public static string Write(
        string path,
        float[] weight,
        int n,
        string input = "x",
        string output = "y",
        int? fixedWidth = null,
        bool cast = false
    )
    {
        int k = weight.Length / n;
        var graph = new GraphProto { Name = "tiny" };
        graph.Input.Add(Value(input, DataType.Float, null, fixedWidth ?? k));
        graph.Initializer.Add(
            new TensorProto
            {
                Name = "W",
                DataType = (int)DataType.Float,
                Dims = { k, n },
                FloatData = { weight },
            }
        );
        graph.Node.Add(
            new NodeProto
            {
                OpType = "MatMul",
                Input = { input, "W" },
                Output = { cast ? "product" : output },
            }
        );
        if (cast)
        {
            var node = new NodeProto
            {
                OpType = "Cast",
                Input = { "product" },
                Output = { output },
            };
            node.Attribute.Add(
                new AttributeProto
                {
                    Name = "to",
                    Type = AttributeProto.Types.AttributeType.Int,
                    I = (long)DataType.Int64,
                }
            );
            graph.Node.Add(node);
        }
        graph.Output.Add(Value(output, cast ? DataType.Int64 : DataType.Float, null, n));
        var model = new ModelProto { IrVersion = 8, Graph = graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Version = 17 });
        File.WriteAllBytes(path, model.ToByteArray());
        return path;
    }

    private static ValueInfoProto Value(string name, DataType type, params long?[] dims)
    {
        var shape = new TensorShapeProto();
        foreach (long? d in dims)
        {
            shape.Dim.Add(
                d is long fixedLength
                    ? new TensorShapeProto.Types.Dimension { DimValue = fixedLength }
                    : new TensorShapeProto.Types.Dimension { DimParam = "batch" }
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
}
