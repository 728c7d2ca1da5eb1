using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.RegularExpressions;
using Lorq.Diagnostics;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Calibration;

/// <summary>Reads NumPy's .npy format, versions 1 to 3: a text header with type, order and shape, then raw values.</summary>
internal static partial class NpyReader
{
    private const int LongestHeader = 1 << 16;

    /// <summary>Values are read in pieces that double from here, so that a forged length costs no memory.</summary>
    private const int FirstPiece = 1 << 20;

    /// <summary>Reads an array.</summary>
    /// <param name="stream">The file, or an entry of an archive.</param>
    /// <param name="length">Bytes the stream says it has; a header that announces more is refused.</param>
    /// <param name="source">Its name, for errors.</param>
    /// <param name="checksum">Given every byte of the stream, when the caller knows what it must come to.</param>
    /// <exception cref="LorqException">LORQ0411: not .npy, truncated, of an unsupported type, or with a shape that does not fit the data.</exception>
    public static DataTensor Read(Stream stream, long length, string source, Crc32? checksum = null)
    {
        try
        {
            byte[] start = Take(stream, 8, checksum);
            if (start[0] != 0x93 || !start.AsSpan(1, 5).SequenceEqual("NUMPY"u8))
            {
                throw Catalogue.MalformedData.With(source, "it is not in NumPy's .npy format");
            }
            string header = Encoding.UTF8.GetString(Take(stream, HeaderLength(stream, start[6], source, checksum), checksum));
            (DataType type, int size, bool fortran, long[] shape) = Parse(header, source);
            Int128 bytes = size;
            foreach (long d in shape)
            {
                // Any dimension may be 0, so the product may pass through values that no file can hold: stop at the first.
                bytes = shape.Contains(0) ? 0 : bytes * d;
                if (bytes > length || bytes > Array.MaxLength)
                {
                    throw Catalogue.MalformedData.With(
                        source,
                        $"its shape ({string.Join(", ", shape)}) needs more bytes than the {length} that are there, or more than 2 GB"
                    );
                }
            }
            byte[] values = Take(stream, (int)bytes, checksum);
            if (checksum is not null)
            {
                checksum.Append(stream);
            }
            return new DataTensor(type, shape, fortran && shape.Length > 1 ? ToRowMajor(values, shape, size) : values);
        }
        catch (EndOfStreamException)
        {
            throw Catalogue.MalformedData.With(source, "it is truncated");
        }
    }

    private static byte[] Take(Stream stream, int count, Crc32? checksum)
    {
        var values = new byte[Math.Min(count, FirstPiece)];
        for (int at = 0; at < count; )
        {
            if (at == values.Length)
            {
                Array.Resize(ref values, (int)Math.Min(count, 2L * values.Length));
            }
            int read = stream.Read(values, at, values.Length - at);
            if (read == 0)
            {
                throw new EndOfStreamException();
            }
            at += read;
        }
        checksum?.Append(values);
        return values;
    }

    private static int HeaderLength(Stream stream, byte version, string source, Crc32? checksum)
    {
        if (version is < 1 or > 3)
        {
            throw Catalogue.MalformedData.With(source, $"version {version} of the .npy format is unknown");
        }
        byte[] bytes = Take(stream, version == 1 ? 2 : 4, checksum);
        uint value = version == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        return value <= LongestHeader ? (int)value : throw Catalogue.MalformedData.With(source, $"its header announces {value} bytes");
    }

    private static (DataType Type, int Size, bool Fortran, long[] Shape) Parse(string header, string source)
    {
        Match descr = Descr().Match(header);
        Match order = Order().Match(header);
        Match shape = Shape().Match(header);
        if (!descr.Success || !order.Success || !shape.Success)
        {
            throw Catalogue.MalformedData.With(
                source,
                "its header lacks a plain descr, fortran_order or shape (structured types are not read)"
            );
        }
        (DataType type, int size) = descr.Groups[1].Value switch
        {
            "<f2" => (DataType.Float16, 2),
            "<f4" => (DataType.Float, 4),
            "<f8" => (DataType.Double, 8),
            "|i1" or "<i1" => (DataType.Int8, 1),
            "<i2" => (DataType.Int16, 2),
            "<i4" => (DataType.Int32, 4),
            "<i8" => (DataType.Int64, 8),
            "|u1" or "<u1" => (DataType.Uint8, 1),
            "<u2" => (DataType.Uint16, 2),
            "<u4" => (DataType.Uint32, 4),
            "<u8" => (DataType.Uint64, 8),
            "|b1" => (DataType.Bool, 1),
            var other => throw Catalogue.MalformedData.With(
                source,
                $"its element type '{other}' is not read (little-endian f2, f4, f8, i1…i8, u1…u8 and b1 are)"
            ),
        };
        long[] dims =
        [
            .. shape
                .Groups[1]
                .Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Select(d =>
                    long.TryParse(d.TrimEnd('L'), NumberStyles.None, CultureInfo.InvariantCulture, out long v)
                        ? v
                        : throw Catalogue.MalformedData.With(source, $"its shape holds '{d}'")
                ),
        ];
        return (type, size, order.Groups[1].Value == "True", dims);
    }

    private static byte[] ToRowMajor(byte[] values, long[] shape, int size)
    {
        var result = new byte[values.Length];
        var index = new long[shape.Length];
        for (long to = 0; to < values.Length; to += size)
        {
            long from = 0;
            for (int d = shape.Length - 1; d >= 0; d--)
            {
                from = from * shape[d] + index[d];
            }
            values.AsSpan((int)(from * size), size).CopyTo(result.AsSpan((int)to));
            for (int d = shape.Length - 1; d >= 0 && ++index[d] == shape[d]; d--)
            {
                index[d] = 0;
            }
        }
        return result;
    }

    [GeneratedRegex("'descr'\\s*:\\s*'([^']*)'")]
    private static partial Regex Descr();

    [GeneratedRegex("'fortran_order'\\s*:\\s*(True|False)")]
    private static partial Regex Order();

    [GeneratedRegex("'shape'\\s*:\\s*\\(([^)]*)\\)")]
    private static partial Regex Shape();
}
