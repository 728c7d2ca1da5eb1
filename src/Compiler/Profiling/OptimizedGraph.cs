using Lorq.Numerics;
using Lorq.Onnx;

namespace Lorq.Profiling;

/// <summary>The graph that ONNX Runtime runs, every node with the original nodes it stands for.</summary>
/// <remarks>
/// A node whose output has a name of the original stands for all original nodes behind that output, up to tensors that are still
/// computed. Nodes that hand each other tensors of new names (codes and low-rank branch, an inlined function) stand for the same ones together.
/// </remarks>
internal sealed class OptimizedGraph
{
    // ONNX Runtime gives blocked convolutions new tensors; their nodes are called after the old ones.
    private const string BlockedSuffix = "_nchwc";

    private readonly IReadOnlyList<NodeProto> nodes;
    private readonly Dictionary<string, int> byName = new(StringComparer.Ordinal);

    private OptimizedGraph(IReadOnlyList<NodeProto> nodes, IReadOnlyList<IReadOnlyList<int>> regions)
    {
        this.nodes = nodes;
        Regions = regions;
        foreach (IGrouping<string, int> name in Enumerable.Range(0, nodes.Count).GroupBy(i => nodes[i].Name))
        {
            byName.Add(name.Key, name.Count() == 1 ? name.Single() : -1);
        }
    }

    /// <summary>For every node the original nodes it stands for; none when that cannot be told.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Regions { get; }

    /// <summary>Attributes the nodes of a graph.</summary>
    /// <param name="graph">The graph, in the order in which it runs.</param>
    /// <param name="original">The original.</param>
    public static OptimizedGraph Of(GraphProto graph, OriginalGraph original)
    {
        string[][] landmarks = [.. graph.Node.Select(n => Landmarks(n, original))];
        var live = new HashSet<string>(graph.Input.Select(i => i.Name).Concat(landmarks.SelectMany(l => l)), StringComparer.Ordinal);
        var fresh = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < graph.Node.Count; i++)
        {
            if (landmarks[i].Length == 0)
            {
                foreach (string output in graph.Node[i].Output.Where(o => o.Length > 0))
                {
                    fresh[output] = i;
                }
            }
        }
        var together = new DisjointSets(graph.Node.Count);
        for (int i = 0; i < graph.Node.Count; i++)
        {
            foreach (string input in graph.Node[i].Input)
            {
                if (fresh.TryGetValue(input, out int producer))
                {
                    together.Join(producer, i);
                }
            }
        }
        var regions = new IReadOnlyList<int>[graph.Node.Count];
        foreach (IGrouping<int, int> unit in Enumerable.Range(0, regions.Length).GroupBy(together.Find))
        {
            IReadOnlyList<int> region = original.Between(unit.SelectMany(i => landmarks[i]), live);
            foreach (int node in unit)
            {
                regions[node] = region;
            }
        }
        return new OptimizedGraph([.. graph.Node], regions);
    }

    /// <summary>For every node of a run its place in this graph, or −1.</summary>
    public int[] Places(IReadOnlyList<NodeTime> run) =>
        run.Count == nodes.Count && run.Zip(nodes).All(p => p.First.Operator == p.Second.OpType)
            ? [.. Enumerable.Range(0, run.Count)]
            : [.. run.Select(n => byName.GetValueOrDefault(n.Name, -1))];

    private static string[] Landmarks(NodeProto node, OriginalGraph original)
    {
        string[] known = [.. node.Output.Where(original.IsActivation)];
        int suffix = node.Name.LastIndexOf(BlockedSuffix, StringComparison.Ordinal);
        return known.Length == 0 && suffix > 0 && original.IsActivation(node.Name[..suffix]) ? [node.Name[..suffix]] : known;
    }
}
