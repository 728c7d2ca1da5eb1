using Lorq.Calibration;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Rewriting;

/// <summary>Graphs at the edges: half precision, vectors, scalars, opsets that cannot be raised, readers that are no sites.</summary>
public sealed class SpecialGraphTests : WorkFolder
{
    private static readonly QuantizationGrid FourBits = new(GridKind.Integer, 4, 32, false, ScaleType.Float16);

    [Theory]
    [InlineData("ort", 4)]
    [InlineData("ort", 3)]
    [InlineData("onnx", 4)]
    [InlineData("onnx", 3)]
    [InlineData("fused", 4)]
    [InlineData("fused", 3)]
    public void Half_precision_models_keep_their_types(string target, int bits)
    {
        SmallModel small = new SmallModel(17)
            .Input("x", DataType.Float16, -1, 64)
            .Input("i", DataType.Int64, -2)
            .Input("p", DataType.Float16, 1, 8, 6, 6)
            .HalfWeight("w", 64, 48)
            .HalfWeight("t", 40, 64)
            .HalfWeight("k", 16, 8, 3, 3)
            .Node("MatMul", "x, w", "y")
            .Node("Gather", "t, i", "g")
            .Node("Conv", "p, k", "c")
            .Output("y", DataType.Float16)
            .Output("g", DataType.Float16)
            .Output("c", DataType.Float16);
        using OnnxModel model = small.Load(Folder);
        (string path, IReadOnlyList<CompressedWeight> weights) = Compress(model, target, FourBits with { Bits = bits });
        Assert.Equal(3, weights.Count);
        using var runner = new ModelRunner(path, 1);
        Half[] x = [.. Enumerable.Range(0, 64 * 64).Select(i => (Half)(i % 65 == 0 ? 1f : 0f))];
        Half[] p = [.. Enumerable.Range(0, 8 * 36).Select(i => (Half)0.5f)];
        using IDisposableReadOnlyCollection<OrtValue> outputs = runner.Run(
            new Dictionary<string, DataTensor>
            {
                ["x"] = new(DataType.Float16, [64, 64], System.Runtime.InteropServices.MemoryMarshal.AsBytes<Half>(x).ToArray()),
                ["i"] = new(DataType.Int64, [1], BitConverter.GetBytes(7L)),
                ["p"] = new(DataType.Float16, [1, 8, 6, 6], System.Runtime.InteropServices.MemoryMarshal.AsBytes<Half>(p).ToArray()),
            }
        );
        float[] w = Samples.Values(weights.Single(v => v.Site.Name == "w").Segments[0]);
        float[] t = Samples.Transpose(Samples.Values(weights.Single(v => v.Site.Name == "t").Segments[0]), 64, 40);
        AssertClose(w, Halves(outputs[0]));
        AssertClose(t.AsSpan(7 * 64, 64), Halves(outputs[1]));
        Assert.All(runner.Outputs, o => Assert.Equal(DataType.Float16, o.ElementType));
    }

    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    [InlineData("fused")]
    public void Vectors_times_a_matrix_and_scalar_indices_work(string target)
    {
        using OnnxModel model = new SmallModel(17)
            .Input("x", DataType.Float, 64)
            .Input("i", DataType.Int32)
            .Weight("w", 64, 48)
            .Weight("t", 40, 64)
            .Node("MatMul", "x, w", "y")
            .Node("Gather", "t, i", "g")
            .Output("y")
            .Output("g")
            .Load(Folder);
        (string path, IReadOnlyList<CompressedWeight> weights) = Compress(model, target, FourBits);
        using var runner = new ModelRunner(path, 1);
        float[] x = new float[64];
        x[3] = 1;
        using IDisposableReadOnlyCollection<OrtValue> outputs = runner.Run(
            new Dictionary<string, DataTensor>
            {
                ["x"] = new(DataType.Float, [64], [.. x.SelectMany(BitConverter.GetBytes)]),
                ["i"] = new(DataType.Int32, [], BitConverter.GetBytes(5)),
            }
        );
        Assert.Equal([48L], outputs[0].GetTensorTypeAndShape().Shape);
        Assert.Equal([64L], outputs[1].GetTensorTypeAndShape().Shape);
        float[] w = Samples.Values(weights[0].Segments[0]);
        float[] t = Samples.Transpose(Samples.Values(weights[1].Segments[0]), 64, 40);
        Assert.Equal(t.AsSpan(5 * 64, 64).ToArray(), outputs[1].GetTensorDataAsSpan<float>().ToArray());
        ReadOnlySpan<float> y = outputs[0].GetTensorDataAsSpan<float>();
        for (int n = 0; n < 48; n++)
        {
            Assert.InRange(Math.Abs(y[n] - w[(3 * 48) + n]), 0, 1e-3f);
        }
    }

    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    [InlineData("fused")]
    public void A_model_that_cannot_be_raised_still_takes_eight_bits(string target)
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
        Assert.Contains("tf_half_pixel_for_nn", emission.Limitation(model), StringComparison.Ordinal);
        Assert.False(emission.Supports(model, site, FourBits with { Bits = 3 }));
        foreach (int block in new[] { 0, 16, 24, 32 })
        {
            var grid = new QuantizationGrid(GridKind.Integer, 8, block, false, ScaleType.Float16);
            Assert.True(emission.Supports(model, site, grid));
            (string path, _) = Compress(model, target, grid);
            using var runner = new ModelRunner(path, 1);
            using OnnxModel written = OnnxModel.Load(path);
            Assert.Equal(12, written.Opset());
        }
    }

    [Theory]
    [InlineData("ort")]
    [InlineData("onnx")]
    [InlineData("fused")]
    public void A_tensor_that_something_else_reads_stays(string target)
    {
        using OnnxModel model = new SmallModel(17)
            .Input("x", DataType.Float, -1, 64)
            .Weight("w", 64, 48)
            .Node("MatMul", "x, w", "y")
            .Node("Identity", "w", "copy")
            .Output("y")
            .Output("copy")
            .Load(Folder);
        // The finder leaves such a weight alone; the emission must be right even if it is asked.
        GraphScope scope = model.Scopes[0];
        var use = new SiteUse(new NodeUse(scope, scope.Nodes[0], 1), SiteKind.MatMul, "x", false, WeightLayout.KByN);
        var site = new Site("w", SiteKind.MatMul, scope.Constant("w")!, 64, 48, 1, WeightLayout.KByN, [use]);
        IEmission emission = Emissions.All.Single(e => e.Name == target);
        var shape = new WeightShape(new Encoding.Quantized(FourBits), [(FourBits, site.N)]);
        Assert.True(emission.BytesDelta(model, site, shape) > 0);
        Assert.Equal(0, emission.BytesDelta(model, site, new WeightShape(new Encoding.Half(), [])));
        var weight = new CompressedWeight(site, new Encoding.Quantized(FourBits), [Samples.Random(FourBits, 64, 48, 1)]);
        using OnnxModel rewritten = emission.Rewrite(model, [weight], CancellationToken.None);
        string path = Path.Combine(Folder, "shared.onnx");
        Assert.Equal(model.FileBytes + emission.PlanBytesDelta(model, [(site, shape)]), rewritten.Save(path), 8.0);
        using var runner = new ModelRunner(path, 1);
    }

    [Fact]
    public void Repeated_chains_become_functions_and_single_ones_stay()
    {
        SmallModel small = new SmallModel(18).Input("x", DataType.Float, -1, 64);
        for (int i = 0; i < 6; i++)
        {
            small.Weight($"w{i}", 64, 64).Node("MatMul", i == 0 ? "x, w0" : $"h{i - 1}, w{i}", $"h{i}");
        }
        using OnnxModel model = small.Output("h5").Load(Folder);
        (string path, _) = Compress(model, "ort", FourBits with { Bits = 3 });
        using OnnxModel written = OnnxModel.Load(path);
        Assert.Single(written.Proto.Functions);
        Assert.Equal(6, written.Proto.Graph.Node.Count(n => n.Domain == "lorq"));
        (string standard, _) = Compress(model, "onnx", FourBits with { Bits = 3 });
        using OnnxModel portable = OnnxModel.Load(standard);
        Assert.Empty(portable.Proto.Functions);

        // A second compression finds its own domain.
        IReadOnlyList<Site> none = SiteFinder.Find(written, new CompressionSpec()).Sites;
        Assert.Empty(none);
    }

    [Fact]
    public void Rewriting_twice_gives_the_same_bytes_and_leaves_the_model_alone()
    {
        using OnnxModel model = new SmallModel(13)
            .Input("x", DataType.Float, -1, 64)
            .Weight("w", 64, 48)
            .Node("MatMul", "x, w", "y")
            .Output("y")
            .Load(Folder);
        ModelProto before = model.Proto.Clone();
        (string a, _) = Compress(model, "ort", FourBits);
        byte[] first = File.ReadAllBytes(a);
        (string b, _) = Compress(model, "ort", FourBits);
        Assert.Equal(first, File.ReadAllBytes(b));
        Assert.Equal(before, model.Proto);
    }

    private (string Path, IReadOnlyList<CompressedWeight> Weights) Compress(OnnxModel model, string target, QuantizationGrid grid)
    {
        IEmission emission = Emissions.All.Single(e => e.Name == target);
        var weights = SiteFinder
            .Find(model, new CompressionSpec())
            .Sites.Select((s, i) => new CompressedWeight(s, new Encoding.Quantized(grid), [Samples.Random(grid, s.K, s.N, i)]))
            .ToList();
        string path = Path.Combine(Folder, Path.GetRandomFileName() + ".onnx");
        var plan = weights.Select(w => (w.Site, new WeightShape(w.Encoding, [.. w.Segments.Select(q => (q.Grid, q.N))]))).ToList();
        using OnnxModel rewritten = emission.Rewrite(model, weights, CancellationToken.None);
        long written = rewritten.Save(path);
        Assert.InRange(model.FileBytes + emission.PlanBytesDelta(model, plan) - written, -8, 8);
        return (path, weights);
    }

    private static ReadOnlySpan<Half> Halves(OrtValue value) =>
        System.Runtime.InteropServices.MemoryMarshal.Cast<Float16, Half>(value.GetTensorDataAsSpan<Float16>());

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<Half> got)
    {
        Assert.Equal(expected.Length, got.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.InRange(Math.Abs((float)got[i] - expected[i]), 0, 2e-3f * Math.Max(1e-2f, Math.Abs(expected[i])));
        }
    }
}
