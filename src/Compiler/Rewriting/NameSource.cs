using Lorq.Models;
using Lorq.Onnx;

namespace Lorq.Rewriting;

/// <summary>Short tensor names that no scope of the model uses, in a fixed order. All have the same length as long as they last.</summary>
internal sealed class NameSource
{
    private const string First = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    private const string Later = First + "0123456789_";

    // A weight takes fewer names than this with any encoding of one or two segments and a low-rank pair.
    private const int NamesPerWeight = 32;

    private readonly HashSet<string> taken = [];
    private int length;
    private long next;

    /// <summary>Collects the names in use.</summary>
    public NameSource(OnnxModel model)
    {
        foreach (GraphScope scope in model.Scopes)
        {
            if (scope.Graph is { } graph)
            {
                taken.UnionWith(graph.Input.Select(v => v.Name));
                taken.UnionWith(graph.Initializer.Select(t => t.Name));
                taken.UnionWith(graph.SparseInitializer.Select(t => t.Values?.Name ?? ""));
            }
            taken.UnionWith(scope.Function?.Input ?? Enumerable.Empty<string>());
            foreach (NodeProto node in scope.Nodes)
            {
                taken.UnionWith(node.Input);
                taken.UnionWith(node.Output);
            }
        }
        length = LengthFor(model);
    }

    /// <summary>Characters of the names for this model: 2, or 3 where many weights need many names.</summary>
    public static int LengthFor(OnnxModel model)
    {
        long readers = model.Scopes.Sum(s => (long)s.Nodes.Count(n => n.OpType is "MatMul" or "Gemm" or "Conv" or "Gather"));
        return readers * NamesPerWeight < First.Length * Later.Length ? 2 : 3;
    }

    /// <summary>A new name.</summary>
    public string Next()
    {
        while (true)
        {
            string? name = Spell(next++);
            if (name is null)
            {
                length++;
                next = 0;
            }
            else if (taken.Add(name))
            {
                return name;
            }
        }
    }

    private string? Spell(long index)
    {
        Span<char> name = stackalloc char[length];
        for (int i = length - 1; i > 0; i--)
        {
            name[i] = Later[(int)(index % Later.Length)];
            index /= Later.Length;
        }
        if (index >= First.Length)
        {
            return null;
        }
        name[0] = First[(int)index];
        return new string(name);
    }
}
