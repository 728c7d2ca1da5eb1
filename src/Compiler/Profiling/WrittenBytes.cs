using Lorq.Models;
using Lorq.Onnx;
using Lorq.Sites;

namespace Lorq.Profiling;

/// <summary>What the weights of the original take in a model made from it; a tensor that several sites share counts for the first.</summary>
/// <param name="original">The original's graph.</param>
/// <param name="written">The other model.</param>
internal sealed class WrittenBytes(OriginalGraph original, OnnxModel written)
{
    private readonly GraphScope scope = written.Scopes[0];
    private readonly Dictionary<string, TensorProto> stored = written
        .Scopes[0]
        .Graph!.Initializer.GroupBy(t => t.Name)
        .ToDictionary(g => g.Key, g => g.First(), StringComparer.Ordinal);
    private readonly HashSet<string> counted = new(StringComparer.Ordinal);

    /// <summary>Bytes of the tensors from which a site's readers compute; null when the model has no such readers.</summary>
    public long? Of(Site site)
    {
        var open = new Stack<string>();
        long bytes = 0;
        foreach (SiteUse use in site.Uses)
        {
            string output = use.Use.Node.Output[0];
            if (scope.Producer(output) is { } reader)
            {
                Push(open, reader);
            }
        }
        if (open.Count == 0)
        {
            return null;
        }
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (open.TryPop(out string? tensor))
        {
            if (!seen.Add(tensor) || original.IsActivation(tensor))
            {
                continue;
            }
            if (scope.Producer(tensor) is { } node)
            {
                Push(open, node);
            }
            else if (
                stored.TryGetValue(tensor, out TensorProto? payload)
                && (tensor == site.Weight.OriginName || !original.IsStored(tensor))
                && counted.Add(tensor)
            )
            {
                long count = payload.Dims.Aggregate(1L, (product, length) => product * length);
                bytes += (count * (TensorLayout.Bits(TensorLayout.ElementType(payload)) ?? 0) + 7) / 8;
            }
        }
        return bytes;
    }

    private static void Push(Stack<string> open, NodeProto node)
    {
        foreach (string input in node.Input.Where(i => i.Length > 0))
        {
            open.Push(input);
        }
    }
}
