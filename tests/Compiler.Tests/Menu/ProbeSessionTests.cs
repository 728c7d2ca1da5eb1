using Google.Protobuf;
using Lorq.Calibration;
using Lorq.Menu;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;
using Lorq.Tests.Caching;
using Lorq.Tests.Models;
using Lorq.Tests.Rewriting;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Menu;

public sealed class ProbeSessionTests : IDisposable
{
    private const int Width = 64;
    private static readonly int[] eight = [.. Enumerable.Repeat(Width, 9)];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>Twice the same thing: trials that begin where they differ from what they share, and trials that run from the start.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_trials_share_is_run_once_and_changes_no_loss(bool around)
    {
        using var trial = new MenuTrial(MenuTrial.Chain(eight), Width, Spec(3));
        IReadOnlyList<CompressedWeight> weights = trial.Make(trial.Pick(c => c.Grid is { Bits: 3 }));
        Func<IReadOnlyList<CompressedWeight>>[] trials =
        [
            .. weights.Select<CompressedWeight, Func<IReadOnlyList<CompressedWeight>>>(w =>
                around ? () => [.. weights.Where(other => !ReferenceEquals(other, w))] : () => [w]
            ),
        ];
        IReadOnlyList<double> together = trial.Probe.Losses(
            [.. trials.Select((t, i) => (Folders.Digest(i), t))],
            around ? weights : [],
            null,
            default
        );
        Assert.Equal(8, together.Distinct().Count());
        Assert.Equal(trials.Select((t, i) => trial.Probe.Loss(Folders.Digest(100 + i), t, default)), together);
    }

    [Fact]
    public void A_run_from_a_later_part_gives_what_a_model_with_these_weights_gives()
    {
        using var trial = new MenuTrial(MenuTrial.Chain(eight), Width, Spec(2));
        IReadOnlyList<CompressedWeight> weights = trial.Make(trial.Pick(c => c.Grid is { Bits: 2 }));
        using var session = new ProbeSession(trial.Subject.Model, trial.Subject.Table.Sites, default);
        Assert.Equal(2, session.Parts);
        CompressedWeight last = weights.Single(w => w.Site.Name == "w7");
        ProbeWeights one = session.Prepare([last], ProbeWeights.None);
        int first = session.FirstDifference(one, ProbeWeights.None);
        Assert.Equal(1, first);
        Assert.Equal(0, session.FirstDifference(session.Prepare(weights, one), one));
        var batch = trial.Calibration.HeldOut.Batches[0];
        var kept = new Dictionary<string, DataTensor>();
        using var original = session.Run(batch, ProbeWeights.None, 0, _ => throw new InvalidOperationException(), kept.Add, default);
        using var changed = session.Run(batch, one, first, tensor => kept[tensor], null, default);

        SmallModel whole = MenuTrial.Chain(eight);
        TensorProto replaced = whole.Proto.Graph.Initializer.Single(t => t.Name == "w7");
        replaced.RawData = ByteString.CopyFrom(
            System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(Materializer.Dequantize(last)).ToArray()
        );
        using var runner = new ModelRunner(folder.Write(whole.Proto), 1);
        using var expected = runner.Run(batch);
        Assert.True(Distance(original[0], changed[0]) > 1e-3);
        Assert.True(Distance(expected[0], changed[0]) < 1e-6);
    }

    [Fact]
    public void Parts_run_every_node_once_and_read_what_is_there()
    {
        using var model = OnnxModel.Load(Path.Combine(TestData.Root, "examples", "models", "rec.onnx"));
        IReadOnlyList<Site> sites = SiteFinder.Find(model, new CompressionSpec()).Sites;
        IReadOnlyList<GraphSegment> parts = ProbeCuts.Of(model, sites);
        Assert.Equal(sites.Count / 4, parts.Count);
        HashSet<string> live = [.. model.Proto.Graph.Input.Select(i => i.Name)];
        var ran = new HashSet<NodeProto>(ReferenceEqualityComparer.Instance);
        var flow = new DataFlow(model);
        foreach (GraphSegment part in parts)
        {
            Assert.Subset(live, part.Inputs.ToHashSet());
            Assert.All(part.Nodes.Where(n => !flow.IsStatic(flow.Place(n))), n => Assert.True(ran.Add(n)));
            live.UnionWith(part.Outputs);
            // About as many sites in each; and a narrow place is found in a network that is mostly a chain.
            Assert.InRange(sites.Count(s => s.Uses.Any(u => part.Nodes.Contains(u.Use.Node))), 2, 8);
            Assert.InRange(part.Outputs.Count, 1, 3);
        }
        Assert.Equal(model.Proto.Graph.Node.Count(n => !flow.IsStatic(flow.Place(n))), ran.Count);
        Assert.Equal(model.Proto.Graph.Output.Select(o => o.Name), parts[^1].Outputs);
    }

    /// <summary>What a later part cannot make: an early tensor, an input, a folded and a stored constant.</summary>
    [Fact]
    public void Outputs_from_anywhere_come_out_in_their_order()
    {
        SmallModel model = MenuTrial.Chain(eight);
        model.Weight("stored", 3).Weight("bias", 4).Node("Neg", "bias", "folded");
        model.Output("y0").Output("x").Output("folded").Output("stored");
        using OnnxModel loaded = model.Load(folder.Path);
        IReadOnlyList<Site> sites = SiteFinder.Find(loaded, new CompressionSpec()).Sites;
        using var session = new ProbeSession(loaded, sites, default);
        Assert.Equal(2, session.Parts);
        Assert.Equal(["y7", "y0", "x", "folded", "stored"], session.Outputs.Select(o => o.Name));
        using var runner = new ModelRunner(folder.Write(model.Proto), 1);
        Compare(session, runner);
    }

    [Fact]
    public void What_is_no_tensor_of_numbers_is_not_handed_on_so_the_model_stays_whole()
    {
        SmallModel model = MenuTrial.Chain(eight);
        model.Int64s("second", 1).Node("Squeeze", "second", "index");
        model.Node("SequenceAt", "pair,index", "early").Node("Add", "y7,early", "sum");
        var pair = new NodeProto { OpType = "SequenceConstruct" };
        pair.Input.AddRange(["x", "y0"]);
        pair.Output.Add("pair");
        model.Proto.Graph.Node.Insert(1, pair);
        model.Proto.Graph.Output.Clear();
        model.Output("sum");
        using OnnxModel loaded = model.Load(folder.Path);
        IReadOnlyList<Site> sites = SiteFinder.Find(loaded, new CompressionSpec()).Sites;
        Assert.Equal(2, ProbeCuts.Of(loaded, sites).Count);
        using var session = new ProbeSession(loaded, sites, default);
        Assert.Equal(1, session.Parts);
        using var runner = new ModelRunner(folder.Write(model.Proto), 1);
        Compare(session, runner);
    }

    private static void Compare(ProbeSession session, ModelRunner runner)
    {
        var bytes = new byte[2 * MenuTrial.Rows * Width * sizeof(float)];
        for (int i = 0; i < bytes.Length / sizeof(float); i++)
        {
            BitConverter.TryWriteBytes(bytes.AsSpan(i * sizeof(float)), MathF.Sin(i));
        }
        var batch = new Dictionary<string, DataTensor> { ["x"] = new(DataType.Float, [2, MenuTrial.Rows, Width], bytes) };
        using var expected = runner.Run(batch);
        using var actual = session.Run(batch, ProbeWeights.None, 0, _ => throw new InvalidOperationException(), null, default);
        Assert.Equal(expected.Count, actual.Count);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.True(Distance(expected[i], actual[i]) < 1e-6);
        }
    }

    private static double Distance(OrtValue one, OrtValue other)
    {
        ReadOnlySpan<float> a = one.GetTensorDataAsSpan<float>();
        ReadOnlySpan<float> b = other.GetTensorDataAsSpan<float>();
        return System.Numerics.Tensors.TensorPrimitives.Distance(a, b) / System.Numerics.Tensors.TensorPrimitives.Norm(a);
    }

    private static CompressionSpec Spec(int bits) =>
        new()
        {
            Menu = new MenuSpec
            {
                Methods = ["rtn"],
                Bits = [bits],
                Blocks = [32],
                Ranks = [0],
            },
        };
}
