using System.Runtime.CompilerServices;
using Lorq.Models;
using Lorq.Onnx;
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
    public bool Supports(OnnxModel model, Site site, QuantizationGrid grid) => Supports(Context(model), site, grid);

    /// <inheritdoc />
    public bool SupportsSegments(Site site) => site is { Kind: SiteKind.Gather, Groups: 1 };

    /// <inheritdoc />
    public long BytesDelta(OnnxModel model, Site site, WeightShape shape)
    {
        var shared = new SharedConstants(Placeholder(model));
        SiteEdit? edit = Measured(Context(model), site, shape, shared);
        return edit is null ? 0 : EditBytes(model, edit) + shared.Tensors.Where(IsPerSite).Sum(t => t.SerializedBytes(InFunction(site)));
    }

    /// <inheritdoc />
    public long FixedBytes(OnnxModel model) =>
        Context(model).ConversionBytes + ImportBytes(model) + ChainConstants.UpperBound(NameSource.LengthFor(model));

    /// <inheritdoc />
    public long PlanBytesDelta(OnnxModel model, IReadOnlyList<(Site Site, WeightShape Shape)> plan)
    {
        EmissionContext context = Context(model);
        var shared = new Dictionary<GraphScope, SharedConstants>();
        long bytes = 0;
        bool any = false;
        bool imports = false;
        foreach ((Site site, WeightShape shape) in plan)
        {
            SiteEdit? edit = Measured(context, site, shape, Shared(shared, site, Placeholder(model)));
            if (edit is not null)
            {
                any = true;
                bytes += EditBytes(model, edit);
                imports |= UsesRuntimeDomain(edit);
            }
        }
        bytes += shared.Sum(s => s.Value.Tensors.Sum(t => t.SerializedBytes(s.Key.Function is not null)));
        return bytes + (any ? context.ConversionBytes : 0) + (imports ? ImportBytes(model) : 0);
    }

    /// <inheritdoc />
    public OnnxModel Rewrite(OnnxModel model, IReadOnlyList<CompressedWeight> weights, CancellationToken cancellationToken)
    {
        EmissionContext context = Context(model);
        OnnxModel result = model.Clone();
        var names = new NameSource(model);
        var shared = new Dictionary<GraphScope, SharedConstants>();
        var edits = new List<SiteEdit>();
        foreach (CompressedWeight weight in weights)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var segments = weight.Segments.Select(m => new WeightSegment(m.Grid, m.K, m.N, m)).ToList();
            if (Edit(context, weight.Site, weight.Encoding, segments, names.Next, Shared(shared, weight.Site, names.Next)) is { } edit)
            {
                edits.Add(edit);
            }
        }
        if (edits.Count > 0)
        {
            var rewriter = new GraphRewriter(model, result);
            if (context.Opset != model.Opset())
            {
                OpsetConverter.RaiseInPlace(result, context.Opset, names);
            }
            rewriter.Apply(edits, shared, cancellationToken);
        }
        return result;
    }

    /// <summary>The opset that the emission wants at least; models below are raised where every node can be converted.</summary>
    private protected abstract long WantedOpset { get; }

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
                if (opset >= WantedOpset)
                {
                    return new EmissionContext(m, opset, 0, null);
                }
                using OnnxModel? raised = OpsetConverter.Raise(m, WantedOpset, out string? refusal);
                return raised is null
                    ? new EmissionContext(m, opset, 0, refusal)
                    : new EmissionContext(m, WantedOpset, raised.MeasureBytes() - m.MeasureBytes(), null);
            }
        );

    private SiteEdit? Measured(EmissionContext context, Site site, WeightShape shape, SharedConstants shared)
    {
        var segments = shape.Segments.Select(s => new WeightSegment(s.Grid, site.K, s.Columns, null)).ToList();
        return Edit(context, site, shape.Encoding, segments, Placeholder(context.Model), shared);
    }

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

    private static long EditBytes(OnnxModel model, SiteEdit edit)
    {
        long bytes = edit.Chain.Nodes.Sum(n => WireSize.Field(n.CalculateSize()));
        bytes += edit.Chain.Tensors.Sum(t => t.SerializedBytes(InFunction(edit.Site)));
        foreach ((SiteUse use, IReadOnlyList<NodeProto> nodes) in edit.Replacements)
        {
            bytes += nodes.Sum(n => WireSize.Field(n.CalculateSize())) - WireSize.Field(use.Use.Node.CalculateSize());
        }
        return bytes - DeadDefinitions.After(edit).SerializedBytes(model);
    }

    private static SharedConstants Shared(Dictionary<GraphScope, SharedConstants> all, Site site, Func<string> names)
    {
        if (!all.TryGetValue(site.Weight.OriginScope, out SharedConstants? shared))
        {
            shared = new SharedConstants(names);
            all.Add(site.Weight.OriginScope, shared);
        }
        return shared;
    }

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
