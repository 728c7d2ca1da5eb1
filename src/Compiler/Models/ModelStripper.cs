using System.Buffers;
using Google.Protobuf;

namespace Lorq.Models;

/// <summary>
/// Copies a serialized model without its large tensor payloads: each raw_data of at least <see cref="Threshold"/> bytes becomes a
/// placeholder that names a region of the file, so that parsing needs memory for the graph only.
/// </summary>
internal sealed class ModelStripper(Func<int, int, ByteString> payload)
{
    /// <summary>Payloads smaller than this stay inline.</summary>
    public const int Threshold = 1024;

    /// <summary>Copies a model. Offsets must fit in 31 bits: larger protobuf files do not exist.</summary>
    /// <param name="file">The file's bytes.</param>
    /// <returns>The stripped message.</returns>
    public byte[] Strip(ReadOnlySpan<byte> file)
    {
        var output = new ArrayBufferWriter<byte>();
        Copy(file, 0, WireMessage.Model, output, 0);
        return output.WrittenSpan.ToArray();
    }

    private void Copy(ReadOnlySpan<byte> message, int offset, WireMessage kind, ArrayBufferWriter<byte> output, int depth)
    {
        if (depth > WireSchema.DepthLimit)
        {
            throw new MalformedWireException("its graphs are nested too deeply");
        }
        var reader = new WireReader(message);
        // Fields that are carried as they are go out in one piece, up to the next one that changes.
        int pending = 0;
        while (!reader.AtEnd)
        {
            int start = reader.Position;
            (int field, int type) = reader.ReadTag();
            if (type == 4)
            {
                throw new MalformedWireException("a group ends where none began");
            }
            int afterTag = reader.Position;
            bool raw = kind == WireMessage.Tensor && field == WireSchema.RawData && type == 2;
            WireMessage? child = type == 2 ? WireSchema.Child(kind, field) : null;
            if (!raw && child is null)
            {
                reader.SkipValue(field, type);
                continue;
            }
            int length = reader.ReadLength();
            int body = reader.Position;
            reader.Skip(length);
            if (raw && length < Threshold && !PayloadStore.LooksLikePlaceholder(message.Slice(body, length)))
            {
                continue;
            }
            output.Write(message[pending..start]);
            pending = reader.Position;
            output.Write(message[start..afterTag]);
            if (raw)
            {
                ByteString placeholder = payload(offset + body, length);
                WriteVarint(output, placeholder.Length);
                output.Write(placeholder.Span);
            }
            else
            {
                var nested = new ArrayBufferWriter<byte>();
                Copy(message.Slice(body, length), offset + body, child!.Value, nested, depth + 1);
                WriteVarint(output, nested.WrittenCount);
                output.Write(nested.WrittenSpan);
            }
        }
        output.Write(message[pending..]);
    }

    private static void WriteVarint(ArrayBufferWriter<byte> output, int value)
    {
        Span<byte> bytes = output.GetSpan(5);
        int n = 0;
        for (uint v = (uint)value; ; v >>= 7)
        {
            bytes[n++] = v < 0x80 ? (byte)v : (byte)(v | 0x80);
            if (v < 0x80)
            {
                break;
            }
        }
        output.Advance(n);
    }
}
