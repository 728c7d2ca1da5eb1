using System.Runtime.InteropServices;
using Lorq.Quantization;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting.Encodings;

/// <summary>
/// Codes decoded to floating point at load: unpack → Cast → Sub zero point (or Gather from a codebook) → Mul scale → Reshape, for readers that have no
/// quantized form (convolutions, experts, a weight on the left).
/// </summary>
/// <remarks>Standard operators only. ONNX Runtime folds the chain into one constant when a session is created; it would not fold
/// <c>DequantizeLinear</c>.</remarks>
internal static class DecodedValues
{
    /// <summary>Adds payloads and chains; the answer names a tensor of <paramref name="dims"/> in <paramref name="type"/>.</summary>
    /// <param name="builder">Where to write.</param>
    /// <param name="segment">The columns.</param>
    /// <param name="order">How the tensor holds K×N.</param>
    /// <param name="dims">Dims of the tensor as its reader wants it.</param>
    /// <param name="type">Its element type.</param>
    public static string Emit(ChainBuilder builder, WeightSegment segment, StorageOrder order, long[] dims, DataType type)
    {
        int k = segment.K;
        int blocks = segment.Blocks;
        int length = segment.BlockLength;
        long outer = order.ByColumn ? segment.Columns : order.Groups;
        long inner = order.ByColumn ? 1 : segment.Columns / order.Groups;
        bool even = k % length == 0;
        // One scale per column (or per block of an exact cut) broadcasts against the codes; where the last block is short, the scales
        // are spread to K first.
        bool direct = blocks == 1;
        long[] view =
            direct ? dims
            : even ? [outer, blocks, length, inner]
            : [outer, k, inner];
        long[] scaleDims = direct ? BroadcastDims(dims, outer, inner, order.ByColumn) : [outer, blocks, 1, inner];
        string values;
        if (segment.Grid.Kind == GridKind.NormalFloat)
        {
            values = CodebookValues.Emit(builder, segment, order, view);
        }
        else
        {
            values = Values(builder, segment, view, order, out bool centred);
            if (!centred)
            {
                string zero = segment.HasZeroPoints
                    ? Spread(
                        builder,
                        builder.Cast(StoredZeroPoints(builder, segment, scaleDims, order), DataType.Float),
                        segment,
                        outer,
                        inner
                    )
                    : builder.SharedFloat(1 << (segment.Grid.Bits - 1));
                values = builder.Add("Sub", [values, zero]);
            }
        }
        string scale = Scales.Emit(builder, segment, scaleDims, direct ? -1 : 1, order, DataType.Float);
        values = builder.Add("Mul", [values, Spread(builder, scale, segment, outer, inner)]);
        if (!direct)
        {
            values = builder.Reshape(values, dims);
        }
        return type == DataType.Float ? values : builder.Cast(values, type);
    }

    /// <summary>Several segments: each decoded to its rows of [N, K], then put together.</summary>
    public static string Emit(ChainBuilder builder, IReadOnlyList<WeightSegment> segments, StorageOrder order, long[] dims, DataType type)
    {
        if (segments.Count == 1)
        {
            return Emit(builder, segments[0], order, dims, type);
        }
        string[] parts = [.. segments.Select(s => Emit(builder, s, StorageOrder.Columns, [s.Columns, s.K], type))];
        string joined = builder.Add("Concat", parts, Attributes.Int("axis", 0));
        if (!order.ByColumn)
        {
            joined = builder.Add("Transpose", [joined], Attributes.Ints("perm", 1, 0));
        }
        return dims.Length == 2 ? joined : builder.Reshape(joined, dims);
    }

    private static string Values(ChainBuilder builder, WeightSegment segment, long[] view, StorageOrder order, out bool centred)
    {
        // Eight symmetric bits are signed bytes: no zero point to subtract.
        centred = segment is { Grid.Bits: 8, HasZeroPoints: false };
        long count = (long)segment.K * segment.Columns;
        string codes = centred
            ? builder.Store(DataType.Int8, view, count, () => Signed(Ordered()))
            : BitPlanes.Emit(builder, segment.Grid.Bits, 8, Justify.Low, view, Ordered);
        return builder.Cast(codes, DataType.Float);

        byte[] Ordered() => segment.Codes(order);
    }

    private static string StoredZeroPoints(ChainBuilder builder, WeightSegment segment, long[] dims, StorageOrder order) =>
        BitPlanes.Emit(builder, segment.Grid.Bits, 8, Justify.Low, dims, () => segment.ZeroPoints(order));

    /// <summary>Spreads [outer, blocks, 1, inner] to [outer, K, inner] when the last block is short; leaves it alone otherwise.</summary>
    private static string Spread(ChainBuilder builder, string tensor, WeightSegment segment, long outer, long inner)
    {
        if (segment.Blocks == 1 || segment.K % segment.BlockLength == 0)
        {
            return tensor;
        }
        string wide = builder.Add("Expand", [tensor, builder.SharedInt64(1, 1, segment.BlockLength, 1)]);
        string rows = builder.Reshape(wide, [outer, (long)segment.Blocks * segment.BlockLength, inner]);
        return builder.Add("Slice", [rows, builder.SharedInt64(0), builder.SharedInt64(segment.K), builder.SharedInt64(1)]);
    }

    private static long[] BroadcastDims(long[] dims, long outer, long inner, bool byColumn)
    {
        // byColumn: [N, 1, …, 1]; otherwise [groups, 1, N/groups] cut to the reader's rank.
        if (byColumn)
        {
            return [outer, .. Enumerable.Repeat(1L, dims.Length - 1)];
        }
        return dims.Length == 2 ? [1, inner] : [outer, 1, inner];
    }

    private static byte[] Signed(byte[] codes)
    {
        var signed = new sbyte[codes.Length];
        for (int i = 0; i < codes.Length; i++)
        {
            signed[i] = (sbyte)(codes[i] - 128);
        }
        return MemoryMarshal.AsBytes<sbyte>(signed).ToArray();
    }
}
