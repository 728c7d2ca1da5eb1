using System.Runtime.CompilerServices;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Rewriting.Encodings;
using Lorq.Rewriting.Fused;
using Lorq.Rewriting.Opsets;
using Lorq.Sites;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting;

/// <summary>
/// What all emissions share: measuring and writing run the same planning code, once without and once with values, so that the
/// announced bytes are the written ones.
/// </summary>
public abstract class GraphEmission : IEmission
{
    // Operators broadcast as they do today from here on.
    private const int BroadcastOpset = 7;

    // Derived from the model alone; kept because every site of a model asks for it.
    private readonly ConditionalWeakTable<OnnxModel, EmissionContext> contexts = [];

    /// <inheritdoc />
    public abstract string Name { get; }

    /// <inheritdoc />
    public abstract string Summary { get; }

    /// <inheritdoc />
    public string? Limitation(OnnxModel model) => Context(model).Refusal;

    /// <inheritdoc />
    public bool Supports(OnnxModel model, Site site, QuantizationGrid grid) => Supports(Context(model), site, grid);

    /// <inheritdoc />
    public bool SupportsFactors(OnnxModel model, Site site, QuantizationGrid? grid)
    {
        EmissionContext context = Context(model);
        return context.OpsetOf(site.Weight.OriginScope) >= BroadcastOpset
            && (grid is null ? site.Uses.All(u => LowRankBranch.Runs(site, u)) : Supports(context, site, grid));
    }

    /// <inheritdoc />
    public bool SupportsSharedLeft(OnnxModel model, Site site, QuantizationGrid? grid) =>
        SupportsFactors(model, site, grid)
        && SharedProjections.Applies(site)
        && (grid is null || ReadsCodes(site, [grid], Context(model).OpsetOf(site.Weight.OriginScope)));

    /// <inheritdoc />
    public bool RoundsActivations(OnnxModel model, Site site, QuantizationGrid grid) =>
        WritesOperators
        && grid.Kind == GridKind.Integer
        && site.Uses.Any(u => u.Kind != SiteKind.Gather)
        && ReadsCodes(site, [grid], Context(model).OpsetOf(site.Weight.OriginScope));

    /// <inheritdoc />
    public virtual bool SupportsSegments(Site site) => site is { Kind: SiteKind.Gather, Groups: 1 };

    /// <inheritdoc />
    public long BytesDelta(OnnxModel model, Site site, WeightShape shape)
    {
        EmissionContext context = Context(model);
        var shared = new SharedConstants(context.Placeholder);
        var planned = PlannedWeight.Measured(site, shape);
        SiteEdit? edit = Edit(context, planned, context.Placeholder, shared, SharedProjections.None);
        return edit is null ? 0 : EditBytes(model, edit) + shared.Tensors.Where(IsPerSite).Sum(t => t.SerializedBytes(InFunction(site)));
    }

    /// <inheritdoc />
    public long FixedBytes(OnnxModel model) =>
        Context(model).ConversionBytes
        + ImportBytes(model)
        + ChainConstants.UpperBound(Context(model).NameLength)
        + (WritesOperators ? OperatorFunctions.FixedBytes : 0);

    /// <inheritdoc />
    public long PlanBytesDelta(OnnxModel model, IReadOnlyList<(Site Site, WeightShape Shape)> plan)
    {
        EmissionContext context = Context(model);
        EditedModel edited = Planned(context, new NameSource(model), [.. plan.Select(p => PlannedWeight.Measured(p.Site, p.Shape))]);
        if (edited.Edits.Count == 0)
        {
            return 0;
        }
        return edited.SerializedBytes
            - edited.Edits.Sum(e => DeadDefinitions.After(e).SerializedBytes(model))
            + context.ConversionBytes
            + (edited.Edits.Any(UsesRuntimeDomain) ? ImportBytes(model) : 0);
    }

    /// <inheritdoc />
    public OnnxModel Rewrite(OnnxModel model, IReadOnlyList<CompressedWeight> weights, CancellationToken cancellationToken)
    {
        EmissionContext context = Context(model);
        OnnxModel result = model.Clone();
        var names = new NameSource(model);
        EditedModel edited = Planned(context, names, [.. weights.Select(PlannedWeight.Of)]);
        if (edited.Edits.Count == 0)
        {
            return result;
        }
        var rewriter = new GraphRewriter(model, result);
        if (context.Opset != model.Opset())
        {
            OpsetConverter.RaiseInPlace(result, context.Opset, names);
        }
        rewriter.Apply(edited, cancellationToken);
        return result;
    }

    /// <summary>The opset that the emission wants at least; models below are raised where every node can be converted.</summary>
    private protected abstract long WantedOpset { get; }

    /// <summary>True when repeated chains may become model-local functions.</summary>
    private protected abstract bool WritesFunctions { get; }

    /// <summary>True when quantized readers become operators of <c>ai.lorq</c>, which compute with the pair themselves.</summary>
    private protected virtual bool WritesOperators => false;

    /// <summary>True when the site can be stored on this grid.</summary>
    private protected abstract bool Supports(EmissionContext context, Site site, QuantizationGrid grid);

    /// <summary>True when the site's readers become nodes that multiply by codes on these grids; otherwise the weight is decoded at load.</summary>
    private protected abstract bool ReadsCodes(Site site, IReadOnlyList<QuantizationGrid> grids, long opset);

    /// <summary>Adds chains and replacements for a weight whose readers become nodes that multiply by codes.</summary>
    /// <param name="edit">The site's edit.</param>
    /// <param name="weight">The codes, and the low-rank pair that is added to them where there is one.</param>
    /// <param name="projection">The down-projection that the site shares with others; null for one of its own.</param>
    private protected abstract void EmitCodes(SiteEdit edit, PlannedWeight weight, SharedProjection? projection);

    private EmissionContext Context(OnnxModel model) =>
        contexts.GetValue(
            model,
            m =>
            {
                long opset = m.Opset();
                bool functions = WritesFunctions && m.Proto.IrVersion >= ChainOutliner.RequiredFormat;
                if (opset >= WantedOpset)
                {
                    return new EmissionContext(m, opset, 0, null, functions);
                }
                using OnnxModel? raised = OpsetConverter.Raise(m, WantedOpset, out string? refusal);
                return raised is null
                    ? new EmissionContext(m, opset, 0, refusal, functions)
                    : new EmissionContext(
                        m,
                        WantedOpset,
                        raised.MeasureBytes() - m.MeasureBytes(),
                        null,
                        WritesFunctions && raised.Proto.IrVersion >= ChainOutliner.RequiredFormat
                    );
            }
        );

    private EditedModel Planned(EmissionContext context, NameSource names, IReadOnlyList<PlannedWeight> weights)
    {
        var shared = new Dictionary<GraphScope, SharedConstants>();
        var edits = new List<SiteEdit>();
        var projections = SharedProjections.Among(
            weights.Where(w => RunsAsBranch(context, w)),
            names.Next,
            alonePairsApart: WritesOperators
        );
        foreach (PlannedWeight weight in weights)
        {
            GraphScope scope = weight.Site.Weight.OriginScope;
            if (!shared.TryGetValue(scope, out SharedConstants? constants))
            {
                constants = new SharedConstants(names.Next);
                shared.Add(scope, constants);
            }
            if (Edit(context, weight, names.Next, constants, projections) is { } edit)
            {
                edits.Add(edit);
            }
        }
        ChainOutliner functions = context.Functions ? ChainOutliner.Outline(context.Model, edits, shared) : ChainOutliner.None;
        return new EditedModel(edits, shared, functions, OperatorFunctions.For(edits.SelectMany(e => e.Variants)));
    }

    // Otherwise A·C is added to the decoded weight at load.
    private bool RunsAsBranch(EmissionContext context, PlannedWeight weight) =>
        weight.Factors is not null
        && (
            weight.Encoding is Encoding.LowRank
            || ReadsCodes(weight.Site, [.. weight.Segments.Select(s => s.Grid)], context.OpsetOf(weight.Site.Weight.OriginScope))
        );

    private SiteEdit? Edit(
        EmissionContext context,
        PlannedWeight weight,
        Func<string> names,
        SharedConstants shared,
        SharedProjections projections
    )
    {
        Site site = weight.Site;
        var chain = new ChainBuilder(names, shared, context.OpsetOf(site.Weight.OriginScope));
        var edit = new SiteEdit(site, chain);
        switch (weight.Encoding)
        {
            case Encoding.Half when HalfPrecision.Applies(site):
                HalfPrecision.Emit(chain, site.Weight);
                return new SiteEdit(site, chain) { RedefinesOrigin = true };
            case Encoding.LowRank:
                LowRankBranch alone =
                    LowRankBranch.Of(edit, weight.Factors, projections.Of(site))
                    ?? throw new ArgumentException($"'{site.Name}' is to be stored as a low-rank pair, and there is none.");
                foreach (SiteUse use in site.Uses)
                {
                    edit.Replace(use, alone.Instead(use));
                }
                return edit;
            case Encoding.Quantized when ReadsCodes(site, [.. weight.Segments.Select(s => s.Grid)], chain.Opset):
                EmitCodes(edit, weight, projections.Of(site));
                return edit;
            case Encoding.Quantized:
                DecodedWeight.Emit(edit, weight.Segments, weight.Factors);
                return edit;
            default:
                return null;
        }
    }

    private static long EditBytes(OnnxModel model, SiteEdit edit) =>
        edit.Chain.Nodes.Sum(n => WireSize.Field(n.CalculateSize()))
        + edit.Chain.Tensors.Sum(t => t.SerializedBytes(InFunction(edit.Site)))
        + edit.ReaderBytesDelta
        + edit.Variants.Sum(OperatorFunctions.BodyBytes)
        - DeadDefinitions.After(edit).SerializedBytes(model);

    internal static bool UsesRuntimeDomain(SiteEdit edit) => edit.Replacements.Any(r => r.Nodes.Any(n => n.Domain == Kernels.Domain));

    private static bool InFunction(Site site) => site.Weight.OriginScope.Function is not null;

    // Shapes, indices and codebooks differ from site to site; masks, shifts and factors are the same handful for all.
    private static bool IsPerSite(StoredTensor tensor) =>
        (DataType)tensor.Header.DataType is DataType.Int64 or DataType.Int32
        || ((DataType)tensor.Header.DataType == DataType.Float && tensor.Header.Dims.Count > 0);

    private static long ImportBytes(OnnxModel model) =>
        model.Opset(Kernels.Domain) > 0 ? 0 : WireSize.Field(GraphRewriter.RuntimeImport.CalculateSize());
}
