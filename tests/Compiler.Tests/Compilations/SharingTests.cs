using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Menu;
using Lorq.Models;
using Lorq.Reports;
using Lorq.Specs;
using Lorq.Tests.Rewriting;
using static Lorq.Tests.Quantization.Synthetic;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Compilations;

/// <summary>Three projections of one input whose strong part is low rank, in the same directions of the input: one left factor serves all.</summary>
public sealed class SharingTests : IDisposable
{
    private const int K = 128;
    private const int N = 96;
    private const int Common = 8;
    private static readonly string[] projections = ["q", "k", "v"];

    private readonly Trial trial = new();

    public void Dispose() => trial.Dispose();

    [Theory]
    [InlineData("ort", true)]
    [InlineData("onnx", true)]
    [InlineData("ort", false)]
    public void A_strong_common_part_is_shared_and_lowers_the_loss(string target, bool calibrated)
    {
        string model = trial.Write("common.onnx", Graph(common: true, projections));
        CompressionSpec spec = trial.Spec(24) with { Target = target };
        if (!calibrated)
        {
            spec = spec with { Calibration = new CalibrationSpec() };
        }
        CompilationResult shared = Run(model, spec, "shared");
        SiteRow[] rows = [.. shared.Report.Sites.Where(s => s.Decomposition == "shared")];
        Assert.True(rows.Length >= 2, string.Join(", ", shared.Report.Sites.Select(s => s.Name + " " + s.Encoding)));
        Assert.All(rows, r => Assert.Contains(r.Name, projections));
        Assert.All(rows, r => Assert.Contains(r.Notes, n => n.StartsWith("Shares its left factor with", StringComparison.Ordinal)));
        Assert.True(shared.Report.Solver!.Gap <= 1e-4);
        Assert.True(new FileInfo(shared.ModelPath).Length <= shared.Report.Budget.Bytes);
        using (OnnxModel written = OnnxModel.Load(shared.ModelPath))
        {
            // One left factor for all that share, and one of its own for any site that has another pair of that rank.
            int own = shared.Report.Sites.Count(r => r.Rank == rows[0].Rank && r.Decomposition != "shared");
            Assert.Equal(1 + own, written.Proto.Graph.Initializer.Count(t => t.Dims.SequenceEqual([K, rows[0].Rank!.Value])));
            Assert.Equal(rows.Length + own, written.Proto.Graph.Initializer.Count(t => t.Dims.SequenceEqual([rows[0].Rank!.Value, N])));
        }
        using var runner = new ModelRunner(shared.ModelPath);
        Assert.Equal(["ids"], runner.Inputs.Select(i => i.Name));
        // The same file size without sharing, every other method allowed.
        CompilationResult apart = Run(
            model,
            spec with
            {
                Menu = spec.Menu with { Decompositions = ["exact", "alternation", "lq-lora"] },
            },
            "apart"
        );
        Assert.DoesNotContain(apart.Report.Sites, s => s.Decomposition == "shared");
        Assert.True(Loss(shared) < Loss(apart), $"{Loss(shared)} with, {Loss(apart)} without");

        static double Loss(CompilationResult result) => result.Report.Loss.Measured ?? result.Report.Loss.Predicted;
    }

    [Fact]
    public void Nothing_is_shared_where_nothing_is_common()
    {
        string model = trial.Write("apart.onnx", Graph(common: false, projections));
        CompilationResult result = Run(model, trial.Spec(24), "none");
        Assert.DoesNotContain(result.Report.Sites, s => s.Decomposition == "shared");
    }

    private static CompilationResult Run(string model, CompressionSpec spec, string folder) =>
        Compilation.Run(
            new CompilationRequest(model, spec, Path.Combine(Path.GetDirectoryName(model)!, folder)) { Cache = CacheFolder.OfUser() },
            null,
            default
        );

    [Fact]
    public void A_strong_part_leaves_before_the_rest_is_rounded()
    {
        string model = trial.Write("strong.onnx", Graph(common: true, "q"));
        CompressionSpec spec = trial.Spec(24);
        CompressionSpec corrected = spec with { Menu = spec.Menu with { Decompositions = ["exact"] } };
        Candidate[] splits = [.. Menu(spec).Where(c => c.Decomposer?.Name == "lq-lora")];
        // Correcting what rounding leaves cannot see the strong part.
        var exact = new LowerHull(Menu(corrected));
        Assert.Contains(splits, c => c.Loss < exact.LossAt(c.Bytes) / 2);

        IReadOnlyList<Candidate> Menu(CompressionSpec chosen)
        {
            var clock = new StageClock(null);
            using var subject = Subject.Open(model, chosen, null, clock, default);
            return Profile.Build(subject, chosen, clock, default).Menus.Single(m => m.Site.Name == "q").Candidates;
        }
    }

    private static SmallModel Graph(bool common, params ReadOnlySpan<string> names)
    {
        float[] left = Gaussian(K * Common, 1);
        SmallModel graph = new SmallModel(17).Input("ids", DataType.Int64, -1, 8).Weight("table", 512, K);
        graph.Node("Gather", "table,ids", "e");
        foreach (string name in names)
        {
            float[] weight = Gaussian(K * N, 10 + name[0], common ? 0.05f : 1);
            float[] right = Gaussian(Common * N, 20 + name[0]);
            for (int i = 0; common && i < weight.Length; i++)
            {
                for (int r = 0; r < Common; r++)
                {
                    weight[i] += left[(i / N * Common) + r] * right[(r * N) + (i % N)];
                }
            }
            graph.Floats(name, [K, N], weight).Node("MatMul", $"e,{name}", $"y{name}").Output($"y{name}");
        }
        return graph;
    }
}
