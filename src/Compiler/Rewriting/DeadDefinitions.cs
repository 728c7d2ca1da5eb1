using Lorq.Models;
using Lorq.Onnx;
using Lorq.Sites;

namespace Lorq.Rewriting;

/// <summary>
/// What nothing reads any more once a site's readers are rewritten: the constant operators between the stored tensor and the
/// readers, and the stored tensor itself. Whatever another node, a nested graph or a graph output still reads stays.
/// </summary>
internal sealed class DeadDefinitions
{
    private readonly HashSet<NodeProto> nodes = new(ReferenceEqualityComparer.Instance);

    private DeadDefinitions() { }

    /// <summary>Dead nodes with their scopes; the Constant node of the stored tensor included.</summary>
    public List<(GraphScope Scope, NodeProto Node)> Nodes { get; } = [];

    /// <summary>The dead initializer, or null.</summary>
    public (GraphScope Scope, TensorProto Tensor)? Initializer { get; private set; }

    /// <summary>True when the stored tensor goes.</summary>
    public bool OriginIsDead { get; private set; }

    /// <summary>Finds what dies with the readers that an edit replaces.</summary>
    public static DeadDefinitions After(SiteEdit edit)
    {
        var dead = new DeadDefinitions();
        ConstantTensor weight = edit.Site.Weight;
        if (edit.RedefinesOrigin)
        {
            dead.RemoveOrigin(weight);
            return dead;
        }
        var replaced = edit.Replacements.Select(r => (r.Use.Use.Node, r.Use.Use.Index)).ToHashSet(ReadComparer.Instance);
        var chains = new List<(GraphScope Scope, NodeProto Node)>();
        foreach (SiteUse use in edit.Site.Uses)
        {
            ConstantTensor? constant = use.Use.Scope.Constant(use.Use.Node.Input[use.Use.Index]);
            foreach (NodeProto node in constant?.Chain.Reverse() ?? [])
            {
                if (!chains.Any(c => ReferenceEquals(c.Node, node)) && Owner(use.Use.Scope, node) is { } owner)
                {
                    chains.Add((owner, node));
                }
            }
        }
        bool changed = true;
        while (changed)
        {
            changed = false;
            foreach ((GraphScope scope, NodeProto node) in chains)
            {
                if (!dead.nodes.Contains(node) && node.Output.All(o => dead.IsUnread(scope, o, replaced)))
                {
                    dead.nodes.Add(node);
                    dead.Nodes.Add((scope, node));
                    changed = true;
                }
            }
        }
        if (!weight.IsOverridable && dead.IsUnread(weight.OriginScope, weight.OriginName, replaced))
        {
            dead.RemoveOrigin(weight);
        }
        return dead;
    }

    /// <summary>True when only this site's readers (through their constant chains) read the stored tensor.</summary>
    public static bool OwnsOrigin(Site site)
    {
        var all = new SiteEdit(site, new ChainBuilder(() => "", new SharedConstants(() => ""), 0));
        foreach (SiteUse use in site.Uses)
        {
            all.Replacements.Add((use, []));
        }
        return After(all).OriginIsDead;
    }

    /// <summary>Serialized bytes that go.</summary>
    public long SerializedBytes(OnnxModel model)
    {
        long bytes = Initializer is { } i ? WireSize.Field(OriginalSize.Of(model, i.Tensor)) + ValueInfoBytes(i.Scope, i.Tensor.Name) : 0;
        foreach ((GraphScope scope, NodeProto node) in Nodes)
        {
            bytes += WireSize.Field(OriginalSize.Of(model, node)) + node.Output.Sum(o => ValueInfoBytes(scope, o));
        }
        return bytes;
    }

    private static long ValueInfoBytes(GraphScope scope, string tensor) =>
        scope.Graph?.ValueInfo.Where(v => v.Name == tensor).Sum(v => WireSize.Field(v.CalculateSize())) ?? 0;

    private void RemoveOrigin(ConstantTensor weight)
    {
        OriginIsDead = true;
        if (weight.ConstantNode is { } node)
        {
            Nodes.Add((weight.OriginScope, node));
        }
        else
        {
            Initializer = (weight.OriginScope, weight.Origin);
        }
    }

    private bool IsUnread(GraphScope scope, string tensor, HashSet<(NodeProto, int)> replaced) =>
        !scope.IsOutput(tensor) && scope.Consumers(tensor).All(u => nodes.Contains(u.Node) || replaced.Contains((u.Node, u.Index)));

    private static GraphScope? Owner(GraphScope? scope, NodeProto node)
    {
        while (scope is not null && !ReferenceEquals(scope.Producer(node.Output[0]), node))
        {
            scope = scope.Parent;
        }
        return scope;
    }

    private sealed class ReadComparer : IEqualityComparer<(NodeProto Node, int Index)>
    {
        public static ReadComparer Instance { get; } = new();

        public bool Equals((NodeProto Node, int Index) x, (NodeProto Node, int Index) y) =>
            ReferenceEquals(x.Node, y.Node) && x.Index == y.Index;

        public int GetHashCode((NodeProto Node, int Index) read) =>
            HashCode.Combine(System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(read.Node), read.Index);
    }
}
