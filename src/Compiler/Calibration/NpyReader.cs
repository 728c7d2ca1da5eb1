using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Lorq.Diagnostics;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Calibration;

/// <summary>Reads NumPy's .npy format, versions 1 to 3: a text header with type, order and shape, then raw values.</summary>
internal static partial class NpyReader
{
    private const int LongestHeader = 1 << 16;

    /// <summary>Reads an array.</summary>
    /// <param name="stream">The file, or an entry of an archive.</param>
    /// <param name="length">Bytes the stream will give; a header that announces more is refused before anything is allocated.</param>
    /// <param name="source">Its name, for errors.</param>
    public static DataTensor Read(Stream stream, long length, string source)
    {
        try
        {
            Span<byte> start = stackalloc byte[8];
            stream.ReadExactly(start);
            if (start[0] != 0x93 || !start[1..6].SequenceEqual("NUMPY"u8))
            {
                throw Catalogue.MalformedData.With(source, "it is not in NumPy's .npy format");
            }
            int headerLength = ReadHeaderLength(stream, start[6], source);
            var header = new byte[headerLength];
            stream.ReadExactly(header);
            (DataType type, int size, bool fortran, long[] shape) = Parse(Encoding.UTF8.GetString(header), source);
            long count = 1;
            foreach (long d in shape)
            {
                count = d == 0 ? 0 : checked(count * d);
            }
            long bytes = checked(count * size);
            if (bytes > length || bytes > int.MaxValue)
            {
                throw Catalogue.MalformedData.With(
                    source,
                    $"shape ({string.Join(", ", shape)}) needs {bytes} bytes, but only {length} are there"
                );
            }
            var values = new byte[bytes];
            stream.ReadExactly(values);
            return new DataTensor(type, shape, fortran && shape.Length > 1 ? ToRowMajor(values, shape, size) : values);
        }
        catch (EndOfStreamException)
        {
            throw Catalogue.MalformedData.With(source, "it is truncated");
        }
        catch (Exception e) when (e is OverflowException or InvalidDataException)
        {
            throw Catalogue.MalformedData.With(source, e.Message);
        }
    }

    private static int ReadHeaderLength(Stream stream, byte version, string source)
    {
        if (version is < 1 or > 3)
        {
            throw Catalogue.MalformedData.With(source, $"version {version} of the .npy format is unknown");
        }
        Span<byte> bytes = stackalloc byte[4];
        bytes.Clear();
        stream.ReadExactly(version == 1 ? bytes[..2] : bytes);
        uint value = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        return value <= LongestHeader ? (int)value : throw Catalogue.MalformedData.With(source, $"its header announces {value} bytes");
    }

    private static (DataType Type, int Size, bool Fortran, long[] Shape) Parse(string header, string source)
    {
        Match descr = Descr().Match(header);
        Match order = Order().Match(header);
        Match shape = Shape().Match(header);
        if (!descr.Success || !order.Success || !shape.Success)
        {
            throw Catalogue.MalformedData.With(source, "its header lacks descr, fortran_order or shape");
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
                $"its type '{other}' is not supported (little-endian f2, f4, f8, i1…i8, u1…u8 and b1 are)"
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
