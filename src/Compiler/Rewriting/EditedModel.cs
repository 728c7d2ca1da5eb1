using Lorq.Models;
using Lorq.Onnx;
using Lorq.Rewriting.Fused;

namespace Lorq.Rewriting;

/// <summary>All edits of a plan, with what they share.</summary>
/// <param name="Edits">One per rewritten site, in order.</param>
/// <param name="Shared">Shared constants per scope (of the unchanged model).</param>
/// <param name="Functions">Chains that were outlined.</param>
/// <param name="Operators">Bodies of the operators of <c>ai.lorq</c> that are used.</param>
internal sealed record EditedModel(
    IReadOnlyList<SiteEdit> Edits,
    IReadOnlyDictionary<GraphScope, SharedConstants> Shared,
    ChainOutliner Functions,
    OperatorFunctions Operators
)
{
    /// <summary>Bytes that the edits add to the file, less the readers they replace.</summary>
    public long SerializedBytes =>
        Shared.Keys.Sum(scope => SharedIn(scope).Sum(t => t.SerializedBytes(scope.Function is not null)))
        + Edits.Sum(e =>
            Functions.Chain(e).Sum(n => WireSize.Field(n.CalculateSize()))
            + e.Chain.Tensors.Sum(t => t.SerializedBytes(e.Site.Weight.OriginScope.Function is not null))
            + e.ReaderBytesDelta
        )
        + Functions.SerializedBytes
        + Operators.SerializedBytes;

    /// <summary>The shared constants of a scope that nodes still read once chains have become functions.</summary>
    public IEnumerable<StoredTensor> SharedIn(GraphScope scope)
    {
        var read = new HashSet<string>();
        foreach (SiteEdit edit in Edits.Where(e => ReferenceEquals(e.Site.Weight.OriginScope, scope)))
        {
            foreach (NodeProto node in Functions.Chain(edit).Concat(edit.Readers))
            {
                read.UnionWith(node.Input);
            }
        }
        return Shared[scope].Tensors.Where(t => read.Contains(t.Header.Name));
    }
}
