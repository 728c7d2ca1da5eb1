using Lorq.Models;
using Lorq.Onnx;

namespace Lorq.Calibration;

/// <summary>The nodes of a model's main graph in an order in which they can run, and what each of them reads.</summary>
internal sealed class DataFlow
{
    private readonly GraphScope graph;
    private readonly Dictionary<NodeProto, int> places = new(ReferenceEqualityComparer.Instance);
    private readonly bool[] isStatic;
    private readonly HashSet<string> inputs;

    /// <summary>Reads a model's graph.</summary>
    public DataFlow(OnnxModel model)
    {
        graph = model.Scopes[0];
        // An initializer that callers could override has its stored value here.
        inputs = [.. graph.GivenInputs];
        var read = new string[graph.Nodes.Count][];
        for (int i = 0; i < read.Length; i++)
        {
            NodeProto node = graph.Nodes[i];
            places.Add(node, i);
            var names = new HashSet<string>(StringComparer.Ordinal);
            CollectReads(node, names);
            read[i] = [.. names.Where(n => inputs.Contains(n) || graph.Producer(n) is not null)];
        }
        Reads = read;
        Topological = Sorted();
        isStatic = new bool[read.Length];
        foreach (int i in Topological)
        {
            isStatic[i] = !IsRandom(graph.Nodes[i]) && read[i].All(r => !inputs.Contains(r) && isStatic[places[graph.Producer(r)!]]);
        }
    }

    /// <summary>Per node, in stored order, the outputs of other nodes and the inputs of the model that it reads.</summary>
    public IReadOnlyList<string[]> Reads { get; }

    /// <summary>Places of the nodes in stored order, every node after those it reads from.</summary>
    public IReadOnlyList<int> Topological { get; }

    /// <summary>The node at a place in stored order.</summary>
    public NodeProto this[int place] => graph.Nodes[place];

    /// <summary>Where a node is stored.</summary>
    public int Place(NodeProto node) => places[node];

    /// <summary>The place of the node that makes a tensor; null for an input or initializer of the model.</summary>
    public int? Producer(string tensor) => graph.Producer(tensor) is { } producer ? places[producer] : null;

    /// <summary>True for a node that gives the same whatever the model is given.</summary>
    public bool IsStatic(int place) => isStatic[place];

    /// <summary>True for what such a node makes.</summary>
    public bool IsStatic(string tensor) => Producer(tensor) is { } producer && isStatic[producer];

    /// <summary>True for a tensor that the caller of the model gives.</summary>
    public bool IsInput(string tensor) => inputs.Contains(tensor);

    /// <summary>Nodes to be run by themselves, those included that fold the constants they read, in graph order.</summary>
    public IReadOnlyList<NodeProto> WithStatic(IEnumerable<int> nodes)
    {
        var all = new HashSet<int>(nodes);
        var open = new Stack<int>(all);
        while (open.TryPop(out int node))
        {
            foreach (string read in Reads[node])
            {
                if (Producer(read) is { } producer && isStatic[producer] && all.Add(producer))
                {
                    open.Push(producer);
                }
            }
        }
        return [.. Topological.Where(all.Contains).Select(n => graph.Nodes[n])];
    }

    // Scopes refuse cycles, so every node gets its place. Files usually store nodes in order already.
    private int[] Sorted()
    {
        var order = new List<int>(Reads.Count);
        var state = new bool[Reads.Count];
        var stack = new Stack<(int Node, int Next)>();
        for (int root = 0; root < Reads.Count; root++)
        {
            stack.Push((root, 0));
            while (stack.TryPop(out var at))
            {
                if (at.Next == 0 && state[at.Node])
                {
                    continue;
                }
                state[at.Node] = true;
                if (at.Next == Reads[at.Node].Length)
                {
                    order.Add(at.Node);
                    continue;
                }
                stack.Push((at.Node, at.Next + 1));
                if (graph.Producer(Reads[at.Node][at.Next]) is { } producer && !state[places[producer]])
                {
                    stack.Push((places[producer], 0));
                }
            }
        }
        return [.. order];
    }

    private static bool IsRandom(NodeProto node) =>
        node.OpType.StartsWith("Random", StringComparison.Ordinal) || node.OpType is "Multinomial" or "Bernoulli";

    /// <summary>What a node reads, what its subgraphs capture included (and their own names, which the caller filters out).</summary>
    public static void CollectReads(NodeProto node, HashSet<string> names)
    {
        names.UnionWith(node.Input.Where(i => i.Length > 0));
        foreach (AttributeProto attribute in node.Attribute)
        {
            foreach (GraphProto inner in attribute.Graphs.Concat(attribute.G is { } g ? [g] : []))
            {
                foreach (NodeProto child in inner.Node)
                {
                    CollectReads(child, names);
                }
                names.UnionWith(inner.Output.Select(o => o.Name));
            }
        }
    }
}
