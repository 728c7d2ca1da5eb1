using System.Globalization;
using Google.Protobuf;
using Lorq.Diagnostics;
using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>
/// Writes a model whose message holds placeholders: the message is serialized (it is small), its lengths are computed anew with the
/// payloads in place, and the payloads are streamed from where they are.
/// </summary>
internal sealed class ModelWriter(OnnxModel model, PayloadStore store, SaveOptions options)
{
    /// <summary>External tensors begin at multiples of this, so that readers can map them.</summary>
    private const int Alignment = 64;

    /// <summary>Bytes that <see cref="Write"/> writes for a file of this name length.</summary>
    public long Measure()
    {
        Layout layout = Arrange("model.onnx");
        return layout.Length + layout.External.Sum(e => e.Padding + e.Payload.Length);
    }

    /// <summary>Writes the model; see <see cref="OnnxModel.Save"/>.</summary>
    public long Write(string path, CancellationToken cancellationToken)
    {
        string full = Path.GetFullPath(path);
        Layout layout = Arrange(Path.GetFileName(full));
        if (layout.Length > options.InlineLimit)
        {
            throw Catalogue.TooLargeInline.With(path, layout.Length);
        }
        string suffix = $".{Environment.ProcessId}-{Guid.NewGuid():N}.tmp";
        (string modelFile, string dataFile) = (full + suffix, full + ".data" + suffix);
        try
        {
            long written = 0;
            if (layout.External.Count > 0)
            {
                using FileStream data = Create(dataFile);
                foreach ((int padding, ReadOnlyMemory<byte> payload) in layout.External)
                {
                    data.Write(new byte[padding]);
                    Copy(payload, data, cancellationToken);
                }
                data.Flush();
                written += data.Length;
            }
            using (FileStream file = Create(modelFile))
            {
                foreach (ReadOnlyMemory<byte> piece in layout.Pieces)
                {
                    Copy(piece, file, cancellationToken);
                }
                file.Flush();
                written += file.Length;
            }
            if (layout.External.Count > 0)
            {
                File.Move(dataFile, full + ".data", overwrite: true);
            }
            File.Move(modelFile, full, overwrite: true);
            return written;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Catalogue.CannotWriteFile.With(path, e.Message);
        }
        finally
        {
            File.Delete(modelFile);
            File.Delete(dataFile);
        }
    }

    private static FileStream Create(string path) => new(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);

    private static void Copy(ReadOnlyMemory<byte> bytes, FileStream target, CancellationToken cancellationToken)
    {
        const int Chunk = 1 << 22;
        for (int i = 0; i < bytes.Length; i += Chunk)
        {
            cancellationToken.ThrowIfCancellationRequested();
            target.Write(bytes.Span.Slice(i, Math.Min(Chunk, bytes.Length - i)));
        }
    }

    private Layout Arrange(string fileName)
    {
        Layout layout = Arrange(fileName, options.ExternalData == ExternalDataMode.External);
        return layout.Length > options.InlineLimit && options.ExternalData == ExternalDataMode.Auto ? Arrange(fileName, true) : layout;
    }

    private Layout Arrange(string fileName, bool allExternal)
    {
        ModelProto proto = model.Proto;
        var external = new List<(int Padding, ReadOnlyMemory<byte> Payload)>();
        bool hadExternal = TensorWalk.Tensors(proto).Any(t => t.DataLocation == TensorProto.Types.DataLocation.External);
        if (allExternal || hadExternal)
        {
            proto = proto.Clone();
            long offset = 0;
            foreach (TensorProto tensor in TensorWalk.Tensors(proto))
            {
                bool wasExternal = tensor.DataLocation == TensorProto.Types.DataLocation.External;
                bool isLarge = tensor.HasRawData && PayloadStore.LooksLikePlaceholder(tensor.RawData.Span);
                if (!wasExternal && !(allExternal && isLarge))
                {
                    continue;
                }
                ReadOnlyMemory<byte> payload = model.ReadBytes(tensor);
                tensor.ExternalData.Clear();
                if (options.ExternalData == ExternalDataMode.Inline)
                {
                    tensor.ClearDataLocation();
                    model.Attach(tensor, payload);
                    continue;
                }
                int padding = (int)(-offset & (Alignment - 1));
                external.Add((padding, payload));
                offset += padding;
                tensor.ClearRawData();
                tensor.DataLocation = TensorProto.Types.DataLocation.External;
                Add(tensor, "location", fileName + ".data");
                Add(tensor, "offset", offset.ToString(CultureInfo.InvariantCulture));
                Add(tensor, "length", payload.Length.ToString(CultureInfo.InvariantCulture));
                offset += payload.Length;
            }
        }
        var pieces = new List<ReadOnlyMemory<byte>>();
        long length = Expand(proto.ToByteArray(), WireMessage.Model, pieces);
        return new Layout(pieces, length, external);
    }

    private static void Add(TensorProto tensor, string key, string value) =>
        tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });

    /// <summary>Appends the pieces of a message with its payloads in place and returns their length.</summary>
    private long Expand(ReadOnlyMemory<byte> message, WireMessage kind, List<ReadOnlyMemory<byte>> pieces)
    {
        var reader = new WireReader(message.Span);
        int pending = 0;
        long length = 0;
        while (!reader.AtEnd)
        {
            (int field, int type) = reader.ReadTag();
            int afterTag = reader.Position;
            WireMessage? child = type == 2 ? WireSchema.Child(kind, field) : null;
            bool raw = kind == WireMessage.Tensor && field == WireSchema.RawData && type == 2;
            if (child is null && !raw)
            {
                reader.SkipValue(field, type);
                continue;
            }
            int size = reader.ReadLength();
            ReadOnlyMemory<byte> body = message.Slice(reader.Position, size);
            reader.Skip(size);
            if (raw && !store.TryGet(body.Span, out body))
            {
                continue;
            }
            pieces.Add(message[pending..afterTag]);
            length += afterTag - pending;
            pending = reader.Position;
            int place = pieces.Count;
            pieces.Add(default);
            long nested = raw ? body.Length : Expand(body, child!.Value, pieces);
            if (raw)
            {
                pieces.Add(body);
            }
            pieces[place] = Varint(nested);
            length += pieces[place].Length + nested;
        }
        pieces.Add(message[pending..]);
        return length + message.Length - pending;
    }

    private static byte[] Varint(long value)
    {
        var bytes = new byte[10];
        int n = 0;
        for (ulong v = (ulong)value; ; v >>= 7)
        {
            bytes[n++] = v < 0x80 ? (byte)v : (byte)(v | 0x80);
            if (v < 0x80)
            {
                return bytes[..n];
            }
        }
    }

    private sealed record Layout(
        IReadOnlyList<ReadOnlyMemory<byte>> Pieces,
        long Length,
        IReadOnlyList<(int Padding, ReadOnlyMemory<byte> Payload)> External
    );
}
