using Lorq.Decomposition;
using Lorq.Onnx;
using Lorq.Quantization;
using Lorq.Rewriting.Encodings;
using Lorq.Rewriting.Fused;
using Lorq.Sites;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting;

/// <summary>
/// <c>fused</c>: the operators of <c>ai.lorq</c> (docs/operators), one node per product or lookup, low-rank pair and bias included, with function bodies
/// of standard operators for runtimes that have no implementation of them.
/// </summary>
/// <remarks>
/// <para>Every width, codebooks and 8-bit factors are stored as the operators read them; nothing is decoded at load but what no operator reads
/// (convolutions, experts, a weight on the left), which is done as in <see cref="OrtEmission"/>.</para>
/// <para>A pair without codes runs as standard products (<see cref="LowRankBranch"/>). Sites that share a left factor store it once; each
/// node projects by itself.</para>
/// <para>The rows of a table may lie on several grids, run by run; one node looks them all up.</para>
/// <para>Models that already have functions of the domain, or whose format version cannot be raised to the one with overloads, get decoded weights only.</para>
/// </remarks>
public sealed class FusedEmission : GraphEmission
{
    /// <inheritdoc />
    public override string Name => "fused";

    /// <inheritdoc />
    public override string Summary => "one ai.lorq node per product or lookup, with a body of standard operators for other runtimes";

    /// <inheritdoc />
    /// <remarks>A product reads one grid, so a table that is an output projection too stays whole.</remarks>
    public override bool SupportsSegments(Site site) => base.SupportsSegments(site) && IsLookup(site);

    private protected override long WantedOpset => BitPlanes.RequiredOpset;

    private protected override bool WritesFunctions => true;

    private protected override bool WritesOperators => true;

    private protected override bool Supports(EmissionContext context, Site site, QuantizationGrid grid)
    {
        long opset = context.OpsetOf(site.Weight.OriginScope);
        return opset >= BitPlanes.RequiredOpset || (grid.Kind == GridKind.Integer && LowOpset.Supports(opset, site, grid, nodeForm: false));
    }

    private protected override bool ReadsCodes(Site site, IReadOnlyList<QuantizationGrid> grids, long opset) =>
        (grids.Count == 1 || (IsLookup(site) && grids.All(g => g.Scale == grids[0].Scale)))
        && opset >= BitPlanes.RequiredOpset
        && site.Groups == 1
        && site.Weight.ElementType is DataType.Float or DataType.Float16
        && grids.All(PackedCodes.IsLegalBlock)
        && site.Uses.All(IsOperator)
        && OperatorFunctions.Allows(site.Weight.OriginScope.Model);

    private protected override void EmitCodes(SiteEdit edit, PlannedWeight weight, SharedProjection? projection)
    {
        Site site = edit.Site;
        var tensors = new OperatorTensors(edit.Chain, weight, projection);
        foreach (SiteUse use in site.Uses)
        {
            NodeProto reader = use.Use.Node;
            edit.Replace(
                use,
                use.Kind switch
                {
                    SiteKind.Gather => [Node(use, reader.Input[1], reader.Output[0], null)],
                    SiteKind.MatMul => [Node(use, reader.Input[0], reader.Output[0], null)],
                    _ => [.. Gemms.Around(edit.Chain, use, site.N, takesBias: true, (x, y, bias) => Node(use, x, y, bias))],
                }
            );
        }

        NodeProto Node(SiteUse use, string input, string output, string? bias)
        {
            FactorType? pair = weight.Factors?.Shape.Type;
            OperatorVariant variant = weight.Segments is [var segment]
                ? OperatorVariant.Of(site, use.Kind, segment, pair, bias is not null, edit.Chain.Opset)
                : OperatorVariant.OfTable(site, weight.Segments, pair, edit.Chain.Opset);
            edit.Variants.Add(variant);
            return tensors.Node(variant, input, output, bias);
        }
    }

    private static bool IsLookup(Site site) => site.Uses.All(u => u.Kind == SiteKind.Gather);

    private static bool IsOperator(SiteUse use) =>
        use.Kind switch
        {
            SiteKind.Gather => use.Use.Index == 0
                && Attributes.GetInt(use.Use.Node, "axis", 0) is 0 or -2
                && use.Layout == WeightLayout.NByK,
            SiteKind.MatMul or SiteKind.Gemm => !use.WeightOnLeft && use.Use.Index == 1,
            _ => false,
        };
}
