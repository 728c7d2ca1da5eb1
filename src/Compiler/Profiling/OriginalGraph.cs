using Lorq.Models;
using Lorq.Onnx;
using Lorq.Sites;

namespace Lorq.Profiling;

/// <summary>
/// The main graph of the original model, to say of a node of any graph made from it (compressed, optimized, or both) which
/// original nodes it stands for. Tensors that runs compute keep their names in both: they are the landmarks.
/// </summary>
internal sealed class OriginalGraph
{
    private readonly GraphScope scope;
    private readonly Dictionary<string, int> producers = new(StringComparer.Ordinal);
    private readonly Dictionary<NodeProto, int> positions = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> inputs;

    /// <summary>Reads a model's graph.</summary>
    public OriginalGraph(OnnxModel model)
    {
        scope = model.Scopes[0];
        inputs = [.. scope.GivenInputs];
        for (int i = 0; i < scope.Nodes.Count; i++)
        {
            positions.Add(scope.Nodes[i], i);
            foreach (string output in scope.Nodes[i].Output.Where(o => o.Length > 0 && scope.Constant(o) is null))
            {
                producers[output] = i;
            }
        }
    }

    /// <summary>Number of nodes.</summary>
    public int Count => scope.Nodes.Count;

    /// <summary>True for a tensor that a run computes or is given.</summary>
    public bool IsActivation(string tensor) => producers.ContainsKey(tensor) || inputs.Contains(tensor);

    /// <summary>True for a stored tensor of this name.</summary>
    public bool IsStored(string tensor) => scope.Constant(tensor) is not null;

    /// <summary>The positions of the nodes that read a site's weight; those in subgraphs and functions have none.</summary>
    public IEnumerable<int> Readers(Site site) =>
        site.Uses.Select(u => positions.GetValueOrDefault(u.Use.Node, -1)).Where(position => position >= 0);

    /// <summary>The nodes that compute some tensors from those that exist elsewhere too.</summary>
    /// <param name="outputs">The tensors.</param>
    /// <param name="live">Tensors that other nodes compute, or the caller gives.</param>
    public IReadOnlyList<int> Between(IEnumerable<string> outputs, IReadOnlySet<string> live)
    {
        var found = new HashSet<int>();
        var open = new Stack<string>(outputs);
        while (open.TryPop(out string? tensor))
        {
            if (producers.TryGetValue(tensor, out int node) && found.Add(node))
            {
                foreach (string input in scope.Nodes[node].Input.Where(i => !live.Contains(i)))
                {
                    open.Push(input);
                }
            }
        }
        return [.. found];
    }
}
