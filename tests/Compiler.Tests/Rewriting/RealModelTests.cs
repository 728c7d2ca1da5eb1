using Lorq.Calibration;
using Lorq.Decomposition;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Tests.Rewriting;

/// <summary>Real models with random encodings: the announced bytes, and nothing of the chains left after ONNX Runtime has loaded them.</summary>
public sealed class RealModelTests : WorkFolder
{
    private static readonly HashSet<string> ChainOperators = ["BitShift", "BitwiseAnd", "BitwiseOr", "ConstantOfShape"];

    [SkippableTheory]
    [InlineData("minilm/model.onnx", "ort", 1)]
    [InlineData("minilm/model.onnx", "onnx", 2)]
    [InlineData("pygpt/model.onnx", "ort", 3)]
    [InlineData("pygpt/model.onnx", "onnx", 4)]
    [InlineData("minilm/model.onnx", "fused", 9)]
    [InlineData("pygpt/model.onnx", "fused", 10)]
    [InlineData("ppocr/rec.onnx", "fused", 11)]
    [InlineData("ppocr/rec.onnx", "ort", 5)]
    [InlineData("ppocr/rec.onnx", "onnx", 6)]
    [InlineData("ppocr/det.onnx", "onnx", 7)]
    [InlineData("ppocr/cls.onnx", "ort", 8)]
    public void Factors_have_the_announced_bytes_and_add_to_the_weights(string file, string target, int seed)
    {
        string? source = TestData.SharedPath(["models", .. file.Split('/')]);
        Skip.If(source is null, "../shared/models is absent");
        IEmission emission = Emissions.All.Single(e => e.Name == target);
        using OnnxModel model = OnnxModel.Load(source!);
        // The detector says "no text" of random pixels, with probabilities of 1e−7 that are all rounding: compare what it makes them of.
        foreach (ValueInfoProto output in model.Proto.Graph.Output)
        {
            output.Name = model.Scopes[0].Producer(output.Name) is { OpType: "Sigmoid" } n ? n.Input[0] : output.Name;
        }
        model.Invalidate();
        IReadOnlyList<Site> sites = SiteFinder.Find(model, new CompressionSpec()).Sites;
        var random = new Random(seed);
        var weights = new List<CompressedWeight>();
        foreach (Site site in sites)
        {
            // The weight itself, rounded, and small pairs: a model whose outputs stay sensible.
            var grid = new QuantizationGrid(GridKind.Integer, random.Next(2) == 0 ? 4 : 8, 32, true, ScaleType.Float16);
            float[] weight = site.ReadWeight();
            var problem = new WeightProblem(weight, site.K, site.N, null, null);
            QuantizedMatrix codes = new RoundToNearest().Quantize(problem, grid, CancellationToken.None);
            var shape = new FactorShape(1 + random.Next(6), (FactorType)random.Next(2));
            float size = MathF.Sqrt(0.01f * weight.Max(MathF.Abs));
            FactorPair pair = Samples.Pair(shape, site.K, site.N, random.Next());
            pair = FactorPair.Store(shape, [.. pair.Left.Values.Select(v => v * size)], [.. pair.Right.Values.Select(v => v * size)]);
            weights.Add(new CompressedWeight(site, new Encoding.Quantized(grid), [codes], random.Next(4) == 0 ? null : pair));
        }
        string path = Reference.Write(Folder, model, emission, weights, out long written);
        long bound = weights.Sum(w => emission.BytesDelta(model, w.Site, Reference.Shape(w))) + emission.FixedBytes(model);
        Assert.InRange(model.FileBytes + bound - written, -64, long.MaxValue);
        Assert.DoesNotContain(Reference.LoadedNodes(path), n => n.OpType == "DequantizeLinear");
        string reference = Reference.Save(Folder, model, weights);
        using var runner = new ModelRunner(reference, 1);
        Reference.Compare(reference, path, RealInputs.For(runner), 1e-4, Reference.ExactActivations);
    }

    [SkippableTheory]
    [InlineData("minilm/model.onnx", "ort", 1)]
    [InlineData("minilm/model.onnx", "onnx", 2)]
    [InlineData("pygpt/model.onnx", "ort", 3)]
    [InlineData("pygpt/model.onnx", "onnx", 4)]
    [InlineData("minilm/model.onnx", "fused", 9)]
    [InlineData("pygpt/model.onnx", "fused", 10)]
    [InlineData("ppocr/rec.onnx", "fused", 11)]
    [InlineData("ppocr/rec.onnx", "ort", 5)]
    [InlineData("ppocr/rec.onnx", "onnx", 6)]
    [InlineData("ppocr/det.onnx", "onnx", 7)]
    [InlineData("ppocr/cls.onnx", "ort", 8)]
    public void Bytes_are_the_announced_ones_and_every_chain_folds(string file, string target, int seed)
    {
        string? source = TestData.SharedPath(["models", .. file.Split('/')]);
        Skip.If(source is null, "../shared/models is absent");
        IEmission emission = Emissions.All.Single(e => e.Name == target);
        using OnnxModel model = OnnxModel.Load(source!);
        IReadOnlyList<Site> sites = SiteFinder.Find(model, new CompressionSpec()).Sites;
        Assert.NotEmpty(sites);
        var random = new Random(seed);
        int[] bits = [2, 3, 4, 5, 6, 8];
        var weights = new List<CompressedWeight>();
        foreach (Site site in sites)
        {
            var grid = new QuantizationGrid(
                random.Next(10) == 0 ? GridKind.NormalFloat : GridKind.Integer,
                bits[random.Next(bits.Length)],
                new[] { 0, 16, 32, 64, 128 }[random.Next(5)],
                true,
                (ScaleType)random.Next(3)
            );
            if (grid.Kind == GridKind.Integer)
            {
                grid = grid with { Symmetric = random.Next(2) == 0 };
            }
            // A lookup's body decodes the gathered rows at every call: that chain stays.
            int choice = target == "fused" && site.Uses.Any(u => u.Kind == SiteKind.Gather) ? 1 : random.Next(6);
            weights.Add(
                choice == 0 ? new CompressedWeight(site, new Encoding.Half(), [])
                : choice == 1 ? new CompressedWeight(site, new Encoding.Keep(), [])
                : new CompressedWeight(site, new Encoding.Quantized(grid), [Samples.Random(grid, site.K, site.N, random.Next())])
            );
        }
        var plan = weights.Select(w => (w.Site, new WeightShape(w.Encoding, [.. w.Segments.Select(s => (s.Grid, s.N))]))).ToList();
        using OnnxModel rewritten = emission.Rewrite(model, weights, CancellationToken.None);
        string path = Path.Combine(Folder, "out.onnx");
        long written = rewritten.Save(path);
        Assert.InRange(model.FileBytes + emission.PlanBytesDelta(model, plan) - written, -64, 64);

        string optimized = Path.Combine(Folder, "optimized.onnx");
        using var options = new SessionOptions
        {
            OptimizedModelFilePath = optimized,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        using var session = new InferenceSession(path, options);
        ModelProto kept = ModelProto.Parser.ParseFrom(File.ReadAllBytes(optimized));
        // ONNX Runtime has fused every DequantizeLinear with its MatMul: none runs at every call.
        Assert.DoesNotContain(kept.Graph.Node, n => n.OpType == "DequantizeLinear");
        int original = model.Proto.Graph.Node.Count(n => n.OpType == "ConstantOfShape");
        Assert.InRange(kept.Graph.Node.Count(n => ChainOperators.Contains(n.OpType)), 0, original);
    }
}
