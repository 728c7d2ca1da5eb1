namespace Lorq.Rewriting.Encodings;

/// <summary>
/// Codes as the operators of <c>ai.lorq</c> store them (docs/operators): planes of 1, 2, 4 or 8 bits, one after the other; byte j of
/// a plane holds the elements j, j + S, j + 2S, … where S is the plane's length in bytes.
/// </summary>
internal static class CodePacking
{
    /// <summary>A sequence is padded with zeros to a multiple of this many codes, so that every plane is whole bytes.</summary>
    public const int Granule = 8;

    /// <summary>The widths of the planes, low bits first.</summary>
    /// <param name="bits">Bits per code: 2, 3, 4, 5, 6 or 8.</param>
    public static int[] Planes(int bits) =>
        bits switch
        {
            2 or 4 or 8 => [bits],
            3 => [2, 1],
            5 => [4, 1],
            6 => [4, 2],
            _ => throw new ArgumentOutOfRangeException(nameof(bits)),
        };

    /// <summary>Bytes of a sequence of so many codes.</summary>
    public static long Length(long count, int bits) => (count + Granule - 1) / Granule * bits;

    /// <summary>Packs codes, one per byte; every row of <paramref name="rowLength"/> codes is a sequence of its own.</summary>
    public static byte[] Pack(ReadOnlySpan<byte> codes, int rowLength, int bits)
    {
        int rows = rowLength == 0 ? 0 : codes.Length / rowLength;
        int rowBytes = (int)Length(rowLength, bits);
        int padded = rowBytes / bits * Granule;
        var packed = new byte[(long)rows * rowBytes];
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<byte> source = codes.Slice(row * rowLength, rowLength);
            Span<byte> target = packed.AsSpan(row * rowBytes, rowBytes);
            int low = 0;
            foreach (int width in Planes(bits))
            {
                int stride = padded * width / 8;
                for (int i = 0; i < source.Length; i++)
                {
                    target[i % stride] |= (byte)(((source[i] >> low) & ((1 << width) - 1)) << (i / stride * width));
                }
                target = target[stride..];
                low += width;
            }
        }
        return packed;
    }
}
