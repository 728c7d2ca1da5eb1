using Lorq.Onnx;
using Lorq.Rewriting.Fused;
using Lorq.Sites;

namespace Lorq.Rewriting;

/// <summary>What an emission does to one site: chains beside the stored tensor, and new nodes in place of those that read it.</summary>
/// <param name="Site">The site, of the unchanged model.</param>
/// <param name="Chain">Payloads and decoding chains; they go to the head of the scope that stores the weight.</param>
internal sealed record SiteEdit(Site Site, ChainBuilder Chain)
{
    /// <summary>Per rewritten reader the nodes that take its place.</summary>
    public List<(SiteUse Use, IReadOnlyList<NodeProto> Nodes)> Replacements { get; } = [];

    /// <summary>Nodes between chain and readers that stay visible as they are, whatever becomes of the chain.</summary>
    public List<NodeProto> Visible { get; } = [];

    /// <summary>The operators of <c>ai.lorq</c> among the new readers.</summary>
    public HashSet<OperatorVariant> Variants { get; } = [];

    /// <summary>All nodes that read what the chain defines.</summary>
    public IEnumerable<NodeProto> Readers => Visible.Concat(Replacements.SelectMany(r => r.Nodes));

    /// <summary>
    /// True when the chain defines the stored tensor anew under its own name: readers stay as they are and only the stored tensor
    /// goes.
    /// </summary>
    public bool RedefinesOrigin { get; init; }

    /// <summary>Serialized bytes of the new readers less those of the old ones.</summary>
    public long ReaderBytesDelta =>
        Readers.Sum(n => WireSize.Field(n.CalculateSize())) - Replacements.Sum(r => WireSize.Field(r.Use.Use.Node.CalculateSize()));

    /// <summary>Replaces a reader; the last node keeps the reader's name and doc string.</summary>
    public void Replace(SiteUse use, params NodeProto[] nodes)
    {
        NodeProto reader = use.Use.Node;
        if (reader.HasName)
        {
            nodes[^1].Name = reader.Name;
        }
        if (reader.HasDocString)
        {
            nodes[^1].DocString = reader.DocString;
        }
        Replacements.Add((use, nodes));
    }

    /// <summary>Lets a reader read another tensor instead of the weight.</summary>
    public void Reread(SiteUse use, string tensor)
    {
        NodeProto node = use.Use.Node.Clone();
        node.Input[use.Use.Index] = tensor;
        Replacements.Add((use, [node]));
    }
}
