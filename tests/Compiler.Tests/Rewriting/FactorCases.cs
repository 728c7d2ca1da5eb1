using System.Runtime.InteropServices;
using Lorq.Calibration;
using Lorq.Onnx;
using Lorq.Rewriting;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Rewriting;

/// <summary>Small graphs with one weight, <c>w</c>, each reading it in one way, with inputs to feed.</summary>
internal static class FactorCases
{
    private static readonly Dictionary<string, Func<SmallModel, (SmallModel Model, Dictionary<string, DataTensor> Feeds)>> All = new()
    {
        ["MatMul of a vector"] = m => Product(m, [45], "x, w", [45, 39]),
        ["MatMul of a matrix"] = m => Product(m, [5, 45], "x, w", [45, 39]),
        ["MatMul of rank 3"] = m => Product(m, [2, 3, 45], "x, w", [45, 39]),
        ["MatMul of rank 4"] = m => Product(m, [2, 3, 2, 64], "x, w", [64, 48]),
        ["MatMul behind a Transpose"] = m =>
            Product(m.Node("Transpose", "w", "wT", Attributes.Ints("perm", 1, 0)), [3, 64], "x, wT", [40, 64]),
        ["MatMul from the left"] = m => Product(m, [45, 6], "w, x", [39, 45]),
        ["MatMul from the left, rank 4"] = m => Product(m, [2, 3, 45, 6], "w, x", [39, 45]),
        ["MatMul from the left of a vector"] = m => Product(m, [45], "w, x", [39, 45]),
        ["Experts"] = m => Product(m, [3, 5, 24], "x, w", [3, 24, 31]),
        ["Experts of one matrix"] = m => Product(m, [5, 24], "x, w", [3, 24, 31]),
        ["One expert"] = m => Product(m, [1, 5, 32], "x, w", [1, 32, 40]),
        ["Gemm"] = m => Gemm(m, [5, 45], [45, 39], null),
        ["Gemm transB with a bias"] = m => Gemm(m, [5, 45], [39, 45], [39], Attributes.Int("transB", 1)),
        ["Gemm with a bias row"] = m => Gemm(m, [5, 64], [64, 48], [1, 48]),
        ["Gemm with a bias column"] = m => Gemm(m, [5, 64], [64, 48], [5, 1], Attributes.Float("beta", 0.25f)),
        ["Gemm transA, alpha, beta"] = m =>
            Gemm(m, [45, 5], [45, 39], [39], Attributes.Int("transA", 1), Attributes.Float("alpha", 0.5f), Attributes.Float("beta", -2)),
        ["Gemm transA, transB, alpha"] = m =>
            Gemm(m, [64, 5], [48, 64], null, Attributes.Int("transA", 1), Attributes.Int("transB", 1), Attributes.Float("alpha", 3)),
        ["Gemm without its bias (beta 0)"] = m => Gemm(m, [5, 64], [64, 48], [48], Attributes.Float("beta", 0)),
        ["Conv"] = m => Conv(m, [2, 7, 9, 9], [17, 7, 3, 3], bias: true, Attributes.Ints("kernel_shape", 3, 3)),
        ["Conv strides, pads, dilations"] = m =>
            Conv(
                m,
                [1, 6, 13, 11],
                [20, 6, 3, 5],
                bias: true,
                Attributes.Ints("kernel_shape", 3, 5),
                Attributes.Ints("strides", 2, 1),
                Attributes.Ints("pads", 1, 0, 2, 3),
                Attributes.Ints("dilations", 2, 1)
            ),
        ["Conv auto_pad"] = m =>
            Conv(
                m,
                [1, 6, 12, 11],
                [20, 6, 3, 3],
                bias: false,
                Attributes.String("auto_pad", "SAME_UPPER"),
                Attributes.Ints("strides", 2, 2)
            ),
        ["Conv 1×1"] = m => Conv(m, [1, 33, 4, 4], [35, 33, 1, 1], bias: true),
        ["Conv of rank 1"] = m => Conv(m, [2, 12, 20], [31, 12, 3], bias: true, Attributes.Ints("pads", 1, 1)),
        ["Conv of rank 3"] = m => Conv(m, [1, 4, 5, 6, 7], [12, 4, 3, 3, 3], bias: false),
        ["Conv in groups"] = m => Conv(m, [1, 12, 7, 7], [18, 4, 4, 4], bias: true, Attributes.Int("group", 3)),
        ["Gather of a scalar"] = m => Gather(m, [], [50, 64]),
        ["Gather of a list"] = m => Gather(m, [4], [50, 64]),
        ["Gather of rank 3, odd width"] = m => Gather(m, [2, 1, 3], [51, 45]),
        ["Gather along axis −2"] = m => Gather(m, [2, 3], [50, 64], Attributes.Int("axis", -2)),
    };

    public static IEnumerable<string> Names => All.Keys;

    public static (SmallModel Model, Dictionary<string, DataTensor> Feeds) Build(string name, int opset) =>
        All[name](new SmallModel(opset));

    public static DataTensor Floats(params long[] shape)
    {
        var random = new Random(11);
        float[] values =
        [
            .. Enumerable.Range(0, (int)shape.Aggregate(1L, (a, d) => a * d)).Select(_ => (float)(random.NextDouble() - 0.3)),
        ];
        return new DataTensor(DataType.Float, shape, MemoryMarshal.AsBytes<float>(values).ToArray());
    }

    private static (SmallModel, Dictionary<string, DataTensor>) Product(SmallModel model, long[] input, string operands, long[] weight) =>
        (
            model.Input("x", DataType.Float, input).Weight("w", weight).Node("MatMul", operands, "y").Output("y"),
            new() { ["x"] = Floats(input) }
        );

    private static (SmallModel, Dictionary<string, DataTensor>) Gemm(
        SmallModel model,
        long[] input,
        long[] weight,
        long[]? bias,
        params AttributeProto[] attributes
    )
    {
        model.Input("x", DataType.Float, input).Weight("w", weight);
        if (bias is not null)
        {
            model.Weight("b", bias);
        }
        return (model.Node("Gemm", bias is null ? "x, w" : "x, w, b", "y", attributes).Output("y"), new() { ["x"] = Floats(input) });
    }

    private static (SmallModel, Dictionary<string, DataTensor>) Conv(
        SmallModel model,
        long[] input,
        long[] filter,
        bool bias,
        params AttributeProto[] attributes
    )
    {
        model.Input("x", DataType.Float, input).Weight("w", filter);
        if (bias)
        {
            model.Weight("b", filter[0]);
        }
        return (model.Node("Conv", bias ? "x, w, b" : "x, w", "y", attributes).Output("y"), new() { ["x"] = Floats(input) });
    }

    private static (SmallModel, Dictionary<string, DataTensor>) Gather(
        SmallModel model,
        long[] indices,
        long[] table,
        params AttributeProto[] attributes
    )
    {
        // Negative indices count from the end.
        int[] rows =
        [
            .. Enumerable
                .Range(0, (int)indices.Aggregate(1L, (a, d) => a * d))
                .Select(i => (i * 7 % (int)table[0]) - (i % 2 == 1 ? (int)table[0] : 0)),
        ];
        return (
            model.Input("i", DataType.Int32, indices).Weight("w", table).Node("Gather", "w, i", "y", attributes).Output("y"),
            new() { ["i"] = new DataTensor(DataType.Int32, indices, MemoryMarshal.AsBytes<int>(rows).ToArray()) }
        );
    }
}
