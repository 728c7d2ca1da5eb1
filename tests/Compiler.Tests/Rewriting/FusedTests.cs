using Google.Protobuf;
using Lorq.Decomposition;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Rewriting.Encodings;
using Lorq.Runtime;
using Lorq.Sites;
using Lorq.Specs;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Rewriting;

/// <summary>The operators of <c>ai.lorq</c> as docs/operators specifies them, run by their function bodies in stock ONNX Runtime.</summary>
public sealed class FusedTests : WorkFolder
{
    private static readonly FusedEmission Emission = new();
    private static readonly int[] Widths = [2, 3, 4, 5, 6, 8];

    [Theory]
    [InlineData(8)]
    [InlineData(45)]
    [InlineData(64)]
    [InlineData(1)]
    public void Codes_are_packed_as_specified(int length)
    {
        foreach (int bits in Widths)
        {
            var random = new Random(bits);
            byte[] codes = [.. Enumerable.Range(0, 3 * length).Select(_ => (byte)random.Next(1 << bits))];
            byte[] packed = CodePacking.Pack(codes, length, bits);
            int padded = (length + 7) / 8 * 8;
            int row = padded * bits / 8;
            Assert.Equal(3 * row, packed.Length);
            int[] widths = bits switch
            {
                3 => [2, 1],
                5 => [4, 1],
                6 => [4, 2],
                _ => [bits],
            };
            for (int i = 0; i < codes.Length; i++)
            {
                int start = i / length * row;
                int code = 0;
                int low = 0;
                foreach (int w in widths)
                {
                    int s = padded * w / 8;
                    int e = i % length;
                    code |= ((packed[start + (e % s)] >> (w * (e / s))) & ((1 << w) - 1)) << low;
                    start += s;
                    low += w;
                }
                Assert.Equal(codes[i], code);
            }
        }
    }

    public static TheoryData<int, int, int> Cases()
    {
        var data = new TheoryData<int, int, int>();
        foreach (int bits in Widths)
        {
            foreach (int block in new[] { 0, 16, 32, 256 })
            {
                foreach (int k in new[] { 64, 72, 45, 300 })
                {
                    data.Add(bits, block, k);
                }
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Bodies_give_the_values_of_the_definition_and_fold(int bits, int block, int k)
    {
        const int N = 29;
        using OnnxModel model = Both(k, N).Load(Folder);
        IReadOnlyList<Site> sites = SiteFinder.Find(model, new CompressionSpec()).Sites;
        // The identity reads every weight alone: bit-equal.
        var identity = new float[k * k];
        for (int i = 0; i < k; i++)
        {
            identity[(i * k) + i] = 1;
        }
        long[] rows = [3, -1, 0, 12, 3, -13];
        foreach (QuantizationGrid grid in Grids(bits, block))
        {
            List<CompressedWeight> weights =
            [
                .. sites.Select(s => new CompressedWeight(s, new Encoding.Quantized(grid), [Samples.Random(grid, k, N, bits + block + k)])),
            ];
            string path = Reference.Write(Folder, model, Emission, weights, out _, slack: 8);
            using var session = new InferenceSession(path);
            using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(
                new RunOptions(),
                ["x", "i"],
                [ChainGraph.Tensor(identity, k, k), ChainGraph.Tensor(rows, 2, 3)],
                ["y", "g"]
            );
            float[] expected = Samples.Values(weights[0].Segments[0]);
            Assert.Equal(expected, outputs[0].GetTensorDataAsSpan<float>().ToArray());
            Assert.Equal([2, 3, k], outputs[1].GetTensorTypeAndShape().Shape);
            float[] table = Samples.Transpose(expected, k, N);
            Assert.Equal(
                [.. rows.SelectMany(r => table.Skip((int)(r < 0 ? r + N : r) * k).Take(k))],
                outputs[1].GetTensorDataAsSpan<float>().ToArray()
            );
            IReadOnlyList<NodeProto> loaded = Reference.LoadedNodes(path);
            Assert.Single(loaded, n => n.OpType is "MatMul");
            // What decodes the gathered rows stays; nothing stays that could have been folded.
            Assert.DoesNotContain(loaded, n => n.OpType is "Transpose" or "Constant" or "Size" or "Div" or "Range");
        }
    }

    [Theory]
    [InlineData(FactorType.Float16, true)]
    [InlineData(FactorType.Float16, false)]
    [InlineData(FactorType.Int8, true)]
    [InlineData(FactorType.Int8, false)]
    public void Pairs_and_biases_are_added(FactorType type, bool bias)
    {
        foreach (int bits in Widths)
        {
            SmallModel small = new SmallModel(18).Input("x", DataType.Float, 5, 45).Weight("w", 45, 39);
            small = bias ? small.Weight("b", 39).Node("Gemm", "x, w, b", "y") : small.Node("MatMul", "x, w", "y");
            using OnnxModel model = small.Output("y").Load(Folder);
            Site site = SiteFinder.Find(model, new CompressionSpec()).Sites.Single(s => s.Name == "w");
            foreach (QuantizationGrid grid in Grids(bits, 16))
            {
                FactorPair pair = Samples.Pair(new FactorShape(7, type), site.K, site.N, bits);
                var weight = new CompressedWeight(site, new Encoding.Quantized(grid), [Samples.Random(grid, site.K, site.N, bits)], pair);
                string path = Reference.Write(Folder, model, Emission, [weight], out _, slack: 4);
                Reference.Compare(Reference.Save(Folder, model, [weight]), path, new() { ["x"] = FactorCases.Floats(5, 45) }, 1e-6);
            }
        }
    }

    /// <summary>The same file with Lorq.Runtime: its kernels take the place of the bodies, and agree with them.</summary>
    [Theory]
    [InlineData(FactorType.Float16)]
    [InlineData(FactorType.Int8)]
    public void Registered_kernels_run_in_place_of_the_bodies_and_agree(FactorType type)
    {
        using OnnxModel model = Both(72, 29).Load(Folder);
        IReadOnlyList<Site> sites = SiteFinder.Find(model, new CompressionSpec()).Sites;
        float[] x = [.. Enumerable.Range(0, 19 * 72).Select(i => MathF.Sin(i))];
        long[] rows = [3, -1, 0, 12, 3, -13];
        foreach (int bits in Widths)
        {
            foreach (QuantizationGrid grid in Grids(bits, 16).Concat(Grids(bits, 0)))
            {
                List<CompressedWeight> weights =
                [
                    .. sites.Select(s => new CompressedWeight(
                        s,
                        new Encoding.Quantized(grid),
                        [Samples.Random(grid, s.K, s.N, bits)],
                        s.Kind == SiteKind.MatMul ? Samples.Pair(new FactorShape(5, type), s.K, s.N, bits) : null
                    )),
                ];
                string path = Reference.Write(Folder, model, Emission, weights, out _, slack: 8);
                string loaded = path + ".loaded";
                using SessionOptions options = new SessionOptions { OptimizedModelFilePath = loaded }.AddLorqOperators(
                    ActivationMode.Exact
                );
                float[][] stock = Run(path, null);
                float[][] fused = Run(path, options);
                Assert.Equal(
                    ["LowRankQMatMul", "QGather"],
                    ModelProto.Parser.ParseFrom(File.ReadAllBytes(loaded)).Graph.Node.Select(n => n.OpType).Order(StringComparer.Ordinal)
                );
                for (int o = 0; o < 2; o++)
                {
                    float largest = stock[o].Max(Math.Abs);
                    Assert.All(stock[o].Zip(fused[o]), p => Assert.Equal(p.First, p.Second, 1e-5 * largest));
                }
            }
        }

        float[][] Run(string path, SessionOptions? options)
        {
            using InferenceSession session = options is null ? new(path) : new(path, options);
            using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(
                new RunOptions(),
                ["x", "i"],
                [ChainGraph.Tensor(x, 19, 72), ChainGraph.Tensor(rows, 2, 3)],
                ["y", "g"]
            );
            return [.. outputs.Select(v => v.GetTensorDataAsSpan<float>().ToArray())];
        }
    }

    [Fact]
    public void Nothing_in_gives_nothing_out()
    {
        using OnnxModel model = Both(45, 29).Load(Folder);
        foreach (int block in new[] { 0, 16 })
        {
            var grid = new QuantizationGrid(GridKind.Integer, 3, block, false, ScaleType.Float16);
            using var session = new InferenceSession(Uniform(model, grid));
            using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(
                new RunOptions(),
                ["x", "i"],
                [ChainGraph.Tensor<float>([], 0, 45), ChainGraph.Tensor<long>([], 2, 0)],
                ["y", "g"]
            );
            Assert.Equal([0, 29], outputs[0].GetTensorTypeAndShape().Shape);
            Assert.Equal([2, 0, 45], outputs[1].GetTensorTypeAndShape().Shape);
        }
    }

    [Fact]
    public void A_runtime_that_knows_no_overloads_refuses_the_model()
    {
        using OnnxModel model = Both(64, 29).Load(Folder);
        string path = Uniform(model, new QuantizationGrid(GridKind.Integer, 4, 32, true, ScaleType.Float16));
        ModelProto proto = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));
        Assert.Equal(10, proto.IrVersion);
        // Such a runtime skips the field and keeps one function per name, the last.
        foreach (NodeProto node in proto.Graph.Node)
        {
            node.ClearOverload();
        }
        FunctionProto[] last = [.. proto.Functions.GroupBy(f => (f.Domain, f.Name)).Select(g => g.Last())];
        proto.Functions.Clear();
        proto.Functions.AddRange(last);
        var refused = Assert.Throws<OnnxRuntimeException>(() => new InferenceSession(proto.ToByteArray()));
        Assert.Contains("LowRankQMatMul", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sites_that_share_a_left_factor_store_it_once()
    {
        using OnnxModel model = new SmallModel(18)
            .Input("x", DataType.Float, 4, 64)
            .Weight("q", 64, 32)
            .Weight("k", 64, 48)
            .Weight("v", 64, 40)
            .Node("MatMul", "x, q", "yq")
            .Node("MatMul", "x, k", "yk")
            .Node("MatMul", "x, v", "yv")
            .Output("yq")
            .Output("yk")
            .Output("yv")
            .Load(Folder);
        var grid = new QuantizationGrid(GridKind.Integer, 4, 32, true, ScaleType.Float16);
        var shape = new FactorShape(6, FactorType.Int8, "qkv");
        Factor left = Samples.Pair(shape, 64, 8, 1).Left;
        foreach (bool alone in new[] { false, true })
        {
            List<CompressedWeight> weights =
            [
                .. SiteFinder
                    .Find(model, new CompressionSpec())
                    .Sites.Select(s =>
                    {
                        FactorPair pair = Samples.Pair(shape, s.K, s.N, s.N) with { Left = left };
                        return alone && s.Name == "q"
                            ? new CompressedWeight(s, new Encoding.LowRank(), [], pair)
                            : new CompressedWeight(s, new Encoding.Quantized(grid), [Samples.Random(grid, s.K, s.N, s.N)], pair);
                    }),
            ];
            string path = Reference.Write(Folder, model, Emission, weights, out _, slack: 4);
            using OnnxModel written = OnnxModel.Load(path);
            // A pair without codes runs as standard products and keeps a factor of its own.
            Assert.Equal(alone ? 2 : 1, written.Proto.Graph.Initializer.Count(t => t.Dims.SequenceEqual([64L, 6L])));
            Reference.Compare(Reference.Save(Folder, model, weights), path, new() { ["x"] = FactorCases.Floats(4, 64) }, 1e-5);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Where_the_operators_cannot_stand_weights_are_decoded_at_load(bool taken)
    {
        SmallModel small = Both(64, 29, taken ? 8 : 3);
        if (taken)
        {
            small.Proto.OpsetImport.Add(new OperatorSetIdProto { Domain = "ai.lorq", Version = 1 });
        }
        else
        {
            // Below format 4 every initializer is an input.
            small.Input("w", DataType.Float, 64, 29).Input("t", DataType.Float, 29, 64);
        }
        using OnnxModel model = small.Load(Folder);
        string path = Uniform(model, new QuantizationGrid(GridKind.Integer, 4, 32, true, ScaleType.Float16));
        using OnnxModel written = OnnxModel.Load(path);
        Assert.DoesNotContain(written.Proto.Graph.Node, n => n.Domain == "ai.lorq");
        Assert.Equal(["Gather", "MatMul"], Reference.LoadedNodes(path).Select(n => n.OpType).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<QuantizationGrid> Grids(int bits, int block) =>
        [
            new(GridKind.Integer, bits, block, true, ScaleType.Float16),
            new(GridKind.Integer, bits, block, false, ScaleType.Float32),
            new(GridKind.Integer, bits, block, false, ScaleType.Float16),
            new(GridKind.Integer, bits, block, bits % 2 == 0, ScaleType.Int8),
            .. bits <= 4
                ? [new QuantizationGrid(GridKind.NormalFloat, bits, block, true, ScaleType.Float16)]
                : Array.Empty<QuantizationGrid>(),
        ];

    private static SmallModel Both(int k, int n, long ir = 8) =>
        new SmallModel(18, ir)
            .Input("x", DataType.Float, -1, k)
            .Input("i", DataType.Int64, 2, -2)
            .Weight("w", k, n)
            .Weight("t", n, k)
            .Node("MatMul", "x, w", "y")
            .Node("Gather", "t, i", "g")
            .Output("y")
            .Output("g");

    private string Uniform(OnnxModel model, QuantizationGrid grid)
    {
        List<CompressedWeight> weights =
        [
            .. SiteFinder
                .Find(model, new CompressionSpec())
                .Sites.Select(s => new CompressedWeight(s, new Encoding.Quantized(grid), [Samples.Random(grid, s.K, s.N, 1)])),
        ];
        Assert.Equal(2, weights.Count);
        return Reference.Write(Folder, model, Emission, weights, out _, slack: 8);
    }
}
