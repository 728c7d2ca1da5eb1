using Lorq.Calibration;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Sites;

namespace Lorq.Refinement;

/// <summary>One advance of the frontier: the nodes that lead from what is known to the next input that sites read.</summary>
/// <param name="Key">The tensor that is reached, and how its readers read it.</param>
/// <param name="Sites">The sites that read it and are fitted here.</param>
/// <param name="Nodes">Nodes to run, in graph order, those that only fold constants included; empty when nothing new is needed.</param>
/// <param name="Inputs">Tensors the nodes read that were computed before, or are inputs of the model.</param>
/// <param name="Outputs">Tensors they compute that somebody reads later, the reached one included.</param>
/// <param name="Passed">Tensors that nobody reads any more after this step.</param>
internal sealed record PrefixStep(
    MomentKey Key,
    IReadOnlyList<Site> Sites,
    IReadOnlyList<NodeProto> Nodes,
    IReadOnlyList<string> Inputs,
    IReadOnlyList<string> Outputs,
    IReadOnlyList<string> Passed
);

/// <summary>
/// Cuts the graph at the inputs of its sites, so that a walk in graph order runs every node once: what is computed between two cuts
/// is kept as long as somebody reads it.
/// </summary>
internal sealed class PrefixSchedule
{
    private readonly GraphScope graph;
    private readonly Dictionary<NodeProto, int> places = new(ReferenceEqualityComparer.Instance);
    private readonly string[][] reads;
    private readonly bool[] isStatic;
    private readonly HashSet<string> inputs;

    private PrefixSchedule(OnnxModel model)
    {
        graph = model.Scopes[0];
        // An initializer that callers could override has its stored value here.
        inputs = [.. graph.GivenInputs];
        reads = new string[graph.Nodes.Count][];
        isStatic = new bool[graph.Nodes.Count];
        for (int i = 0; i < reads.Length; i++)
        {
            NodeProto node = graph.Nodes[i];
            places.Add(node, i);
            var names = new HashSet<string>(StringComparer.Ordinal);
            Reads(node, names);
            reads[i] = [.. names.Where(n => inputs.Contains(n) || graph.Producer(n) is not null)];
        }
        foreach (int i in Topological())
        {
            isStatic[i] = !IsRandom(graph.Nodes[i]) && reads[i].All(r => !inputs.Contains(r) && isStatic[places[graph.Producer(r)!]]);
        }
    }

    /// <summary>
    /// The steps for the given sites, in graph order. A site that something reads before its input is known is in none of them, and neither
    /// is one that meets nothing but constants: every segment that needs its product computes it again.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="keys">Per site the input that it is fitted to.</param>
    public static IReadOnlyList<PrefixStep> Of(OnnxModel model, IReadOnlyList<(Site Site, MomentKey Key)> keys) =>
        new PrefixSchedule(model).Steps(keys);

    private List<PrefixStep> Steps(IReadOnlyList<(Site Site, MomentKey Key)> keys)
    {
        int[] order = Topological();
        var rank = new int[order.Length];
        for (int i = 0; i < order.Length; i++)
        {
            rank[order[i]] = i;
        }
        // By the reader that the input belongs to: a tied table is looked up long before its projection's input is known.
        var groups = keys.Where(k => !k.Site.Uses.Any(u => isStatic[places[u.Use.Node]]))
            .GroupBy(k => k.Key)
            .Select(g => (g.Key, Sites: g.Select(p => p.Site).ToArray()))
            .OrderBy(g => g.Sites.Min(s => s.Uses.Where(u => u.InputTensor == g.Key.Tensor).Min(u => rank[places[u.Use.Node]])))
            .ToArray();
        // What has to be run for each group, given what ran for those before it.
        var ran = new bool[reads.Length];
        var segments = new List<int[]>();
        foreach (var group in groups)
        {
            var needed = new SortedSet<int>(Comparer<int>.Create((a, b) => rank[a].CompareTo(rank[b])));
            Need(group.Key.Tensor, ran, needed);
            segments.Add([.. needed]);
            foreach (int node in needed)
            {
                ran[node] = true;
            }
        }
        var lastRead = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int g = 0; g < groups.Length; g++)
        {
            foreach (string name in segments[g].SelectMany(n => reads[n]).Append(groups[g].Key.Tensor))
            {
                lastRead[name] = g;
            }
        }
        var steps = new List<PrefixStep>();
        var alreadyRun = new HashSet<NodeProto>(ReferenceEqualityComparer.Instance);
        for (int g = 0; g < groups.Length; g++)
        {
            HashSet<string> made = [.. segments[g].SelectMany(n => graph.Nodes[n].Output)];
            alreadyRun.UnionWith(segments[g].Select(n => graph.Nodes[n]));
            string[] read = [.. segments[g].SelectMany(n => reads[n]).Where(r => !made.Contains(r) && !IsStatic(r)).Distinct()];
            int step = g;
            steps.Add(
                new PrefixStep(
                    groups[g].Key,
                    // A table that was looked up on the way is fixed by now.
                    [.. groups[g].Sites.Where(s => !s.Uses.Any(u => alreadyRun.Contains(u.Use.Node)))],
                    [.. WithStatic(segments[g]).Select(n => graph.Nodes[n])],
                    read,
                    [
                        .. segments[g]
                            .SelectMany(n => graph.Nodes[n].Output)
                            .Where(o => o.Length > 0 && (lastRead.GetValueOrDefault(o, -1) > step || o == groups[step].Key.Tensor)),
                    ],
                    [.. lastRead.Where(p => p.Value == step).Select(p => p.Key)]
                )
            );
        }
        return steps;
    }

    /// <summary>Adds the nodes, not run yet, that a tensor takes; those that fold constants are added where they are read.</summary>
    private void Need(string tensor, bool[] ran, SortedSet<int> needed)
    {
        var open = new Stack<string>([tensor]);
        while (open.TryPop(out string? name))
        {
            if (
                graph.Producer(name) is { } producer
                && !ran[places[producer]]
                && !isStatic[places[producer]]
                && needed.Add(places[producer])
            )
            {
                foreach (string read in reads[places[producer]])
                {
                    open.Push(read);
                }
            }
        }
    }

    private IEnumerable<int> WithStatic(int[] nodes)
    {
        var all = new HashSet<int>(nodes);
        var open = new Stack<int>(nodes);
        while (open.TryPop(out int node))
        {
            foreach (string read in reads[node])
            {
                if (graph.Producer(read) is { } producer && isStatic[places[producer]] && all.Add(places[producer]))
                {
                    open.Push(places[producer]);
                }
            }
        }
        return Topological().Where(all.Contains);
    }

    private bool IsStatic(string tensor) => graph.Producer(tensor) is { } producer && isStatic[places[producer]];

    // Scopes refuse cycles, so every node gets its place. Files usually store nodes in order already.
    private int[] Topological()
    {
        var order = new List<int>(reads.Length);
        var state = new bool[reads.Length];
        var stack = new Stack<(int Node, int Next)>();
        for (int root = 0; root < reads.Length; root++)
        {
            stack.Push((root, 0));
            while (stack.TryPop(out var at))
            {
                if (at.Next == 0 && state[at.Node])
                {
                    continue;
                }
                state[at.Node] = true;
                if (at.Next == reads[at.Node].Length)
                {
                    order.Add(at.Node);
                    continue;
                }
                stack.Push((at.Node, at.Next + 1));
                if (graph.Producer(reads[at.Node][at.Next]) is { } producer && !state[places[producer]])
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
    public static void Reads(NodeProto node, HashSet<string> names)
    {
        names.UnionWith(node.Input.Where(i => i.Length > 0));
        foreach (AttributeProto attribute in node.Attribute)
        {
            foreach (GraphProto inner in attribute.Graphs.Concat(attribute.G is { } g ? [g] : []))
            {
                foreach (NodeProto child in inner.Node)
                {
                    Reads(child, names);
                }
                names.UnionWith(inner.Output.Select(o => o.Name));
            }
        }
    }
}
