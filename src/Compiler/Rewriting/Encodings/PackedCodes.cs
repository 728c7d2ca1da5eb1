using Lorq.Quantization;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting.Encodings;

/// <summary>What a node that multiplies codes reads.</summary>
/// <param name="Codes">uint8 [N, blocks, block·lane/8] (or [N, K·lane/8] when asked for rows).</param>
/// <param name="Scales">[N, blocks].</param>
/// <param name="ZeroPoints">uint8 [N, ⌈blocks·lane/8⌉], or null for the middle of the lane.</param>
/// <param name="Lane">Bits per code as the node reads them.</param>
/// <param name="Block">Weights per block as the node reads them.</param>
internal sealed record PackedWeight(string Codes, string Scales, string? ZeroPoints, int Lane, int Block);

/// <summary>
/// Integer codes for <c>MatMulNBits</c> and <c>GatherBlockQuantized</c>: lanes of 2, 4 or 8 bits packed along K, one scale per
/// block, zero points packed likewise. Segments with different grids meet in one container: the widest lane, the shortest block.
/// </summary>
/// <remarks>Codes stand high in their lane (<see cref="Justify.High"/>) with scales divided by the same power of two, which is
/// exact in fp32; so symmetric codes of any width have the nodes' default zero point and nothing is stored for it.</remarks>
internal static class PackedCodes
{
    private const int LargestBlock = 256;
    private const int SmallestBlock = 16;

    // A Pad node with its constants takes about this many bytes: below it, padding is stored.
    private const int PadChainBytes = 120;

    // Pad takes uint8 from here on.
    private const int PadOpset = 13;

    /// <summary>Weights per block of the node that holds this grid: a power of two from 16 to 256.</summary>
    public static int NodeBlock(QuantizationGrid grid, int k)
    {
        if (grid.BlockSize != 0)
        {
            return grid.BlockSize;
        }
        int best = SmallestBlock;
        for (int block = SmallestBlock; block <= LargestBlock; block *= 2)
        {
            if (RoundUp(k, block) <= RoundUp(k, best))
            {
                best = block;
            }
        }
        return best;
    }

    /// <summary>True when the nodes can hold the grid's blocks.</summary>
    public static bool IsLegalBlock(QuantizationGrid grid) =>
        grid.BlockSize == 0 || (grid.BlockSize is >= SmallestBlock and <= LargestBlock && int.IsPow2(grid.BlockSize));

    /// <summary>Bits per lane that hold codes of all these widths.</summary>
    public static int Lane(IEnumerable<WeightSegment> segments) => segments.Max(s => s.Grid.Bits) <= 4 ? 4 : 8;

    /// <summary>Adds payloads and chains.</summary>
    /// <param name="builder">Where to write.</param>
    /// <param name="segments">Column runs in order.</param>
    /// <param name="scaleType">The type the node wants its scales in.</param>
    /// <param name="rows">True for codes as [N, K·lane/8] without padding (Gather); false for [N, blocks, block·lane/8].</param>
    public static PackedWeight Emit(ChainBuilder builder, IReadOnlyList<WeightSegment> segments, DataType scaleType, bool rows)
    {
        int k = segments[0].K;
        int lane = Lane(segments);
        int block = segments.Min(s => NodeBlock(s.Grid, k));
        int blocks = RoundUp(k, block) / block;
        bool zeroPoints = segments.Any(s => s.HasZeroPoints);
        var codes = new List<string>();
        var scales = new List<string>();
        var zeros = new List<string>();
        foreach (WeightSegment segment in segments)
        {
            codes.Add(Codes(builder, segment, lane, block, blocks, rows));
            string scale = Scales.Emit(
                builder,
                segment,
                [segment.Columns, segment.Blocks],
                1,
                StorageOrder.Columns,
                scaleType,
                lane - segment.Grid.Bits
            );
            scales.Add(Scales.Repeat(builder, scale, segment, block, blocks));
            if (zeroPoints)
            {
                zeros.Add(
                    segment.HasZeroPoints
                        ? ZeroPoints.Emit(builder, segment, lane, block, blocks)
                        : ZeroPoints.Middle(builder, segment.Columns, lane, blocks)
                );
            }
        }
        return new PackedWeight(Join(builder, codes), Join(builder, scales), zeroPoints ? Join(builder, zeros) : null, lane, block);
    }

    /// <summary>Codes stored as rows, seen as [N, blocks, block·lane/8] with the last block padded: for MatMulNBits beside a Gather.</summary>
    public static PackedWeight RowsToBlocks(ChainBuilder builder, PackedWeight rows, int k, int n)
    {
        int blocks = RoundUp(k, rows.Block) / rows.Block;
        int missing = ((blocks * rows.Block) - k) * rows.Lane / 8;
        string codes = missing == 0 ? rows.Codes : builder.Add("Pad", [rows.Codes, builder.SharedInt64(0, 0, 0, missing)]);
        return rows with { Codes = builder.Reshape(codes, [n, blocks, rows.Block * rows.Lane / 8]) };
    }

    private static string Codes(ChainBuilder builder, WeightSegment segment, int lane, int block, int blocks, bool rows)
    {
        int k = segment.K;
        int n = segment.Columns;
        int paddedK = blocks * block;
        int rowBytes = (k * lane + 7) / 8;
        int paddedBytes = paddedK * lane / 8;
        if (rows)
        {
            return Planes([n, rowBytes], k);
        }
        long[] dims = [n, blocks, block * lane / 8];
        long waste = (long)n * (paddedBytes - rowBytes) * segment.Grid.Bits / lane;
        if (waste <= PadChainBytes || builder.Opset < PadOpset)
        {
            return Planes(dims, paddedK);
        }
        string bare = Planes([n, rowBytes], k);
        string padded = builder.Add("Pad", [bare, builder.SharedInt64(0, 0, 0, paddedBytes - rowBytes)]);
        return builder.Reshape(padded, dims);

        string Planes(long[] dims, int length) =>
            BitPlanes.Emit(
                builder,
                segment.Grid.Bits,
                lane,
                Justify.High,
                dims,
                () => BitPlanes.PackLanes(segment.Codes(StorageOrder.Columns), k, length, lane)
            );
    }

    private static string Join(ChainBuilder builder, List<string> parts) =>
        parts.Count == 1 ? parts[0] : builder.Add("Concat", [.. parts], Attributes.Int("axis", 0));

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;
}
