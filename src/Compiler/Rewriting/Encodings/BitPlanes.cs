using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting.Encodings;

/// <summary>Where the code of b bits stands in its lane.</summary>
internal enum Justify
{
    /// <summary>In the low bits: the lane's value is the code.</summary>
    Low,

    /// <summary>In the high bits: the lane's value is code·2^(lane−b), so that the middle of the grid, 2^(b−1), becomes the middle
    /// of the lane, 2^(lane−1): the default zero point of the nodes that read it.</summary>
    High,
}

/// <summary>
/// Codes of b bits, stored at exactly b bits each, expanded at load to bytes whose lanes of 2, 4 or 8 bits hold one code each.
/// </summary>
/// <remarks>
/// A width that is no power of two is cut into two planes (3 = 2 + 1, 5 = 4 + 1, 6 = 4 + 2). A plane of w bits keeps lane/w
/// of the target's bytes in one byte: not neighbours but bytes that lie a fixed stride apart, so that one <c>BitShift</c> with a
/// broadcast vector of shifts and one <c>BitwiseAnd</c> spread the whole plane. Every operator works on whole uint8 tensors.
/// A width equal to the lane is stored as it is read: no chain at all.
/// </remarks>
internal static class BitPlanes
{
    /// <summary>The opset whose operators the chains use (BitwiseAnd, BitwiseOr).</summary>
    public const int RequiredOpset = 18;

    private readonly record struct Plane(int CodeBit, int Width, int LaneBit);

    /// <summary>Adds the payload and its chain; the answer names a uint8 tensor of the given dims.</summary>
    /// <param name="builder">Where to write.</param>
    /// <param name="bits">Bits per code.</param>
    /// <param name="lane">Bits per lane: 2, 4 or 8, at least <paramref name="bits"/>.</param>
    /// <param name="justify">Where a code stands in its lane.</param>
    /// <param name="dims">Dims of the result, in bytes.</param>
    /// <param name="packed">The bytes of the result with low-justified codes; called once, when written.</param>
    public static string Emit(ChainBuilder builder, int bits, int lane, Justify justify, long[] dims, Func<byte[]> packed)
    {
        long count = dims.Aggregate(1L, (a, d) => a * d);
        if (bits == lane)
        {
            return builder.Store(DataType.Uint8, dims, count, packed);
        }
        Plane[] planes = Planes(bits, lane, justify);
        int most = lane / planes[^1].Width;
        long stride = (count + most - 1) / most;
        var once = new Lazy<byte[]>(packed);
        string? result = null;
        foreach (Plane plane in planes)
        {
            string spread = Spread(builder, plane, lane, lane / planes[0].Width, most, stride, once);
            result = result is null ? spread : builder.Add("BitwiseOr", [result, spread]);
        }
        if (most * stride != count)
        {
            string flat = builder.Add("Reshape", [result!, builder.SharedInt64(-1)]);
            result = builder.Add("Slice", [flat, builder.SharedInt64(0), builder.SharedInt64(count)]);
        }
        return builder.Reshape(result!, dims);
    }

    /// <summary>Packs codes, one per byte in rows of <paramref name="rowLength"/>, into lanes; every row starts a new byte.</summary>
    public static byte[] PackLanes(ReadOnlySpan<byte> codes, int rowLength, int paddedLength, int lane)
    {
        int perByte = 8 / lane;
        int rows = rowLength == 0 ? 0 : codes.Length / rowLength;
        int rowBytes = (paddedLength + perByte - 1) / perByte;
        var packed = new byte[(long)rows * rowBytes];
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<byte> source = codes.Slice(row * rowLength, rowLength);
            Span<byte> target = packed.AsSpan(row * rowBytes, rowBytes);
            for (int i = 0; i < source.Length; i++)
            {
                target[i / perByte] |= (byte)(source[i] << (i % perByte * lane));
            }
        }
        return packed;
    }

    private static Plane[] Planes(int bits, int lane, Justify justify)
    {
        int first = bits switch
        {
            2 => 2,
            3 => 2,
            4 or 5 or 6 => 4,
            _ => throw new ArgumentOutOfRangeException(nameof(bits)),
        };
        int second = bits - first;
        if (justify == Justify.Low)
        {
            return second == 0 ? [new(0, first, 0)] : [new(0, first, 0), new(first, second, first)];
        }
        return second == 0 ? [new(0, first, lane - first)] : [new(second, first, lane - first), new(0, second, lane - bits)];
    }

    // The result of every plane has dims [fewest, most / fewest, stride], flat in the order of the target's bytes.
    private static string Spread(ChainBuilder builder, Plane plane, int lane, int fewest, int most, long stride, Lazy<byte[]> packed)
    {
        int perByte = lane / plane.Width;
        int groups = most / perByte;
        bool fromLeft = plane.LaneBit == lane - plane.Width;
        var shifts = new byte[perByte];
        for (int i = 0; i < perByte; i++)
        {
            shifts[i] = (byte)(i * plane.Width);
        }
        string payload = builder.Store(
            DataType.Uint8,
            [1, groups, stride],
            groups * stride,
            () => Gather(packed.Value, plane, lane, groups, stride, fromLeft)
        );
        string shifted = Shift(builder, payload, builder.Shared(DataType.Uint8, [fewest, perByte / fewest, 1], shifts), fromLeft);
        byte mask = (byte)(Lanes(lane) * ((1 << plane.Width) - 1) << (fromLeft ? lane - plane.Width : 0));
        string masked = builder.Add("BitwiseAnd", [shifted, builder.SharedByte(mask)]);
        if (!fromLeft && plane.LaneBit != 0)
        {
            masked = Shift(builder, masked, builder.SharedByte((byte)plane.LaneBit), left: true);
        }
        return masked;
    }

    private static string Shift(ChainBuilder builder, string tensor, string amount, bool left) =>
        builder.Add("BitShift", [tensor, amount], Attributes.String("direction", left ? "LEFT" : "RIGHT"));

    private static byte[] Gather(byte[] packed, Plane plane, int lane, int groups, long stride, bool fromLeft)
    {
        int perByte = lane / plane.Width;
        byte laneMask = (byte)(Lanes(lane) * ((1 << plane.Width) - 1));
        var payload = new byte[groups * stride];
        for (int i = 0; i < perByte; i++)
        {
            int shift = fromLeft ? lane - plane.Width - (i * plane.Width) : i * plane.Width;
            long start = i * payload.LongLength;
            long count = Math.Min(payload.LongLength, packed.LongLength - start);
            for (long j = 0; j < count; j++)
            {
                payload[j] |= (byte)(((packed[start + j] >> plane.CodeBit) & laneMask) << shift);
            }
        }
        return payload;
    }

    /// <summary>A one in the lowest bit of every lane of a byte.</summary>
    private static int Lanes(int lane) =>
        lane switch
        {
            8 => 0x01,
            4 => 0x11,
            _ => 0x55,
        };
}
