using Lorq.Models;
using Lorq.Onnx;

namespace Lorq.Rewriting.Opsets;

/// <summary>
/// Raises the default-domain opset of a model, from 7…20 to at most 21, converting every node whose operator changed its
/// interface or meaning in between.
/// </summary>
/// <remarks>
/// <para>An operator is handled in one of three ways, each listed in <see cref="OperatorTable"/>: its later versions only added
/// types, optional inputs or attributes whose defaults keep the old meaning (nothing to do); it has a conversion; or it is not
/// in the table (refused with a reason). Nothing is converted by guess.</para>
/// <list type="table">
/// <listheader><term>Operator, below opset</term><description>Conversion</description></listheader>
/// <item><term>Squeeze, Unsqueeze, ReduceSum (13); other Reduce* (18)</term><description>attribute <c>axes</c> → input</description></item>
/// <item><term>Softmax, LogSoftmax, Hardmax (13)</term><description>coerced-to-2-D meaning: Flatten, operator on the last axis, Reshape; only the attribute where the axis is known to be the last</description></item>
/// <item><term>Clip (11)</term><description><c>min</c>, <c>max</c> → inputs</description></item>
/// <item><term>Pad (11)</term><description><c>pads</c>, <c>value</c> → inputs</description></item>
/// <item><term>Slice (10)</term><description><c>starts</c>, <c>ends</c>, <c>axes</c> → inputs</description></item>
/// <item><term>TopK (10)</term><description><c>k</c> → input</description></item>
/// <item><term>Upsample (7, 9), Resize (10)</term><description>Resize, asymmetric coordinates, nearest by floor (scales ≥ 1) or ceil (scales ≤ 1)</description></item>
/// <item><term>Split (13, 18)</term><description><c>split</c> → input; equal parts state <c>num_outputs</c></description></item>
/// <item><term>Dropout (12)</term><description><c>ratio</c> dropped: inference passes values through</description></item>
/// <item><term>BatchNormalization (9, 14)</term><description><c>spatial</c> dropped, unused training outputs dropped; training form refused</description></item>
/// <item><term>Scatter (11)</term><description>renamed ScatterElements</description></item>
/// <item><term>RoiAlign (16)</term><description>old coordinates stated: <c>output_half_pixel</c></description></item>
/// <item><term>GridSample (20)</term><description>modes renamed: linear, cubic</description></item>
/// <item><term>DFT (20)</term><description><c>axis</c> → input</description></item>
/// </list>
/// <para>Refused: Scan-8, Resize with <c>tf_half_pixel_for_nn</c>, AveragePool with <c>ceil_mode</c> and <c>count_include_pad</c> (its meaning was
/// corrected in 19), GroupNormalization-18, model-local functions that import an older default opset, operators that are not in the
/// table.</para>
/// </remarks>
public static class OpsetConverter
{
    /// <summary>The lowest opset it starts from.</summary>
    public const int Lowest = 7;

    /// <summary>The highest opset it goes to.</summary>
    public const int Highest = 21;

    /// <summary>A copy of the model at the given opset, or null with the reason.</summary>
    /// <param name="model">The model; not changed. It must outlive the copy.</param>
    /// <param name="opset">The opset to reach, at most <see cref="Highest"/>.</param>
    /// <param name="refusal">Why it cannot be raised, in words a user can act on; null on success.</param>
    public static OnnxModel? Raise(OnnxModel model, long opset, out string? refusal)
    {
        OnnxModel raised = model.Clone();
        refusal = RaiseInPlace(raised, opset, new NameSource(model));
        if (refusal is null)
        {
            return raised;
        }
        raised.Dispose();
        return null;
    }

    /// <summary>Raises a model that the caller owns; on refusal (the answer is the reason) it is left half-converted and to be thrown away.</summary>
    internal static string? RaiseInPlace(OnnxModel model, long opset, NameSource names)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(opset, Highest);
        long from = model.Opset();
        if (from >= opset)
        {
            return null;
        }
        if (from < Lowest)
        {
            return $"opset {from} is older than {Lowest}, the oldest that can be raised";
        }
        foreach (FunctionProto function in model.Proto.Functions)
        {
            if (function.OpsetImport.FirstOrDefault(o => IsDefault(o.Domain)) is { } import && import.Version < opset)
            {
                return $"the model-local function '{function.Name}' is written for opset {import.Version}";
            }
        }
        bool singlePrecision = ElementTypes.IsSinglePrecisionOnly(model);
        foreach (GraphScope scope in model.Scopes.Where(s => s.Function is null).ToList())
        {
            var step = new OpsetStep(model, scope, from, opset, names, singlePrecision);
            string? refusal = step.ConvertAll();
            if (refusal is not null)
            {
                return refusal;
            }
        }
        foreach (OperatorSetIdProto import in model.Proto.OpsetImport.Where(o => IsDefault(o.Domain)))
        {
            import.Version = opset;
        }
        RaiseFormat(model.Proto, opset);
        model.Invalidate();
        return null;
    }

    /// <summary>True for the default domain under either of its names.</summary>
    internal static bool IsDefault(string domain) => domain is "" or "ai.onnx";

    // The format version that was released with the opset.
    private static void RaiseFormat(ModelProto model, long opset) =>
        FormatVersion.Raise(
            model,
            opset >= 21 ? 10
                : opset >= 19 ? 9
                : 8
        );
}
