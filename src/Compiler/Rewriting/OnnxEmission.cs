using Lorq.Onnx;
using Lorq.Quantization;
using Lorq.Rewriting.Encodings;
using Lorq.Sites;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting;

/// <summary>
/// <c>onnx</c>: operators of the ONNX standard only. MatMul and Gemm read <c>DequantizeLinear</c> in blocks; everything else is
/// decoded to floating point at load.
/// </summary>
/// <remarks>
/// <para>ONNX Runtime fuses DequantizeLinear and MatMul of 4 and 8 bits into <c>MatMulNBits</c> (with activations in int8 per block, unless
/// the session option <c>session.qdq_matmulnbits_accuracy_level</c> says otherwise). Anywhere else DequantizeLinear would run at every call, which is
/// why a convolution's filter and a table of embeddings are decoded by Cast, Sub and Mul: those fold.</para>
/// <para>A low-rank pair runs beside the product with DequantizeLinear; where the weight is decoded it is added to it at load. Factors
/// are decoded by Cast and Mul for the same reason as filters.</para>
/// <para>Where the model's opset cannot be raised to 21, only 8-bit codes decoded by Cast, Sub and Mul are left.</para>
/// </remarks>
public sealed class OnnxEmission : GraphEmission
{
    // Shorter blocks are not fused.
    private const int SmallestBlock = 16;

    /// <inheritdoc />
    public override string Name => "onnx";

    /// <inheritdoc />
    public override string Summary => "operators of the ONNX standard only: DequantizeLinear in blocks, or decoded at load";

    private protected override long WantedOpset => BlockedCodes.RequiredOpset;

    // Other runtimes read the standard's operators more widely than its functions.
    private protected override bool WritesFunctions => false;

    private protected override bool Supports(EmissionContext context, Site site, QuantizationGrid grid)
    {
        long opset = context.OpsetOf(site.Weight.OriginScope);
        return opset >= BitPlanes.RequiredOpset || (grid.Kind == GridKind.Integer && LowOpset.Supports(opset, site, grid, nodeForm: false));
    }

    private protected override void EmitCodes(SiteEdit edit, PlannedWeight weight, SharedProjection? projection)
    {
        var branch = LowRankBranch.Of(edit, weight.Factors, projection);
        Site site = edit.Site;
        string decoded = BlockedCodes.Emit(edit.Chain, weight.Segments[0], site.Weight.ElementType, out NodeProto dequantize);
        edit.Visible.Add(dequantize);
        foreach (SiteUse use in site.Uses)
        {
            NodeProto reader = use.Use.Node;
            NodeProto[] nodes =
                use.Kind == SiteKind.MatMul
                    ? [Product(reader.Input[0], decoded, reader.Output[0])]
                    : [.. Gemms.Around(edit.Chain, use, site.N, takesBias: false, (input, output, _) => Product(input, decoded, output))];
            edit.Replace(use, branch?.Beside(use, nodes) ?? nodes);
        }
    }

    private static NodeProto Product(string input, string weight, string output)
    {
        var node = new NodeProto { OpType = "MatMul" };
        node.Input.Add([input, weight]);
        node.Output.Add(output);
        return node;
    }

    private protected override bool ReadsCodes(Site site, IReadOnlyList<QuantizationGrid> grids, long opset)
    {
        if (grids is not [var grid] || opset < BlockedCodes.RequiredOpset)
        {
            return false;
        }
        bool typed = site.Weight.ElementType switch
        {
            DataType.Float => true,
            DataType.Float16 => grid.Scale == ScaleType.Float16,
            _ => false,
        };
        return typed
            && site.Groups == 1
            && grid.Kind == GridKind.Integer
            && grid.BlockSize is 0 or >= SmallestBlock
            && site.Uses.All(u => u.Kind is SiteKind.MatMul or SiteKind.Gemm && !u.WeightOnLeft && u.Use.Index == 1);
    }
}
