using Lorq.Models;
using Lorq.Onnx;
using Lorq.Sites;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Calibration;

/// <summary>A part of a graph as a model of its own, with the weights of some sites open to replacement.</summary>
internal sealed class SegmentModel : IDisposable
{
    private readonly string folder;
    private readonly ModelRunner runner;
    private readonly OpenWeights weights;
    private readonly IReadOnlyList<string> outputs;

    /// <summary>Opens a segment.</summary>
    /// <param name="model">The original model.</param>
    /// <param name="segment">The segment; it has nodes.</param>
    /// <param name="types">Type of each of its inputs, with as much of the shape as is known.</param>
    /// <param name="open">Sites whose weights may be replaced; those that the segment does not read are passed over.</param>
    /// <param name="threads">Threads; 0 for one per core.</param>
    /// <param name="cancellationToken">Stops.</param>
    public SegmentModel(
        OnnxModel model,
        GraphSegment segment,
        IReadOnlyDictionary<string, TypeProto> types,
        IEnumerable<Site> open,
        int threads,
        CancellationToken cancellationToken
    )
    {
        folder = Directory.CreateTempSubdirectory("lorq-segment-").FullName;
        try
        {
            HashSet<NodeProto> kept = new(segment.Nodes, ReferenceEqualityComparer.Instance);
            Sites = [.. open.Where(s => s.Uses.Any(u => kept.Contains(u.Use.Node)))];
            outputs = segment.Outputs;
            using OnnxModel part = model.Clone();
            weights = OpenWeights.In(part, model, Sites, cancellationToken);
            GraphProto graph = part.Proto.Graph;
            var places = new Dictionary<NodeProto, int>(ReferenceEqualityComparer.Instance);
            for (int i = 0; i < model.Proto.Graph.Node.Count; i++)
            {
                places.Add(model.Proto.Graph.Node[i], i);
            }
            NodeProto[] nodes = [.. segment.Nodes.Select(n => graph.Node[places[n]])];
            graph.Node.Clear();
            graph.Node.AddRange(nodes);
            graph.ValueInfo.Clear();
            graph.Output.Clear();
            graph.Output.AddRange(outputs.Select(o => new ValueInfoProto { Name = o }));
            ValueInfoProto[] opened = [.. graph.Input.Where(i => model.Proto.Graph.Input.All(m => m.Name != i.Name))];
            graph.Input.Clear();
            graph.Input.AddRange(segment.Inputs.Select(i => new ValueInfoProto { Name = i, Type = types[i] }));
            graph.Input.AddRange(opened);
            weights.Keep(graph);
            DropUnread(graph);
            part.Invalidate();
            string path = Path.Combine(folder, "segment.onnx");
            part.Save(path, null, cancellationToken);
            runner = new ModelRunner(path, threads, shownAs: model.Path);
        }
        catch
        {
            Directory.Delete(folder, true);
            throw;
        }
    }

    /// <summary>The open sites whose weights are read here.</summary>
    public IReadOnlyList<Site> Sites { get; }

    /// <summary>What comes out, as ONNX Runtime infers it from the types of the inputs.</summary>
    public IReadOnlyList<TensorSignature> Outputs => runner.Outputs;

    /// <summary>What to feed in place of one site's weight.</summary>
    /// <param name="site">One of <see cref="Sites"/>.</param>
    /// <param name="view">Row-major K×N.</param>
    public IReadOnlyDictionary<string, DataTensor> Replacement(Site site, float[] view) => weights.Replacement(site, view);

    /// <summary>Runs one batch; the values come in the order of the segment's outputs.</summary>
    /// <param name="inputs">The segment's inputs, and weights to be replaced.</param>
    /// <param name="cancellationToken">Stops.</param>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        IReadOnlyDictionary<string, DataTensor> inputs,
        CancellationToken cancellationToken
    ) => runner.Run(inputs, outputs, cancellationToken);

    /// <summary>The same as tensors of their own.</summary>
    /// <returns>Null when an output is not a tensor of fixed-size elements: the walk cannot go on.</returns>
    public DataTensor[]? RunToTensors(IReadOnlyDictionary<string, DataTensor> inputs, CancellationToken cancellationToken)
    {
        using IDisposableReadOnlyCollection<OrtValue> values = Run(inputs, cancellationToken);
        var tensors = new DataTensor[values.Count];
        for (int i = 0; i < tensors.Length; i++)
        {
            if (!values[i].IsTensor || values[i].GetTensorTypeAndShape() is { IsString: true })
            {
                return null;
            }
            OrtTensorTypeAndShapeInfo info = values[i].GetTensorTypeAndShape();
            tensors[i] = new DataTensor(
                (TensorProto.Types.DataType)(int)info.ElementDataType,
                info.Shape,
                values[i].GetTensorMutableRawData().ToArray()
            );
        }
        return tensors;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        runner.Dispose();
        Directory.Delete(folder, true);
    }

    /// <summary>The type of a tensor whose shape is not known.</summary>
    public static TypeProto OfElements(TensorProto.Types.DataType type) =>
        new() { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type } };

    private static void DropUnread(GraphProto graph)
    {
        HashSet<string> read = [.. graph.Output.Select(o => o.Name)];
        foreach (NodeProto node in graph.Node)
        {
            DataFlow.CollectReads(node, read);
        }
        TensorProto[] kept = [.. graph.Initializer.Where(t => read.Contains(t.Name))];
        graph.Initializer.Clear();
        graph.Initializer.AddRange(kept);
        SparseTensorProto[] sparse = [.. graph.SparseInitializer.Where(t => read.Contains(t.Values.Name))];
        graph.SparseInitializer.Clear();
        graph.SparseInitializer.AddRange(sparse);
    }
}
