using Lorq.Diagnostics;
using Lorq.Onnx;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Models;

/// <summary>Refuses models that cannot be right, before any stage builds on them.</summary>
internal static class ModelValidator
{
    /// <summary>Checks every tensor's bytes and every graph's names and order.</summary>
    public static void Validate(OnnxModel model, CancellationToken cancellationToken)
    {
        foreach (TensorProto tensor in TensorWalk.Tensors(model.Proto))
        {
            cancellationToken.ThrowIfCancellationRequested();
            Validate(model, tensor);
        }
        Validate(model, model.Proto.Graph);
        foreach (FunctionProto function in model.Proto.Functions)
        {
            Order(model, function.Node);
        }
    }

    private static void Validate(OnnxModel model, TensorProto tensor)
    {
        long count = TensorFormat.Count(tensor);
        if ((DataType)tensor.DataType == DataType.String)
        {
            if (tensor.StringData.Count != count)
            {
                throw Catalogue.MalformedTensor.With(
                    tensor.Name,
                    $"{count} strings were expected, but {tensor.StringData.Count} are stored"
                );
            }
            return;
        }
        if (TensorFormat.Bits(tensor.DataType) == 0)
        {
            // A type of a later version of ONNX: carried as it is.
            if (tensor.DataType is <= 0 or < (int)DataType.Int2)
            {
                throw Catalogue.MalformedTensor.With(tensor.Name, $"element type {tensor.DataType} does not exist");
            }
            return;
        }
        // External data is mapped and checked; typed fields are checked by their conversion.
        model.ReadBytes(tensor);
    }

    private static void Validate(OnnxModel model, GraphProto graph)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in graph.Initializer.Select(t => t.Name).Concat(graph.SparseInitializer.Select(s => s.Values?.Name ?? "")))
        {
            Define(model, names, name);
        }
        foreach (NodeProto node in graph.Node)
        {
            foreach (string output in node.Output)
            {
                Define(model, names, output);
            }
        }
        Order(model, graph.Node);
        foreach ((_, GraphProto nested) in graph.Node.SelectMany(TensorWalk.Graphs))
        {
            Validate(model, nested);
        }
    }

    private static void Define(OnnxModel model, HashSet<string> names, string name)
    {
        if (name.Length > 0 && !names.Add(name))
        {
            throw Catalogue.DuplicateName.With(model.Path, name);
        }
    }

    /// <summary>Kahn's algorithm: whatever cannot be ordered lies on, or behind, a cycle.</summary>
    private static void Order(OnnxModel model, IList<NodeProto> nodes)
    {
        var producer = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < nodes.Count; i++)
        {
            foreach (string output in nodes[i].Output.Where(o => o.Length > 0))
            {
                producer[output] = i;
            }
        }
        var waiting = new int[nodes.Count];
        var readers = new List<int>[nodes.Count];
        for (int i = 0; i < nodes.Count; i++)
        {
            foreach (string input in Reads(nodes[i]))
            {
                if (producer.TryGetValue(input, out int from))
                {
                    (readers[from] ??= []).Add(i);
                    waiting[i]++;
                }
            }
        }
        var ready = new Queue<int>(Enumerable.Range(0, nodes.Count).Where(i => waiting[i] == 0));
        int done = 0;
        while (ready.TryDequeue(out int next))
        {
            done++;
            foreach (int reader in readers[next] ?? [])
            {
                if (--waiting[reader] == 0)
                {
                    ready.Enqueue(reader);
                }
            }
        }
        if (done < nodes.Count)
        {
            NodeProto stuck = nodes[Array.FindIndex(waiting, w => w > 0)];
            throw Catalogue.CyclicGraph.With(model.Path, stuck.Name.Length > 0 ? stuck.Name : stuck.OpType);
        }
    }

    /// <summary>What a node reads, names captured by its subgraphs included.</summary>
    private static IEnumerable<string> Reads(NodeProto node) =>
        node.Input.Concat(TensorWalk.Graphs(node).SelectMany(g => g.Graph.Node).SelectMany(Reads));
}
