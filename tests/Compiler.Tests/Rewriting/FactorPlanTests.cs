using Lorq.Calibration;
using Lorq.Decomposition;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Rewriting;

/// <summary>Random plans with low-rank pairs over a graph that has every kind of site, some of them tied.</summary>
public sealed class FactorPlanTests : WorkFolder
{
    private static SmallModel Everything(long opset) =>
        new SmallModel(opset)
            .Input("ids", DataType.Int64, -1, -2)
            .Input("image", DataType.Float, -3, 8, 9, 9)
            .Weight("table", 50, 64)
            .Weight("tied", 45, 64)
            .Weight("q", 64, 33)
            .Weight("k", 64, 72)
            .Weight("v", 64, 35)
            .ConstantWeight("w2", 72, 64)
            .Weight("w3", 48, 64)
            .Weight("b3", 48)
            .Weight("w4", 64, 40)
            .Weight("b4", 1, 40)
            .Weight("left", 41, 64)
            .Weight("k1", 16, 8, 3, 3)
            .Weight("c1b", 16)
            .ConstantWeight("k2", 32, 8, 3, 3)
            .Weight("experts", 3, 32, 24)
            .Int64s("flat", -1, 64)
            .Int64s("ex", 3, -1, 32)
            .Node("Gather", "table, ids", "e0")
            .Node("Gather", "tied, ids", "e1")
            .Node("Add", "e0, e1", "e")
            .Node("MatMul", "e, k", "h1")
            .Node("MatMul", "e, q", "hq")
            .Node("MatMul", "e, v", "hv")
            .Node("Relu", "h1", "h1r")
            .Node("MatMul", "h1r, w2", "h2")
            .Node("Transpose", "tied", "tiedT", Attributes.Ints("perm", 1, 0))
            .Node("MatMul", "h2, tiedT", "logits")
            .Node("Reshape", "h2, flat", "rows")
            .Node("Gemm", "rows, w3, b3", "g1", Attributes.Int("transB", 1))
            .Node("Transpose", "rows", "rowsT", Attributes.Ints("perm", 1, 0))
            .Node("Gemm", "rowsT, w4, b4", "g2", Attributes.Int("transA", 1), Attributes.Float("alpha", 0.5f), Attributes.Float("beta", 2f))
            .Node("MatMul", "left, rowsT", "l")
            .Node("Conv", "image, k1, c1b", "c1", Attributes.Ints("kernel_shape", 3, 3))
            .Node("Relu", "c1", "c1r")
            .Node("Conv", "c1r, k2", "c2", Attributes.Ints("kernel_shape", 3, 3), Attributes.Int("group", 2))
            .Node("Reshape", "c2, ex", "x3")
            .Node("MatMul", "x3, experts", "y3")
            .Output("logits")
            .Output("hq")
            .Output("hv")
            .Output("g1")
            .Output("g2")
            .Output("l")
            .Output("y3");

    private static Dictionary<string, DataTensor> Feeds()
    {
        var random = new Random(5);
        long[] ids = [.. Enumerable.Range(0, 6).Select(_ => (long)random.Next(45))];
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
        for (int seed = 0; seed < 16; seed++)
        {
            data.Add("ort", 17, seed);
            data.Add("ort4", 21, seed);
            data.Add("onnx", 13, seed);
            data.Add("fused", seed % 4 < 2 ? 17 : 21, seed);
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
        Assert.Equal(12, sites.Count);
        var random = new Random(seed);
        List<CompressedWeight> weights = [.. sites.Select(s => Choose(emission, model, s, random))];
        if (seed % 2 == 0)
        {
            Share(weights, emission, model, random);
        }
        long sum = weights.Sum(w => emission.BytesDelta(model, w.Site, Reference.Shape(w)));
        string path = Reference.Write(Folder, model, emission, weights, out long written, slack: 16);
        long bound = model.FileBytes + sum + emission.FixedBytes(model);
        Assert.InRange(bound - written, -64, 5000);

        string reference = Reference.Save(Folder, model, weights);
        // int8 activations are ONNX Runtime's choice where MatMulNBits has accuracy level 4.
        Reference.Compare(reference, path, Feeds(), target is "ort" or "fused" ? 1e-5 : 3e-2);
        if (target == "onnx")
        {
            using OnnxModel rewritten = OnnxModel.Load(path);
            Assert.All(rewritten.Proto.Graph.Node, n => Assert.Equal("", n.Domain));
            Reference.Compare(reference, path, Feeds(), 1e-5, Reference.ExactActivations);
        }
    }

    // Q, K and V with one left factor, each on a grid of its own or none.
    private static void Share(List<CompressedWeight> weights, IEmission emission, OnnxModel model, Random random)
    {
        var shape = new FactorShape(1 + random.Next(12), (FactorType)random.Next(2), "qkv");
        Factor? left = null;
        for (int i = 0; i < weights.Count; i++)
        {
            Site site = weights[i].Site;
            if (site.Name is not ("q" or "k" or "v"))
            {
                continue;
            }
            FactorPair pair = Samples.Pair(shape, site.K, site.N, random.Next());
            left ??= pair.Left;
            bool alone = random.Next(3) == 0;
            QuantizationGrid grid = RandomGrid(random);
            Assert.True(emission.SupportsFactors(model, site, alone ? null : grid));
            weights[i] = alone
                ? new CompressedWeight(site, new Encoding.LowRank(), [], pair with { Left = left })
                : new CompressedWeight(
                    site,
                    new Encoding.Quantized(grid),
                    [Samples.Random(grid, site.K, site.N, random.Next())],
                    pair with
                    {
                        Left = left,
                    }
                );
        }
    }

    private static CompressedWeight Choose(IEmission emission, OnnxModel model, Site site, Random random)
    {
        int[] ranks = [1, 2 + random.Next(8), Math.Min(site.K, site.N)];
        var shape = new FactorShape(ranks[random.Next(3)], (FactorType)random.Next(2));
        FactorPair pair = Samples.Pair(shape, site.K, site.N, random.Next());
        QuantizationGrid grid = RandomGrid(random);
        switch (random.Next(6))
        {
            case 0:
                return new CompressedWeight(site, random.Next(2) == 0 ? new Encoding.Keep() : new Encoding.Half(), []);
            case 1 or 2 when emission.SupportsFactors(model, site, null):
                return new CompressedWeight(site, new Encoding.LowRank(), [], pair);
            case 3 when emission.SupportsSegments(site):
                int cut = 1 + random.Next(site.N - 2);
                QuantizationGrid other = RandomGrid(random);
                return new CompressedWeight(
                    site,
                    new Encoding.Quantized(grid),
                    [Samples.Random(grid, site.K, cut, random.Next()), Samples.Random(other, site.K, site.N - cut, random.Next())],
                    pair
                );
            default:
                Assert.True(emission.SupportsFactors(model, site, grid));
                return new CompressedWeight(
                    site,
                    new Encoding.Quantized(grid),
                    [Samples.Random(grid, site.K, site.N, random.Next())],
                    random.Next(5) == 0 ? null : pair
                );
        }
    }

    private static QuantizationGrid RandomGrid(Random random)
    {
        int[] bits = [2, 3, 4, 5, 6, 8];
        return random.Next(8) == 0
            ? new QuantizationGrid(GridKind.NormalFloat, 4, 32, true, ScaleType.Float16)
            : new QuantizationGrid(
                GridKind.Integer,
                bits[random.Next(bits.Length)],
                new[] { 0, 16, 32 }[random.Next(3)],
                random.Next(2) == 0,
                (ScaleType)random.Next(3)
            );
    }
}
