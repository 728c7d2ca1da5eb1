using System.Runtime.InteropServices;
using Lorq.Calibration;
using Lorq.Decomposition;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Rewriting;

/// <summary>Low-rank pairs at the edges: 16-bit models, old opsets, optimizations switched off, chains that become functions.</summary>
public sealed class FactorSpecialTests : WorkFolder
{
    private static readonly QuantizationGrid FourBits = new(GridKind.Integer, 4, 32, true, ScaleType.Float16);

    public static TheoryData<string, FactorType, int> Halves()
    {
        var data = new TheoryData<string, FactorType, int>();
        foreach (string target in new[] { "ort", "onnx", "fused" })
        {
            foreach (FactorType type in Enum.GetValues<FactorType>())
            {
                data.Add(target, type, 0);
                data.Add(target, type, 4);
                data.Add(target, type, 6);
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Halves))]
    public void Half_precision_models_keep_their_types(string target, FactorType type, int bits)
    {
        using OnnxModel model = SixteenBits().Load(Folder);
        List<CompressedWeight> weights = Weights(model, bits == 0 ? null : FourBits with { Bits = bits }, type);
        string path = Reference.Write(Folder, model, Emissions.All.Single(e => e.Name == target), weights, out _, slack: 8);
        var feeds = new Dictionary<string, DataTensor>
        {
            ["x"] = Half(4, 64),
            ["i"] = new(DataType.Int64, [1], BitConverter.GetBytes(7L)),
            ["p"] = Half(1, 8, 6, 6),
        };
        Reference.Compare(Reference.Save(Folder, model, weights), path, feeds, 2e-3, Reference.ExactActivations);
    }

    [Theory]
    [InlineData("ort", 0)]
    [InlineData("ort", 4)]
    [InlineData("onnx", 0)]
    [InlineData("onnx", 6)]
    public void Bfloat16_models_keep_their_types(string target, int bits)
    {
        SmallModel small = SixteenBits(convolution: false);
        ToBfloat16(small.Proto.Graph);
        using OnnxModel model = small.Load(Folder);
        foreach (FactorType type in Enum.GetValues<FactorType>())
        {
            List<CompressedWeight> weights = Weights(model, bits == 0 ? null : FourBits with { Bits = bits }, type);
            string path = Reference.Write(Folder, model, Emissions.All.Single(e => e.Name == target), weights, out _, slack: 8);
            // No kernel of the CPU provider computes in bf16, with or without compression: the graph must get as far as that.
            var refused = Assert.Throws<OnnxRuntimeException>(() => new InferenceSession(path));
            Assert.Contains("NotImplemented", refused.Message, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    [InlineData("fused")]
    public void A_model_that_cannot_be_raised_takes_pairs_beside_eight_bits_and_alone(string target)
    {
        using OnnxModel model = new SmallModel(12)
            .Input("x", DataType.Float, 1, 8, 9, 9)
            .Weight("k", 16, 8, 3, 3)
            .Floats("roi", [0], [])
            .Floats("scales", [4], [1, 1, 2, 2])
            .Node("Conv", "x, k", "c")
            .Node("Resize", "c, roi, scales", "y", Attributes.String("coordinate_transformation_mode", "tf_half_pixel_for_nn"))
            .Output("y")
            .Load(Folder);
        IEmission emission = Emissions.All.Single(e => e.Name == target);
        Site site = SiteFinder.Find(model, new CompressionSpec()).Sites.Single();
        Assert.False(emission.SupportsFactors(model, site, FourBits));
        foreach (QuantizationGrid? grid in new[] { null, FourBits with { Bits = 8 } })
        {
            Assert.True(emission.SupportsFactors(model, site, grid));
            List<CompressedWeight> weights = Weights(model, grid, FactorType.Int8);
            string path = Reference.Write(Folder, model, emission, weights, out _, slack: 8);
            using OnnxModel written = OnnxModel.Load(path);
            Assert.Equal(12, written.Opset());
            Reference.Compare(Reference.Save(Folder, model, weights), path, new() { ["x"] = FactorCases.Floats(1, 8, 9, 9) }, 1e-5);
        }
    }

    [Theory]
    [InlineData("ort", null)]
    [InlineData("ort", 4)]
    [InlineData("ort", 6)]
    [InlineData("onnx", null)]
    [InlineData("onnx", 4)]
    [InlineData("fused", null)]
    [InlineData("fused", 3)]
    [InlineData("fused", 8)]
    public void Without_optimizations_the_result_is_the_same(string target, int? bits)
    {
        using OnnxModel model = Layers(3);
        List<CompressedWeight> weights = Weights(model, bits is { } b ? FourBits with { Bits = b } : null, FactorType.Int8);
        string path = Reference.Write(Folder, model, Emissions.All.Single(e => e.Name == target), weights, out _, slack: 8);
        Reference.Compare(
            Reference.Save(Folder, model, weights),
            path,
            new() { ["x"] = FactorCases.Floats(4, 64) },
            1e-5,
            o => o.GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL
        );
    }

    [Theory]
    [InlineData(null)]
    [InlineData(3)]
    [InlineData(6)]
    public void Repeated_chains_with_factors_become_one_function(int? bits)
    {
        using OnnxModel model = Layers(8);
        List<CompressedWeight> weights = Weights(model, bits is { } b ? FourBits with { Bits = b } : null, FactorType.Int8);
        string path = Reference.Write(Folder, model, new OrtEmission(), weights, out _, slack: 8);
        using OnnxModel written = OnnxModel.Load(path);
        Assert.Single(written.Proto.Functions);
        Assert.Equal(8, written.Proto.Graph.Node.Count(n => n.Domain == "lorq"));
        Reference.Compare(Reference.Save(Folder, model, weights), path, new() { ["x"] = FactorCases.Floats(4, 64) }, 1e-5);
    }

    [Theory]
    [InlineData("ort", 4)]
    [InlineData("ort", 8)]
    [InlineData("ort", null)]
    [InlineData("onnx", 4)]
    [InlineData("onnx", null)]
    public void A_tied_table_stores_both_factors_once(string target, int? bits)
    {
        using OnnxModel model = new SmallModel(18)
            .Input("i", DataType.Int64, 2, 3)
            .Input("rows", DataType.Float, 5, 64)
            .Weight("t", 50, 64)
            .Weight("b", 50)
            .Node("Gather", "t, i", "e")
            .Node("Transpose", "t", "tT", Attributes.Ints("perm", 1, 0))
            .Node("MatMul", "e, tT", "y")
            .Node("Gemm", "rows, t, b", "z", Attributes.Int("transB", 1), Attributes.Float("alpha", 2))
            .Output("y")
            .Output("z")
            .Load(Folder);
        long[] indices = [3, 0, 49, 12, -1, 3];
        var feeds = new Dictionary<string, DataTensor>
        {
            ["i"] = new(DataType.Int64, [2, 3], MemoryMarshal.AsBytes<long>(indices).ToArray()),
            ["rows"] = FactorCases.Floats(5, 64),
        };
        foreach (FactorType type in Enum.GetValues<FactorType>())
        {
            List<CompressedWeight> weights = Weights(model, bits is { } b ? FourBits with { Bits = b } : null, type);
            Assert.Equal(3, Assert.Single(weights).Site.Uses.Count);
            string path = Reference.Write(Folder, model, Emissions.All.Single(e => e.Name == target), weights, out _, slack: 8);
            using OnnxModel written = OnnxModel.Load(path);
            DataType stored = type == FactorType.Int8 ? DataType.Int8 : DataType.Float16;
            long[][] dims =
                target == "fused" && bits is not null
                    ?
                    [
                        [5, 50],
                        [64, 5],
                    ]
                    :
                    [
                        [50, 5],
                        [5, 64],
                    ];
            Assert.All(
                dims,
                d => Assert.Single(written.Proto.Graph.Initializer, t => t.DataType == (int)stored && t.Dims.SequenceEqual(d))
            );
            Reference.Compare(Reference.Save(Folder, model, weights), path, feeds, 1e-5, Reference.ExactActivations);
        }
    }

    private OnnxModel Layers(int count)
    {
        SmallModel small = new SmallModel(18).Input("x", DataType.Float, -1, 64);
        for (int i = 0; i < count; i++)
        {
            small.Weight($"w{i}", 64, 64).Node("MatMul", i == 0 ? "x, w0" : $"h{i - 1}, w{i}", $"h{i}");
        }
        return small.Output($"h{count - 1}").Load(Folder);
    }

    private static SmallModel SixteenBits(bool convolution = true)
    {
        SmallModel small = new SmallModel(17)
            .Input("x", DataType.Float16, -1, 64)
            .Input("i", DataType.Int64, -2)
            .HalfWeight("w", 64, 48)
            .HalfWeight("g", 48, 64)
            .HalfWeight("b", 48)
            .HalfWeight("t", 40, 64)
            .Node("MatMul", "x, w", "y")
            .Node("Gemm", "x, g, b", "z", Attributes.Int("transB", 1), Attributes.Float("alpha", 0.5f))
            .Node("Gather", "t, i", "e")
            .Output("y", DataType.Float16)
            .Output("z", DataType.Float16)
            .Output("e", DataType.Float16);
        return convolution
            ? small
                .Input("p", DataType.Float16, 1, 8, 6, 6)
                .HalfWeight("k", 16, 8, 3, 3)
                .Node("Conv", "p, k", "c")
                .Output("c", DataType.Float16)
            : small;
    }

    private static void ToBfloat16(GraphProto graph)
    {
        foreach (ValueInfoProto value in graph.Input.Concat(graph.Output))
        {
            if (value.Type.TensorType.ElemType == (int)DataType.Float16)
            {
                value.Type.TensorType.ElemType = (int)DataType.Bfloat16;
            }
        }
        foreach (TensorProto tensor in graph.Initializer)
        {
            tensor.DataType = (int)DataType.Bfloat16;
        }
    }

    private static List<CompressedWeight> Weights(OnnxModel model, QuantizationGrid? grid, FactorType type) =>
        [
            .. SiteFinder
                .Find(model, new CompressionSpec())
                .Sites.Select(
                    (s, i) =>
                    {
                        FactorPair pair = Samples.Pair(new FactorShape(5, type), s.K, s.N, i);
                        return grid is null
                            ? new CompressedWeight(s, new Encoding.LowRank(), [], pair)
                            : new CompressedWeight(s, new Encoding.Quantized(grid), [Samples.Random(grid, s.K, s.N, i)], pair);
                    }
                ),
        ];

    private static DataTensor Half(params long[] shape)
    {
        float[] values = MemoryMarshal.Cast<byte, float>(FactorCases.Floats(shape).Bytes.ToArray()).ToArray();
        return new(DataType.Float16, shape, MemoryMarshal.AsBytes<Half>([.. values.Select(v => (Half)v)]).ToArray());
    }
}
