using Lorq.Diagnostics;

namespace Lorq.Models;

/// <summary>Orders the nodes of a scope so that each comes after what it reads.</summary>
internal static class NodeOrder
{
    /// <summary>Node indices in an order of evaluation (Kahn's algorithm).</summary>
    /// <param name="scope">The scope.</param>
    /// <param name="reads">Tensors and the nodes that need them, by an input or by a capture in a nested graph.</param>
    /// <exception cref="LorqException">The scope is cyclic; the message names a node on the cycle.</exception>
    public static IReadOnlyList<int> Topological(GraphScope scope, IReadOnlyList<(string Tensor, int Node)> reads)
    {
        int count = scope.Nodes.Count;
        var position = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            foreach (string output in scope.Nodes[i].Output)
            {
                position[output] = i;
            }
        }
        var readers = new List<int>?[count];
        var waiting = new int[count];
        foreach ((string tensor, int node) in reads)
        {
            if (position.TryGetValue(tensor, out int producer))
            {
                (readers[producer] ??= []).Add(node);
                waiting[node]++;
            }
        }
        var order = new List<int>(count);
        order.AddRange(Enumerable.Range(0, count).Where(i => waiting[i] == 0));
        for (int done = 0; done < order.Count; done++)
        {
            foreach (int reader in readers[order[done]] ?? [])
            {
                if (--waiting[reader] == 0)
                {
                    order.Add(reader);
                }
            }
        }
        return order.Count == count
            ? order
            : throw Catalogue.CyclicGraph.With(scope.Model.Path, Operators.Label(scope.Nodes[OnCycle(readers, waiting)]));
    }

    /// <summary>A node on a cycle: going against the edges among the nodes that never became ready must come back.</summary>
    private static int OnCycle(List<int>?[] readers, int[] waiting)
    {
        var source = new int[waiting.Length];
        for (int i = 0; i < readers.Length; i++)
        {
            foreach (int reader in waiting[i] > 0 ? readers[i] ?? [] : [])
            {
                source[reader] = i;
            }
        }
        var seen = new HashSet<int>();
        int node = Array.FindIndex(waiting, w => w > 0);
        while (seen.Add(node))
        {
            node = source[node];
        }
        return node;
    }
}
