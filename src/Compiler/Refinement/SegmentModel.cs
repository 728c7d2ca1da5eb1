using Lorq.Calibration;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Sites;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Refinement;

/// <summary>The nodes of one step as a model of their own, with the weights of compressed sites open to replacement.</summary>
internal sealed class SegmentModel : IDisposable
{
    private readonly string folder;
    private readonly ModelRunner runner;
    private readonly OpenWeights weights;
    private readonly Site[] sites;
    private readonly IReadOnlyList<string> outputs;

    /// <summary>Opens a step's segment.</summary>
    /// <param name="model">The original model.</param>
    /// <param name="step">The step; it has nodes.</param>
    /// <param name="types">Element type of each of its inputs.</param>
    /// <param name="compressed">Sites whose weights are replaced on the compressed side.</param>
    /// <param name="threads">Threads; 0 for one per core.</param>
    /// <param name="cancellationToken">Stops.</param>
    public SegmentModel(
        OnnxModel model,
        PrefixStep step,
        IReadOnlyDictionary<string, TensorProto.Types.DataType> types,
        IEnumerable<Site> compressed,
        int threads,
        CancellationToken cancellationToken
    )
    {
        folder = Directory.CreateTempSubdirectory("lorq-prefix-").FullName;
        try
        {
            HashSet<NodeProto> kept = new(step.Nodes, ReferenceEqualityComparer.Instance);
            sites = [.. compressed.Where(s => s.Uses.Any(u => kept.Contains(u.Use.Node)))];
            outputs = step.Outputs;
            using OnnxModel segment = model.Clone();
            weights = OpenWeights.In(segment, model, sites, cancellationToken);
            GraphProto graph = segment.Proto.Graph;
            var places = new Dictionary<NodeProto, int>(ReferenceEqualityComparer.Instance);
            for (int i = 0; i < model.Proto.Graph.Node.Count; i++)
            {
                places.Add(model.Proto.Graph.Node[i], i);
            }
            NodeProto[] nodes = [.. step.Nodes.Select(n => graph.Node[places[n]])];
            graph.Node.Clear();
            graph.Node.AddRange(nodes);
            graph.ValueInfo.Clear();
            graph.Output.Clear();
            graph.Output.AddRange(step.Outputs.Select(o => new ValueInfoProto { Name = o }));
            ValueInfoProto[] opened = [.. graph.Input.Where(i => model.Proto.Graph.Input.All(m => m.Name != i.Name))];
            graph.Input.Clear();
            graph.Input.AddRange(step.Inputs.Select(i => Input(i, types[i])));
            graph.Input.AddRange(opened);
            weights.Keep(graph);
            DropUnread(graph);
            segment.Invalidate();
            string path = Path.Combine(folder, "segment.onnx");
            segment.Save(path, null, cancellationToken);
            runner = new ModelRunner(path, threads, shownAs: model.Path);
        }
        catch
        {
            Directory.Delete(folder, true);
            throw;
        }
    }

    /// <summary>True when some weight in it is compressed: then the two sides differ even where their inputs agree.</summary>
    public bool IsCompressed => sites.Length > 0;

    /// <summary>What to feed for the compressed side, besides the activations.</summary>
    /// <param name="values">Row-major K×N of a compressed site.</param>
    public IReadOnlyDictionary<string, DataTensor> Replacements(Func<Site, float[]> values)
    {
        var fed = new Dictionary<string, DataTensor>(StringComparer.Ordinal);
        foreach (Site site in sites)
        {
            foreach ((string name, DataTensor value) in weights.Replacement(site, values(site)))
            {
                fed[name] = value;
            }
        }
        return fed;
    }

    /// <summary>Runs one batch of one side; the tensors come in the order of the step's outputs.</summary>
    /// <returns>Null when an output is not a tensor of fixed-size elements: the walk cannot go on.</returns>
    public DataTensor[]? Run(
        IReadOnlyDictionary<string, DataTensor> activations,
        IReadOnlyDictionary<string, DataTensor> replacements,
        CancellationToken cancellationToken
    )
    {
        var inputs = new Dictionary<string, DataTensor>(activations, StringComparer.Ordinal);
        foreach ((string name, DataTensor value) in replacements)
        {
            inputs[name] = value;
        }
        using IDisposableReadOnlyCollection<OrtValue> values = runner.Run(inputs, outputs, cancellationToken);
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

    private static ValueInfoProto Input(string name, TensorProto.Types.DataType type) =>
        new()
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type } },
        };

    private static void DropUnread(GraphProto graph)
    {
        var read = new HashSet<string>(StringComparer.Ordinal);
        foreach (NodeProto node in graph.Node)
        {
            PrefixSchedule.Reads(node, read);
        }
        TensorProto[] kept = [.. graph.Initializer.Where(t => read.Contains(t.Name))];
        graph.Initializer.Clear();
        graph.Initializer.AddRange(kept);
        SparseTensorProto[] sparse = [.. graph.SparseInitializer.Where(t => read.Contains(t.Values.Name))];
        graph.SparseInitializer.Clear();
        graph.SparseInitializer.AddRange(sparse);
    }
}
