using Lorq.Calibration;
using Lorq.Decomposition;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Rewriting;

/// <summary>Sites that share a left factor: stored once, computed once, before whoever reads it first.</summary>
public sealed class SharedFactorTests : WorkFolder
{
    private static readonly QuantizationGrid FourBits = new(GridKind.Integer, 4, 32, true, ScaleType.Float16);
    private static readonly FactorShape Together = new(6, FactorType.Int8, "qkv");

    // The stored order of the sites is not that of the plans below.
    private OnnxModel Model() =>
        new SmallModel(18)
            .Input("x", DataType.Float, 4, 64)
            .Input("other", DataType.Float, 4, 64)
            .Weight("q", 64, 32)
            .Weight("k", 64, 48)
            .Weight("v", 40, 64)
            .Weight("o", 64, 32)
            .Weight("t", 64, 32)
            .Node("Gemm", "x, v", "yv", Attributes.Int("transB", 1), Attributes.Float("alpha", 0.5f))
            .Node("MatMul", "x, q", "yq")
            .Node("MatMul", "x, k", "yk")
            .Node("MatMul", "other, o", "yo")
            .Node("Transpose", "x", "xT", Attributes.Ints("perm", 1, 0))
            .Node("Gemm", "xT, t", "yt", Attributes.Int("transA", 1))
            .Output("yv")
            .Output("yq")
            .Output("yk")
            .Output("yo")
            .Output("yt")
            .Load(Folder);

    [Theory]
    [InlineData("ort", true)]
    [InlineData("ort", false)]
    [InlineData("onnx", true)]
    [InlineData("onnx", false)]
    public void The_left_factor_is_stored_and_computed_once(string target, bool codes)
    {
        using OnnxModel model = Model();
        IEmission emission = Emissions.All.Single(e => e.Name == target);
        List<CompressedWeight> together = Weights(model, codes, Together, ["k", "v", "q"]);
        string path = Reference.Write(Folder, model, emission, together, out long written, slack: 4);
        List<CompressedWeight> apart =
        [
            .. together.Select(w => w with { Factors = w.Factors! with { Shape = w.Factors.Shape with { SharedBy = null } } }),
        ];
        Reference.Write(Folder, model, emission, apart, out long separate, slack: 4);
        using OnnxModel result = OnnxModel.Load(path);
        Assert.Equal(1, Stored(result, [64, 6]));
        Assert.Equal(1, result.Proto.Graph.Node.Count(n => n.OpType == "MatMul" && n.Input[0] == "x" && !ReadsCodes(result, n)));
        // Two copies of 64×6 codes and 64 fp16 scales less.
        Assert.InRange(separate - written, 2 * ((64 * 6) + (64 * 2)), 2 * ((64 * 6) + (64 * 2) + 200));
        Reference.Compare(Reference.Save(Folder, model, together), path, Feeds(), 1e-5, Reference.ExactActivations);
        Assert.Equal(codes ? 3 : 0, Reference.LoadedNodes(path).Count(n => n.OpType == "MatMulNBits"));
    }

    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    public void Who_cannot_share_keeps_a_left_factor_of_its_own(string target)
    {
        using OnnxModel model = Model();
        IEmission emission = Emissions.All.Single(e => e.Name == target);
        // Another input, a transposed one, and a weight that is decoded at load.
        List<CompressedWeight> weights = Weights(model, true, Together, ["q", "o", "t", "k"]);
        QuantizationGrid codebook = new(GridKind.NormalFloat, 3, 0, true, ScaleType.Float16);
        int k = weights.FindIndex(w => w.Site.Name == "k");
        weights[k] = weights[k] with { Encoding = new Encoding.Quantized(codebook), Segments = [Samples.Random(codebook, 64, 48, 1)] };
        string path = Reference.Write(Folder, model, emission, weights, out _, slack: 4);
        using OnnxModel result = OnnxModel.Load(path);
        Assert.Equal(4, Stored(result, [64, 6]));
        Reference.Compare(Reference.Save(Folder, model, weights), path, Feeds(), 1e-5, Reference.ExactActivations);
        Dictionary<string, Site> sites = SiteFinder.Find(model, new CompressionSpec()).Sites.ToDictionary(s => s.Name);
        Assert.True(emission.SupportsSharedLeft(model, sites["q"], FourBits));
        Assert.True(emission.SupportsSharedLeft(model, sites["v"], null));
        Assert.False(emission.SupportsSharedLeft(model, sites["t"], FourBits));
        Assert.False(emission.SupportsSharedLeft(model, sites["k"], codebook));
    }

    [Fact]
    public void A_group_with_different_left_factors_is_refused()
    {
        using OnnxModel model = Model();
        List<CompressedWeight> weights = Weights(model, true, Together, ["q", "k"]);
        weights[1] = weights[1] with { Factors = Samples.Pair(Together, 64, 48, 99) };
        Assert.Throws<ArgumentException>(() => new OrtEmission().Rewrite(model, weights, CancellationToken.None));
    }

    [Fact]
    public void A_single_member_of_a_group_counts_the_left_factor()
    {
        using OnnxModel model = Model();
        var emission = new OrtEmission();
        List<CompressedWeight> one = Weights(model, true, Together, ["q"]);
        string path = Reference.Write(Folder, model, emission, one, out long written, slack: 4);
        long bound = emission.BytesDelta(model, one[0].Site, Reference.Shape(one[0])) + emission.FixedBytes(model);
        Assert.InRange(model.FileBytes + bound - written, -4, 2500);
        Reference.Compare(Reference.Save(Folder, model, one), path, Feeds(), 1e-5);
    }

    private static List<CompressedWeight> Weights(OnnxModel model, bool codes, FactorShape shape, string[] names)
    {
        Dictionary<string, Site> sites = SiteFinder.Find(model, new CompressionSpec()).Sites.ToDictionary(s => s.Name);
        Factor left = Samples.Pair(shape, 64, 8, 1).Left;
        return
        [
            .. names.Select(
                (name, i) =>
                {
                    Site site = sites[name];
                    FactorPair pair = Samples.Pair(shape, site.K, site.N, i) with { Left = left };
                    return codes
                        ? new CompressedWeight(site, new Encoding.Quantized(FourBits), [Samples.Random(FourBits, site.K, site.N, i)], pair)
                        : new CompressedWeight(site, new Encoding.LowRank(), [], pair);
                }
            ),
        ];
    }

    private static Dictionary<string, DataTensor> Feeds() =>
        new() { ["x"] = FactorCases.Floats(4, 64), ["other"] = FactorCases.Floats(4, 64) };

    private static int Stored(OnnxModel model, long[] dims) => model.Proto.Graph.Initializer.Count(t => t.Dims.SequenceEqual(dims));

    private static bool ReadsCodes(OnnxModel model, NodeProto node) =>
        model.Proto.Graph.Node.Any(n => n.OpType == "DequantizeLinear" && n.Output[0] == node.Input[1]);
}
