using Lorq.Calibration;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Rewriting;
using Lorq.Rewriting.Opsets;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Rewriting;

/// <summary>Converted operators against ONNX Runtime's own implementation of the old ones.</summary>
public sealed class OpsetConverterTests : WorkFolder
{
    private static readonly Dictionary<string, Func<SmallModel>> Models = new()
    {
        ["squeeze"] = () =>
            Model(11).Node("Unsqueeze", "x", "u", Attributes.Ints("axes", 0, 3)).Node("Squeeze", "u", "y", Attributes.Ints("axes", 3)),
        ["squeeze-all"] = () => Model(9).Node("Unsqueeze", "x", "u", Attributes.Ints("axes", 0)).Node("Squeeze", "u", "y"),
        ["reduce-sum"] = () => Model(11).Node("ReduceSum", "x", "y", Attributes.Ints("axes", 1), Attributes.Int("keepdims", 0)),
        ["reduce-sum-all"] = () => Model(9).Node("ReduceSum", "x", "y"),
        ["reduce-mean"] = () => Model(17).Node("ReduceMean", "x", "y", Attributes.Ints("axes", -1)),
        ["reduce-mean-all"] = () => Model(7).Node("ReduceMean", "x", "y", Attributes.Int("keepdims", 0)),
        ["reduce-l2"] = () => Model(13).Node("ReduceL2", "x", "y", Attributes.Ints("axes", 0, 2)),
        ["reduce-max"] = () => Model(12).Node("ReduceMax", "x", "y", Attributes.Ints("axes", 2)),
        ["reduce-logsumexp"] = () => Model(17).Node("ReduceLogSumExp", "x", "y", Attributes.Ints("axes", 2)),
        ["softmax-default"] = () => Model(9).Node("Softmax", "x", "y"),
        ["softmax-axis1"] = () => Model(11).Node("Softmax", "x", "y", Attributes.Int("axis", 1)),
        ["softmax-last"] = () => Model(11).Node("Softmax", "x", "y", Attributes.Int("axis", 2)),
        ["softmax-negative"] = () => Model(11).Node("Softmax", "x", "y", Attributes.Int("axis", -1)),
        ["softmax-unknown-rank"] = () => Model(11).Node("Relu", "x", "r").Node("LogSoftmax", "r", "y", Attributes.Int("axis", 2)),
        ["hardmax"] = () => Model(9).Node("Hardmax", "x", "y", Attributes.Int("axis", 0)),
        ["clip"] = () => Model(9).Node("Clip", "x", "y", Attributes.Float("min", -0.25f), Attributes.Float("max", 0.5f)),
        ["clip-max"] = () => Model(7).Node("Relu", "x", "r").Node("Clip", "r", "y", Attributes.Float("max", 0.5f)),
        ["clip-none"] = () => Model(9).Node("Clip", "x", "y"),
        ["pad"] = () => Model(9).Node("Pad", "x", "y", Attributes.Ints("pads", 0, 1, 2, 0, 0, 1), Attributes.Float("value", 1.5f)),
        ["pad-reflect"] = () =>
            Model(7).Node("Pad", "x", "y", Attributes.String("mode", "reflect"), Attributes.Ints("pads", 0, 1, 1, 0, 1, 1)),
        ["slice"] = () =>
            Model(9)
                .Node("Slice", "x", "y", Attributes.Ints("starts", 1, -3), Attributes.Ints("ends", 3, 100), Attributes.Ints("axes", 1, 2)),
        ["slice-all"] = () => Model(7).Node("Slice", "x", "y", Attributes.Ints("starts", 0, 1), Attributes.Ints("ends", 1, 2)),
        ["topk"] = () => Model(9).Node("TopK", "x", "y,i", Attributes.Int("k", 2), Attributes.Int("axis", -1)),
        ["split"] = () => Model(11).Node("Split", "x", "y,z", Attributes.Ints("split", 1, 2), Attributes.Int("axis", 1)),
        ["split-equal"] = () => Model(13).Node("Split", "x", "y,z", Attributes.Int("axis", 2)),
        ["split-7"] = () => Model(7).Node("Split", "x", "y,z", Attributes.Int("axis", 2)),
        ["dropout"] = () => Model(9).Node("Dropout", "x", "y", Attributes.Float("ratio", 0.3f)),
        ["batchnorm"] = () =>
            Image(8)
                .Floats("s", [4], [1, 2, 3, 4])
                .Floats("b", [4], [0, 1, 0, 1])
                .Floats("m", [4], [0.1f, 0.2f, 0, 0])
                .Floats("v", [4], [1, 2, 1, 0.5f])
                .Node("BatchNormalization", "x,s,b,m,v", "y", Attributes.Int("spatial", 1), Attributes.Float("epsilon", 1e-3f)),
        ["upsample-7"] = () => Image(7).Node("Upsample", "x", "y", Attributes.String("mode", "nearest"), Floats("scales", 1, 1, 2, 3)),
        ["upsample-9-linear"] = () =>
            Image(9).Floats("s", [4], [1, 1, 2, 2]).Node("Upsample", "x,s", "y", Attributes.String("mode", "linear")),
        ["resize-10"] = () => Image(10).Floats("s", [4], [1, 1, 1.5f, 2]).Node("Resize", "x,s", "y", Attributes.String("mode", "nearest")),
        ["resize-10-down"] = () =>
            Image(10).Floats("s", [4], [1, 1, 0.5f, 0.6f]).Node("Resize", "x,s", "y", Attributes.String("mode", "nearest")),
        ["resize-11"] = () =>
            Image(11)
                .Floats("roi", [0], [])
                .Floats("s", [4], [1, 1, 2, 2])
                .Node(
                    "Resize",
                    "x,roi,s",
                    "y",
                    Attributes.String("mode", "linear"),
                    Attributes.String("coordinate_transformation_mode", "align_corners")
                ),
        ["scatter"] = () =>
            Model(9)
                .Node("Abs", "x", "r")
                .Int64Grid("i", [1, 3, 1], [0, 2, 1])
                .Weight("u", 1, 3, 1)
                .Node("Scatter", "r,i,u", "y", Attributes.Int("axis", 2)),
        ["average-pool"] = () =>
            Image(10)
                .Node(
                    "AveragePool",
                    "x",
                    "y",
                    Attributes.Ints("kernel_shape", 2, 2),
                    Attributes.Ints("strides", 2, 2),
                    Attributes.Int("ceil_mode", 1)
                ),
        ["grid-sample"] = () => Image(16).Weight("g", 2, 3, 3, 2).Node("GridSample", "x,g", "y", Attributes.String("mode", "bicubic")),
        ["grid-sample-default"] = () => Image(16).Weight("g", 2, 3, 3, 2).Node("GridSample", "x,g", "y"),
        ["dft"] = () => Model(17).Node("Unsqueeze", "x,last", "u").Int64s("last", 3).Node("DFT", "u", "y", Attributes.Int("axis", 2)),
        ["dft-default"] = () => Model(17).Node("Unsqueeze", "x,last", "u").Int64s("last", 3).Node("DFT", "u", "y"),
        ["roi-align"] = () =>
            Image(10)
                .Floats("rois", [1, 4], [0, 0, 3, 3])
                .Int64s("batch", 0)
                .Node("RoiAlign", "x,rois,batch", "y", Attributes.Int("output_height", 2), Attributes.Int("output_width", 2)),
    };

    public static TheoryData<string> Names => [.. Models.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Converted_operators_give_the_same_outputs(string name)
    {
        SmallModel small = Models[name]();
        small.Output("y");
        using OnnxModel old = small.Load(Folder);
        using OnnxModel? raised = OpsetConverter.Raise(old, 21, out string? refusal);
        Assert.Null(refusal);
        Assert.Equal(21, raised!.Opset());
        Assert.NotEqual(21, old.Opset());
        string path = Path.Combine(Folder, "raised.onnx");
        raised.Save(path);
        (long[] Shape, float[] Values) expected = Run(old.Path);
        (long[] Shape, float[] Values) got = Run(path);
        Assert.Equal(expected.Shape, got.Shape);
        AssertClose(expected.Values, got.Values);
    }

    [Fact]
    public void What_cannot_be_converted_is_refused_with_the_node_and_the_reason()
    {
        Refused("FancyLayer", Model(9).Node("FancyLayer", "x", "y"));
        Refused(
            "tf_half_pixel_for_nn",
            Image(11)
                .Floats("r", [0], [])
                .Floats("s", [4], [1, 1, 2, 2])
                .Node("Resize", "x,r,s", "y", Attributes.String("coordinate_transformation_mode", "tf_half_pixel_for_nn"))
        );
        Refused("training outputs", Image(7).Weight("s", 4).Node("BatchNormalization", "x,s,s,s,s", "y,a,b"));
        Refused("mask", Model(7).Node("Dropout", "x", "y,mask"));
        Refused("nearest", Image(9).Weight("s", 4).Node("Relu", "s", "t").Node("Upsample", "x,t", "y"));
        Refused("older than 7", Model(6).Node("Relu", "x", "y"));
        Refused(
            "ceil_mode",
            Image(10)
                .Node(
                    "AveragePool",
                    "x",
                    "y",
                    Attributes.Ints("kernel_shape", 2, 2),
                    Attributes.Int("ceil_mode", 1),
                    Attributes.Int("count_include_pad", 1)
                )
        );
        SmallModel mixed = Model(9)
            .Node("Cast", "x", "h", Attributes.Int("to", (long)DataType.Float16))
            .Node("Clip", "h", "y", Attributes.Float("min", 0));
        Refused("element type", mixed);
    }

    [Fact]
    public void Nested_graphs_are_converted_too()
    {
        SmallModel outer = Model(11);
        outer.Node("ReduceMax", "x", "m", Attributes.Int("keepdims", 0)).Int64s("zero", 0);
        outer.Node("Cast", "m", "c", Attributes.Int("to", (long)DataType.Bool));
        outer.Node("If", "c", "y", Branch("then_branch", -1), Branch("else_branch", -1));
        outer.Output("y");
        using OnnxModel old = outer.Load(Folder);
        using OnnxModel? raised = OpsetConverter.Raise(old, 21, out string? refusal);
        Assert.Null(refusal);
        string path = Path.Combine(Folder, "nested.onnx");
        raised!.Save(path);
        AssertClose(Run(old.Path).Values, Run(path).Values);
    }

    [SkippableTheory]
    [InlineData("ppocr/rec.onnx")]
    [InlineData("ppocr/det.onnx")]
    [InlineData("ppocr/cls.onnx")]
    [InlineData("minilm/model.onnx")]
    [InlineData("pygpt/model.onnx")]
    public void Real_models_are_raised_without_a_change_of_their_outputs(string file)
    {
        string? path = TestData.SharedPath(["models", .. file.Split('/')]);
        Skip.If(path is null, "../shared/models is absent");
        using OnnxModel old = OnnxModel.Load(path!);
        using OnnxModel? raised = OpsetConverter.Raise(old, 21, out string? refusal);
        Assert.Null(refusal);
        string written = Path.Combine(Folder, "real.onnx");
        raised!.Save(written);
        Assert.InRange(new FileInfo(written).Length - old.FileBytes, -20_000, 20_000);
        using var before = new ModelRunner(path!, 1);
        using var after = new ModelRunner(written, 1);
        Dictionary<string, DataTensor> feeds = RealInputs.For(before);
        using IDisposableReadOnlyCollection<OrtValue> x = before.Run(feeds);
        using IDisposableReadOnlyCollection<OrtValue> y = after.Run(feeds);
        for (int i = 0; i < x.Count; i++)
        {
            ReadOnlySpan<float> a = x[i].GetTensorDataAsSpan<float>();
            ReadOnlySpan<float> b = y[i].GetTensorDataAsSpan<float>();
            AssertClose(a, b);
        }
    }

    // Rounding only: ONNX Runtime sums in another order in its newer kernels.
    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> got)
    {
        Assert.Equal(expected.Length, got.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.InRange(Math.Abs(got[i] - expected[i]), 0, 1e-6f + (1e-6f * Math.Abs(expected[i])));
        }
    }

    private static SmallModel Model(long opset) => new SmallModel(opset, opset < 9 ? 3 : 8).Input("x", DataType.Float, 2, 3, 4);

    private static SmallModel Image(long opset) => new SmallModel(opset).Input("x", DataType.Float, 2, 4, 5, 6);

    private static AttributeProto Floats(string name, params float[] values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Floats };
        attribute.Floats.AddRange(values);
        return attribute;
    }

    private static AttributeProto Branch(string name, long axis)
    {
        var graph = new GraphProto { Name = name };
        var node = new NodeProto { OpType = "ReduceSum" };
        node.Input.Add("x");
        node.Output.Add(name + "_y");
        node.Attribute.Add(Attributes.Ints("axes", axis));
        graph.Node.Add(node);
        graph.Output.Add(ChainGraph.Value(name + "_y", DataType.Float));
        return new AttributeProto
        {
            Name = name,
            G = graph,
            Type = AttributeProto.Types.AttributeType.Graph,
        };
    }

    private void Refused(string reason, SmallModel small)
    {
        small.Output("y");
        using OnnxModel model = small.Load(Folder);
        Assert.Null(OpsetConverter.Raise(model, 21, out string? refusal));
        Assert.Contains(reason, refusal, StringComparison.Ordinal);
    }

    private static (long[] Shape, float[] Values) Run(string path)
    {
        using var runner = new ModelRunner(path, 1);
        TensorSignature input = runner.Inputs.Single(i => i.Name == "x");
        var random = new Random(11);
        float[] values =
        [
            .. Enumerable.Range(0, (int)input.Shape.Aggregate(1L, (a, d) => a * d)).Select(_ => (float)(random.NextDouble() - 0.5)),
        ];
        using IDisposableReadOnlyCollection<OrtValue> outputs = runner.Run(
            new Dictionary<string, DataTensor> { ["x"] = new(DataType.Float, input.Shape, [.. values.SelectMany(BitConverter.GetBytes)]) }
        );
        return (outputs[0].GetTensorTypeAndShape().Shape, outputs[0].GetTensorDataAsSpan<float>().ToArray());
    }
}
