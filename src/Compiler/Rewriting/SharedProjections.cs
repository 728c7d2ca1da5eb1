using Lorq.Decomposition;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Sites;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting;

/// <summary>One down-projection <c>x·A</c> for several sites that read the same input.</summary>
/// <param name="tensor">Name of the result.</param>
/// <param name="first">The reader that stands first in the graph: it computes the result, and its site stores A.</param>
internal sealed class SharedProjection(string tensor, NodeUse first)
{
    /// <summary>Name of the result.</summary>
    public string Tensor { get; } = tensor;

    /// <summary>Values and scales (empty for none) of the left factor, once a site has stored it for operators that project by themselves.</summary>
    public (string Values, string Scales)? StoredLeft { get; set; }

    /// <summary>True for the reader that computes the result.</summary>
    public bool IsComputedBy(SiteUse use) => ReferenceEquals(use.Use.Node, first.Node);
}

/// <summary>The groups of sites in a plan whose pairs say that they share their left factor (<see cref="FactorShape.SharedBy"/>).</summary>
internal sealed class SharedProjections
{
    private readonly Dictionary<Site, SharedProjection> bySite = new(ReferenceEqualityComparer.Instance);

    private SharedProjections() { }

    /// <summary>No groups: every site computes its own.</summary>
    public static SharedProjections None { get; } = new();

    /// <summary>Finds the groups of two and more among sites whose pair runs as a branch.</summary>
    /// <param name="branches">The sites.</param>
    /// <param name="nextName">Gives a new tensor name.</param>
    /// <param name="alonePairsApart">True when pairs without codes share among themselves only: their products are nodes, those beside codes are not.</param>
    /// <exception cref="ArgumentException">Sites of a group have different left factors.</exception>
    public static SharedProjections Among(IEnumerable<PlannedWeight> branches, Func<string> nextName, bool alonePairsApart)
    {
        var groups = new Dictionary<Group, List<PlannedWeight>>();
        foreach (PlannedWeight weight in branches.Where(w => w.Factors?.Shape.SharedBy is not null && Applies(w.Site)))
        {
            var group = Group.Of(weight, alonePairsApart && weight.Encoding is Encoding.LowRank);
            if (!groups.TryGetValue(group, out List<PlannedWeight>? members))
            {
                members = [];
                groups.Add(group, members);
            }
            members.Add(weight);
        }
        var result = new SharedProjections();
        var positions = new Dictionary<NodeProto, int>(ReferenceEqualityComparer.Instance);
        foreach (List<PlannedWeight> members in groups.Values.Where(m => m.Count > 1))
        {
            RequireEqualLeft(members);
            GraphScope scope = members[0].Site.Uses[0].Use.Scope;
            for (int i = 0; positions.Count < scope.Nodes.Count && i < scope.Nodes.Count; i++)
            {
                positions.TryAdd(scope.Nodes[i], i);
            }
            NodeUse first = members.SelectMany(m => m.Site.Uses).Select(u => u.Use).MinBy(u => positions[u.Node])!;
            var projection = new SharedProjection(nextName(), first);
            members.ForEach(m => result.bySite.Add(m.Site, projection));
        }
        return result;
    }

    /// <summary>True when the site multiplies one input from the right, untransposed, wherever it is read: then <c>x·A</c> may be another site's as well.</summary>
    public static bool Applies(Site site) =>
        site.Groups == 1
        && site.Uses.All(u =>
            ReferenceEquals(u.Use.Scope, site.Uses[0].Use.Scope)
            && u.InputTensor == site.Uses[0].InputTensor
            && !u.WeightOnLeft
            && u.Use.Index == 1
            && (u.Kind == SiteKind.MatMul || (u.Kind == SiteKind.Gemm && Attributes.GetInt(u.Use.Node, "transA", 0) == 0))
        );

    /// <summary>The projection that a site shares, or null.</summary>
    public SharedProjection? Of(Site site) => bySite.GetValueOrDefault(site);

    private static void RequireEqualLeft(List<PlannedWeight> members)
    {
        if (members[0].Factors!.Pair is not { } first)
        {
            return;
        }
        foreach (PlannedWeight member in members.Skip(1))
        {
            if (!member.Factors!.Values.Left.Values.AsSpan().SequenceEqual(first.Left.Values))
            {
                throw new ArgumentException(
                    $"'{members[0].Site.Name}' and '{member.Site.Name}' share a left factor, but theirs are different."
                );
            }
        }
    }

    private sealed record Group(string Key, string Input, FactorShape Shape, int K, DataType Type, GraphScope Scope, bool Apart)
    {
        public static Group Of(PlannedWeight weight, bool apart)
        {
            Site site = weight.Site;
            FactorShape shape = weight.Factors!.Shape;
            SiteUse use = site.Uses[0];
            return new(shape.SharedBy!, use.InputTensor, shape, site.K, site.Weight.ElementType, use.Use.Scope, apart);
        }
    }
}
