using System.Buffers.Binary;
using Lorq.Runtime.Cpu;

namespace Lorq.Runtime.Operators;

/// <summary>Codes as the model stores them: rows of bit planes (docs/operators/README.md, "Packing"). The memory belongs to the session.</summary>
/// <param name="data">The first row.</param>
/// <param name="length">Codes per row, a multiple of 8.</param>
/// <param name="bits">Bits per code.</param>
internal sealed unsafe class PackedCodes(byte* data, int length, int bits) : ICodeColumns
{
    private const ulong EveryByte = 0x0101010101010101;
    private readonly byte* data = data;

    /// <summary>Bytes of a row.</summary>
    public int RowBytes => length / 8 * bits;

    /// <inheritdoc/>
    public void Read(int column, Span<byte> codes)
    {
        if (codes.Length == length)
        {
            Unpack(new ReadOnlySpan<byte>(data + (nint)column * RowBytes, RowBytes), bits, codes);
            return;
        }
        byte[] whole = new byte[length];
        Unpack(new ReadOnlySpan<byte>(data + (nint)column * RowBytes, RowBytes), bits, whole);
        whole.AsSpan(0, codes.Length).CopyTo(codes);
    }

    /// <summary>Unpacks a sequence, its length a multiple of 8.</summary>
    public static void Unpack(ReadOnlySpan<byte> packed, int bits, Span<byte> codes)
    {
        int low =
            bits == 8 ? 8
            : bits >= 4 ? 4
            : 2;
        codes.Clear();
        int first = codes.Length * low / 8;
        Plane(packed[..first], low, 0, codes);
        if (bits > low)
        {
            Plane(packed[first..], bits - low, low, codes);
        }
    }

    /// <summary>Byte j of a plane holds the elements j, j + S, j + 2S, … from its lowest bits up.</summary>
    private static void Plane(ReadOnlySpan<byte> plane, int width, int shift, Span<byte> codes)
    {
        byte mask = (byte)((1 << width) - 1);
        for (int part = 0; part < 8 / width; part++)
        {
            Span<byte> target = codes.Slice(part * plane.Length, plane.Length);
            int j = 0;
            for (; j + 8 <= plane.Length; j += 8)
            {
                ulong eight = (BinaryPrimitives.ReadUInt64LittleEndian(plane[j..]) >> (part * width)) & (mask * EveryByte);
                ulong others = BinaryPrimitives.ReadUInt64LittleEndian(target[j..]);
                BinaryPrimitives.WriteUInt64LittleEndian(target[j..], others | eight << shift);
            }
            for (; j < plane.Length; j++)
            {
                target[j] |= (byte)(((plane[j] >> (part * width)) & mask) << shift);
            }
        }
    }
}
