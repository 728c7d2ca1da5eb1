using Lorq.Onnx;
using Lorq.Quantization;
using Lorq.Rewriting.Encodings;
using Lorq.Sites;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting;

/// <summary>
/// <c>ort</c>: ONNX Runtime's own quantized operators, with every encoding of the menu decoded at load into what they read.
/// </summary>
/// <remarks>
/// <para>MatMul and Gemm become <c>MatMulNBits</c>, Gather becomes <c>GatherBlockQuantized</c>; a tied table is stored once
/// for both. Everything else (convolutions, experts, a weight on the left, codebooks) is decoded to floating point at load.</para>
/// <para>Codes of 2 and 3 bits run in the 4-bit node: ONNX Runtime's 2-bit kernel took 815 µs for one token at 384×1536 where the
/// 4-bit kernel took 38 µs (two cores, fp32 accumulation). Codes of 5, 6 and 8 bits run in the 8-bit node only at accuracy level
/// 4: with fp32 accumulation that kernel decodes the whole matrix at every call (530 µs against 90 µs of the plain MatMul), so they
/// are decoded once at load instead.</para>
/// <para>A low-rank pair runs beside those nodes as two products (<see cref="LowRankBranch"/>); where the weight is decoded it is added to it
/// at load.</para>
/// <para>A chain that several weights share is written once, as a model-local function (<see cref="ChainOutliner"/>).</para>
/// </remarks>
/// <param name="accuracyLevel">0: fp32 accumulation; 4: <c>MatMulNBits</c> rounds activations to int8 per block.</param>
public sealed class OrtEmission(int accuracyLevel = 0) : GraphEmission
{
    private const int IntegerAccuracy = 4;

    /// <inheritdoc />
    public override string Name => "ort";

    /// <inheritdoc />
    public override string Summary => "ONNX Runtime's MatMulNBits and GatherBlockQuantized; any bit width, decoded at load";

    private protected override long WantedOpset => BitPlanes.RequiredOpset;

    private protected override bool WritesFunctions => true;

    private protected override bool Supports(EmissionContext context, Site site, QuantizationGrid grid)
    {
        long opset = context.OpsetOf(site.Weight.OriginScope);
        return opset >= BitPlanes.RequiredOpset
            || (grid.Kind == GridKind.Integer && LowOpset.Supports(opset, site, grid, ReadsCodes(site, [grid], opset)));
    }

    private protected override void EmitCodes(SiteEdit edit, PlannedWeight weight, SharedProjection? projection)
    {
        var branch = LowRankBranch.Of(edit, weight.Factors, projection);
        Site site = edit.Site;
        bool gathers = site.Uses.Any(u => u.Kind == SiteKind.Gather);
        PackedWeight stored = PackedCodes.Emit(edit.Chain, weight.Segments, site.Weight.ElementType, rows: gathers);
        PackedWeight? blocks = gathers ? null : stored;
        foreach (SiteUse use in site.Uses)
        {
            NodeProto reader = use.Use.Node;
            if (use.Kind == SiteKind.Gather)
            {
                Replace(use, Kernels.GatherBlockQuantized(stored, reader.Input[1], reader.Output[0]));
                continue;
            }
            blocks ??= PackedCodes.RowsToBlocks(edit.Chain, stored, site.K, site.N);
            if (use.Kind == SiteKind.MatMul)
            {
                Replace(use, Kernels.MatMulNBits(blocks, reader.Input[0], reader.Output[0], site.K, site.N, null, accuracyLevel));
            }
            else
            {
                Replace(use, [.. Gemms.ToMatMulNBits(edit.Chain, use, blocks, site.K, site.N, accuracyLevel)]);
            }
        }

        void Replace(SiteUse use, params NodeProto[] nodes) => edit.Replace(use, branch?.Beside(use, nodes) ?? nodes);
    }

    // Whether every reader can be one of the quantized nodes: then the weight is never decoded to floating point.
    private protected override bool ReadsCodes(Site site, IReadOnlyList<QuantizationGrid> grids, long opset)
    {
        bool wide = grids.Any(g => g.Bits > 4);
        int lane = wide ? 8 : 4;
        bool gathers = site.Uses.Any(u => u.Kind == SiteKind.Gather);
        bool typed = site.Weight.ElementType switch
        {
            DataType.Float => true,
            // The nodes want fp16 scales beside fp16 activations, unchanged: half a small fp16 scale would lose bits.
            DataType.Float16 => grids.All(g => g.Scale == ScaleType.Float16 && g.Bits == lane),
            _ => false,
        };
        return typed
            && site.Groups == 1
            && grids.All(g => g.Kind == GridKind.Integer && PackedCodes.IsLegalBlock(g))
            && (!wide || gathers || accuracyLevel >= IntegerAccuracy)
            && site.Uses.All(u => IsQuantizable(u, site, lane));
    }

    private static bool IsQuantizable(SiteUse use, Site site, int lane) =>
        use.Kind switch
        {
            SiteKind.Gather => use.Use.Index == 0
                && Attributes.GetInt(use.Use.Node, "axis", 0) is 0 or -2
                && use.Layout == WeightLayout.NByK
                && site.K * lane % 8 == 0,
            SiteKind.MatMul => !use.WeightOnLeft && use.Use.Index == 1 && use.Use.Scope.Shape(use.InputTensor) is not { Length: 1 },
            SiteKind.Gemm => !use.WeightOnLeft && use.Use.Index == 1,
            _ => false,
        };
}
