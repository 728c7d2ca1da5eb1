using Lorq.Calibration;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Rewriting;

/// <summary>
/// Rewritten models against the original graph with the dequantized values in place of its weights: the same outputs, the announced
/// bytes, nothing else touched.
/// </summary>
public sealed class EmissionTests : WorkFolder
{
    private static readonly QuantizationGrid[] Grids =
    [
        .. from bits in (int[])[2, 3, 4, 5, 6, 8]
        from block in (int[])[0, 16, 32]
        from symmetric in (bool[])[true, false]
        select new QuantizationGrid(GridKind.Integer, bits, block, symmetric, ScaleType.Float16),
        new(GridKind.Integer, 4, 32, true, ScaleType.Float32),
        new(GridKind.Integer, 4, 16, true, ScaleType.Int8),
        new(GridKind.Integer, 3, 0, false, ScaleType.Int8),
        new(GridKind.NormalFloat, 4, 32, true, ScaleType.Float16),
    ];

    private static SmallModel Everything(long opset) =>
        new SmallModel(opset)
            .Input("ids", DataType.Int64, -1, -2)
            .Input("image", DataType.Float, -3, 8, 9, 9)
            .Weight("table", 50, 64)
            .Weight("w1", 64, 72)
            .ConstantWeight("w2", 72, 64)
            .Weight("w3", 48, 64)
            .Weight("b3", 48)
            .Weight("w4", 64, 40)
            .Weight("b4", 1, 40)
            .Weight("left", 40, 64)
            .Weight("k1", 16, 8, 3, 3)
            .ConstantWeight("k2", 32, 8, 3, 3)
            .Weight("experts", 3, 32, 24)
            .Int64s("flat", -1, 64)
            .Int64s("ex", 3, -1, 32)
            .Node("Gather", "table, ids", "e")
            .Node("MatMul", "e, w1", "h1")
            .Node("Relu", "h1", "h1r")
            .Node("MatMul", "h1r, w2", "h2")
            .Node("Transpose", "table", "tableT", Attributes.Ints("perm", 1, 0))
            .Node("MatMul", "h2, tableT", "logits")
            .Node("Reshape", "h2, flat", "rows")
            .Node("Gemm", "rows, w3, b3", "g1", Attributes.Int("transB", 1))
            .Node("Transpose", "rows", "rowsT", Attributes.Ints("perm", 1, 0))
            .Node("Gemm", "rowsT, w4, b4", "g2", Attributes.Int("transA", 1), Attributes.Float("alpha", 0.5f), Attributes.Float("beta", 2f))
            .Node("MatMul", "left, rowsT", "l")
            .Node("Conv", "image, k1", "c1", Attributes.Ints("kernel_shape", 3, 3))
            .Node("Relu", "c1", "c1r")
            .Node("Conv", "c1r, k2", "c2", Attributes.Ints("kernel_shape", 3, 3), Attributes.Int("group", 2))
            .Node("Reshape", "c2, ex", "x3")
            .Node("MatMul", "x3, experts", "y3")
            .Output("logits")
            .Output("g1")
            .Output("g2")
            .Output("l")
            .Output("y3");

    private static Dictionary<string, DataTensor> Feeds()
    {
        var random = new Random(5);
        long[] ids = [.. Enumerable.Range(0, 6).Select(_ => (long)random.Next(50))];
        float[] image = [.. Enumerable.Range(0, 3 * 8 * 81).Select(_ => (float)random.NextDouble())];
        return new()
        {
            ["ids"] = new DataTensor(DataType.Int64, [2, 3], [.. ids.SelectMany(BitConverter.GetBytes)]),
            ["image"] = new DataTensor(DataType.Float, [3, 8, 9, 9], [.. image.SelectMany(BitConverter.GetBytes)]),
        };
    }

    public static TheoryData<string, int, int> Cases()
    {
        var data = new TheoryData<string, int, int>();
        for (int seed = 0; seed < 12; seed++)
        {
            data.Add("ort", 17, seed);
            data.Add("ort4", 21, seed);
            data.Add("onnx", 13, seed);
            data.Add("fused", seed % 2 == 0 ? 17 : 21, seed);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Outputs_and_bytes_are_the_announced_ones(string target, int opset, int seed)
    {
        IEmission emission = target switch
        {
            "ort" => new OrtEmission(),
            "ort4" => new OrtEmission(accuracyLevel: 4),
            "fused" => new FusedEmission(),
            _ => new OnnxEmission(),
        };
        using OnnxModel model = Everything(opset).Load(Folder);
        IReadOnlyList<Site> sites = SiteFinder.Find(model, new CompressionSpec()).Sites;
        Assert.Equal(9, sites.Count);
        var random = new Random(seed);
        var weights = new List<CompressedWeight>();
        long sum = 0;
        foreach (Site site in sites)
        {
            CompressedWeight weight = Choose(emission, model, site, random);
            weights.Add(weight);
            sum += emission.BytesDelta(model, site, Reference.Shape(weight));
        }
        string path = Reference.Write(Folder, model, emission, weights, out long written);
        long bound = model.FileBytes + sum + emission.FixedBytes(model);
        Assert.InRange(bound - written, -64, 2500);
        using OnnxModel rewritten = OnnxModel.Load(path);

        // The reference: the same graph with the values themselves.
        string reference = Reference.Save(Folder, model, weights);
        // int8 activations are ONNX Runtime's choice where MatMulNBits has accuracy level 4.
        Reference.Compare(reference, path, Feeds(), target is "ort" or "fused" ? 1e-5 : 3e-2);
        if (target == "onnx")
        {
            Assert.All(rewritten.Proto.Graph.Node, n => Assert.Equal("", n.Domain));
            Reference.Compare(reference, path, Feeds(), 1e-5, Reference.ExactActivations);
        }
    }

    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    [InlineData("fused")]
    public void Keeping_everything_changes_nothing(string target)
    {
        IEmission emission = Emissions.All.Single(e => e.Name == target);
        using OnnxModel model = Everything(17).Load(Folder);
        var weights = SiteFinder
            .Find(model, new CompressionSpec())
            .Sites.Select(s => new CompressedWeight(s, new Encoding.Keep(), []))
            .ToList();
        using OnnxModel rewritten = emission.Rewrite(model, weights, CancellationToken.None);
        Assert.Equal(model.Proto, rewritten.Proto);
    }

    private static CompressedWeight Choose(IEmission emission, OnnxModel model, Site site, Random random)
    {
        switch (random.Next(8))
        {
            case 0:
                return new CompressedWeight(site, new Encoding.Keep(), []);
            case 1:
                return new CompressedWeight(site, new Encoding.Half(), []);
            case 2 when emission.SupportsSegments(site):
                int cut = 1 + random.Next(site.N - 2);
                QuantizationGrid a = Grids[random.Next(Grids.Length - 1)];
                QuantizationGrid b = Grids[random.Next(Grids.Length - 1)];
                QuantizedMatrix left = Samples.Random(a, site.K, cut, random.Next());
                return new CompressedWeight(
                    site,
                    new Encoding.Quantized(a),
                    [left, Samples.Random(b, site.K, site.N - cut, random.Next())]
                );
            default:
                QuantizationGrid grid = Grids[random.Next(Grids.Length)];
                Assert.True(emission.Supports(model, site, grid));
                return new CompressedWeight(site, new Encoding.Quantized(grid), [Samples.Random(grid, site.K, site.N, random.Next())]);
        }
    }
}
