using System.Runtime.CompilerServices;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Rewriting.Encodings;
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
    public bool SupportsFactors(OnnxModel model, Site site, QuantizationGrid? grid) => false;

    /// <inheritdoc />
    public bool SupportsSegments(Site site) => site is { Kind: SiteKind.Gather, Groups: 1 };

    /// <inheritdoc />
    public long BytesDelta(OnnxModel model, Site site, WeightShape shape)
    {
        var shared = new SharedConstants(Placeholder(model));
        SiteEdit? edit = Edit(Context(model), site, shape.Encoding, Measured(site, shape), Placeholder(model), shared);
        return edit is null ? 0 : EditBytes(model, edit) + shared.Tensors.Where(IsPerSite).Sum(t => t.SerializedBytes(InFunction(site)));
    }

    /// <inheritdoc />
    public long FixedBytes(OnnxModel model) =>
        Context(model).ConversionBytes + ImportBytes(model) + ChainConstants.UpperBound(NameSource.LengthFor(model));

    /// <inheritdoc />
    public long PlanBytesDelta(OnnxModel model, IReadOnlyList<(Site Site, WeightShape Shape)> plan)
    {
        EmissionContext context = Context(model);
        EditedModel edited = Planned(
            context,
            new NameSource(model),
            plan.Select(p => (p.Site, p.Shape.Encoding, Measured(p.Site, p.Shape)))
        );
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
        EditedModel edited = Planned(context, names, weights.Select(w => (w.Site, w.Encoding, WeightSegment.Of(w))));
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

    /// <summary>True when the site can be stored on this grid.</summary>
    private protected abstract bool Supports(EmissionContext context, Site site, QuantizationGrid grid);

    /// <summary>Adds chains and replacements for a quantized weight.</summary>
    private protected abstract void EmitQuantized(SiteEdit edit, IReadOnlyList<WeightSegment> segments);

    /// <summary>Decodes the weight to its element type at load and lets readers read that: works for every kind of reader.</summary>
    private protected static void EmitDecoded(SiteEdit edit, IReadOnlyList<WeightSegment> segments, IEnumerable<SiteUse> uses)
    {
        ChainBuilder chain = edit.Chain;
        Site site = edit.Site;
        var tensors = new Dictionary<(WeightLayout Layout, string Shape), string>();
        (string Tensor, WeightLayout Layout)? first = null;
        foreach (SiteUse use in uses)
        {
            ConstantTensor constant = ConstantOf(use);
            long[] dims = [.. constant.Shape];
            (WeightLayout, string) key = (use.Layout, string.Join(',', dims));
            if (!tensors.TryGetValue(key, out string? tensor))
            {
                tensor = first is { } stored
                    ? Relaid(chain, stored.Tensor, stored.Layout == use.Layout, dims)
                    : DecodedValues.Emit(
                        chain,
                        segments,
                        new StorageOrder(use.Layout == WeightLayout.NByK, site.Groups),
                        dims,
                        constant.ElementType
                    );
                first ??= (tensor, use.Layout);
                tensors.Add(key, tensor);
            }
            edit.Reread(use, tensor);
        }
    }

    /// <summary>The weight as a reader sees it.</summary>
    private protected static ConstantTensor ConstantOf(SiteUse use) =>
        use.Use.Scope.Constant(use.Use.Node.Input[use.Use.Index])
        ?? throw new InvalidOperationException($"The site's reader {use.Use.Node.Name} reads no constant.");

    private static string Relaid(ChainBuilder chain, string tensor, bool sameLayout, long[] dims) =>
        sameLayout ? chain.Reshape(tensor, dims)
        : dims.Length == 2 ? chain.Add("Transpose", [tensor], Attributes.Ints("perm", 1, 0))
        : chain.Reshape(chain.Add("Transpose", [tensor]), dims);

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

    private EditedModel Planned(
        EmissionContext context,
        NameSource names,
        IEnumerable<(Site Site, Encoding Encoding, IReadOnlyList<WeightSegment> Segments)> weights
    )
    {
        var shared = new Dictionary<GraphScope, SharedConstants>();
        var edits = new List<SiteEdit>();
        foreach ((Site site, Encoding encoding, IReadOnlyList<WeightSegment> segments) in weights)
        {
            GraphScope scope = site.Weight.OriginScope;
            if (!shared.TryGetValue(scope, out SharedConstants? constants))
            {
                constants = new SharedConstants(names.Next);
                shared.Add(scope, constants);
            }
            if (Edit(context, site, encoding, segments, names.Next, constants) is { } edit)
            {
                edits.Add(edit);
            }
        }
        ChainOutliner functions = context.Functions ? ChainOutliner.Outline(context.Model, edits, shared) : ChainOutliner.None;
        return new EditedModel(edits, shared, functions);
    }

    private static IReadOnlyList<WeightSegment> Measured(Site site, WeightShape shape) =>
        [.. shape.Segments.Select(s => new WeightSegment(s.Grid, site.K, s.Columns, null))];

    private SiteEdit? Edit(
        EmissionContext context,
        Site site,
        Encoding encoding,
        IReadOnlyList<WeightSegment> segments,
        Func<string> names,
        SharedConstants shared
    )
    {
        var chain = new ChainBuilder(names, shared, context.OpsetOf(site.Weight.OriginScope));
        switch (encoding)
        {
            case Encoding.Half when HalfPrecision.Applies(site):
                var half = new SiteEdit(site, chain) { RedefinesOrigin = true };
                HalfPrecision.Emit(chain, site.Weight);
                return half;
            case Encoding.Quantized:
                var edit = new SiteEdit(site, chain);
                EmitQuantized(edit, segments);
                return edit;
            default:
                return null;
        }
    }

    private static long EditBytes(OnnxModel model, SiteEdit edit) =>
        edit.Chain.Nodes.Sum(n => WireSize.Field(n.CalculateSize()))
        + edit.Chain.Tensors.Sum(t => t.SerializedBytes(InFunction(edit.Site)))
        + edit.ReaderBytesDelta
        - DeadDefinitions.After(edit).SerializedBytes(model);

    internal static bool UsesRuntimeDomain(SiteEdit edit) => edit.Replacements.Any(r => r.Nodes.Any(n => n.Domain == Kernels.Domain));

    private static bool InFunction(Site site) => site.Weight.OriginScope.Function is not null;

    // Shapes, indices and codebooks differ from site to site; masks, shifts and factors are the same handful for all.
    private static bool IsPerSite(StoredTensor tensor) =>
        (DataType)tensor.Header.DataType is DataType.Int64 or DataType.Int32
        || ((DataType)tensor.Header.DataType == DataType.Float && tensor.Header.Dims.Count > 0);

    private static long ImportBytes(OnnxModel model) =>
        model.Opset(Kernels.Domain) > 0 ? 0 : WireSize.Field(GraphRewriter.RuntimeImport.CalculateSize());

    private static Func<string> Placeholder(OnnxModel model)
    {
        string name = new('n', NameSource.LengthFor(model));
        return () => name;
    }
}
