using Lorq.Calibration;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Refinement;
using Lorq.Sites;
using Lorq.Specs;
using Lorq.Tests.Models;
using Lorq.Tests.Rewriting;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Refinement;

public sealed class PrefixScheduleTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_node_runs_once_and_reads_what_is_there()
    {
        using var model = OnnxModel.Load(Path.Combine(TestData.Root, "examples", "models", "rec.onnx"));
        IReadOnlyList<PrefixStep> steps = Steps(model);
        Assert.True(steps.Count > 20);
        HashSet<string> live = [.. model.Proto.Graph.Input.Select(i => i.Name)];
        var ran = new HashSet<NodeProto>(ReferenceEqualityComparer.Instance);
        foreach (PrefixStep step in steps)
        {
            Assert.All(step.Segment.Inputs, i => Assert.Contains(i, live));
            foreach (NodeProto node in step.Segment.Nodes.Where(n => n.Input.Any(i => live.Contains(i) || Made(step, n).Contains(i))))
            {
                Assert.True(ran.Add(node), $"{node.OpType} ran twice.");
            }
            live.UnionWith(step.Segment.Outputs);
            Assert.Contains(step.Key.Tensor, live);
            live.ExceptWith(step.Passed);
        }
        // Nothing is held to the end that nobody reads.
        Assert.True(live.Count <= 1, string.Join(", ", live));
    }

    [Fact]
    public void Running_the_steps_of_an_unchanged_model_gives_its_inner_tensors_bit_by_bit()
    {
        using var model = OnnxModel.Load(Path.Combine(TestData.Root, "examples", "models", "rec.onnx"));
        var values = new Dictionary<string, DataTensor>(StringComparer.Ordinal) { [model.Proto.Graph.Input[0].Name] = Image() };
        IReadOnlyList<PrefixStep> steps = [.. Steps(model).Take(12)];
        using var taps = new TappedModel(model, [.. steps.Select(s => s.Key.Tensor).Distinct()], 1, default);
        using TappedValues expected = taps.Run(values, default);
        foreach (PrefixStep step in steps)
        {
            if (step.Segment.Nodes.Count > 0)
            {
                var types = step.Segment.Inputs.ToDictionary(i => i, i => SegmentModel.OfElements(values[i].ElementType));
                using var segment = new SegmentModel(model, step.Segment, types, [], 1, default);
                DataTensor[] outputs = segment.RunToTensors(step.Segment.Inputs.ToDictionary(i => i, i => values[i]), default)!;
                for (int o = 0; o < outputs.Length; o++)
                {
                    values[step.Segment.Outputs[o]] = outputs[o];
                }
            }
            ReadOnlySpan<float> reached = TappedValues.Floats(values[step.Key.Tensor]);
            ReadOnlySpan<float> whole = expected.Floats(step.Key.Tensor, out _);
            for (int i = 0; i < reached.Length; i++)
            {
                // ONNX Runtime fuses across a cut, so the last bits may differ.
                Assert.Equal(whole[i], reached[i], 1e-4f * Math.Max(1, Math.Abs(whole[i])));
            }
        }
    }

    [Fact]
    public void Branches_that_meet_again_keep_what_they_share_and_constants_are_folded_where_they_are_read()
    {
        string path = folder.File("branches.onnx");
        File.WriteAllBytes(
            path,
            Google.Protobuf.MessageExtensions.ToByteArray(
                new SmallModel(17)
                    .Input("x", DataType.Float, -1, 64)
                    .Weight("a", 64, 64)
                    .Weight("b", 64, 64)
                    .Weight("c", 64, 64)
                    .Weight("bias", 64)
                    .Node("Neg", "bias", "negative")
                    .Node("Add", "x,negative", "s")
                    .Node("MatMul", "s,a", "left")
                    .Node("MatMul", "s,b", "right")
                    .Node("Add", "left,right", "sum")
                    .Node("Add", "sum,negative", "t")
                    .Node("MatMul", "t,c", "y")
                    .Output("y")
                    .Proto
            )
        );
        using var model = OnnxModel.Load(path);
        IReadOnlyList<PrefixStep> steps = Steps(model);
        Assert.Equal(2, steps.Count);
        Assert.Equal(["a", "b"], steps[0].Sites.Select(s => s.Name).Order(StringComparer.Ordinal));
        Assert.Equal(["Neg", "Add"], steps[0].Segment.Nodes.Select(n => n.OpType));
        Assert.Equal(["x"], steps[0].Segment.Inputs);
        Assert.Equal(["s"], steps[0].Segment.Outputs);
        // The folded constant is not handed on: it is folded again where it is read.
        Assert.Equal(["s"], steps[1].Segment.Inputs);
        Assert.Equal(["t"], steps[1].Segment.Outputs);
        Assert.Equal(1, steps[1].Segment.Nodes.Count(n => n.OpType == "Neg"));
    }

    private static HashSet<string> Made(PrefixStep step, NodeProto until) =>
        [
            .. step
                .Segment.Nodes.TakeWhile(n => !ReferenceEquals(n, until))
                .Where(n => n.Input.Any(i => step.Segment.Inputs.Contains(i)))
                .SelectMany(n => n.Output),
        ];

    private static IReadOnlyList<PrefixStep> Steps(OnnxModel model) =>
        PrefixSchedule.Of(
            model,
            [
                .. SiteFinder
                    .Find(model, new CompressionSpec())
                    .Sites.Select(s => (Site: s, Key: Collector.Key(s)))
                    .Where(p => p.Key is not null)
                    .Select(p => (p.Site, p.Key!)),
            ]
        );

    private static DataTensor Image()
    {
        var random = new Random(3);
        var bytes = new byte[3 * 48 * 96 * sizeof(float)];
        for (int i = 0; i < bytes.Length / 4; i++)
        {
            BitConverter.TryWriteBytes(bytes.AsSpan(4 * i), (float)random.NextDouble());
        }
        return new DataTensor(DataType.Float, [1, 3, 48, 96], bytes);
    }
}
