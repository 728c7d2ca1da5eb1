using Google.Protobuf;
using Lorq.Diagnostics;
using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>
/// Loads a model: maps the file, strips the large payloads off the wire format, parses what is left with Google.Protobuf,
/// maps external data, and checks what every later stage relies on.
/// </summary>
internal sealed class ModelReader(string path, CancellationToken cancellationToken)
{
    private readonly PayloadTable payloads = new();
    private readonly Dictionary<string, MappedFile> files = new(StringComparer.Ordinal);

    /// <summary>Loads the model.</summary>
    /// <exception cref="LorqException">Anything is wrong with it.</exception>
    public OnnxModel Load()
    {
        try
        {
            ModelProto proto = Parse(Open());
            string? missing =
                proto.Graph is null ? "graph"
                : !proto.HasIrVersion ? "IR version"
                // Before IR version 3 there were no operator sets to state.
                : proto.OpsetImport.Count == 0 && proto.IrVersion >= 3 ? "opset import"
                : null;
            if (missing is not null)
            {
                throw Catalogue.ModelIncomplete.With(path, missing);
            }
            TensorVisitor.Visit(proto, (tensor, _, label) => CheckTensor(tensor, label));
            var model = new OnnxModel(path, proto, payloads, [.. files.Values]);
            // Building the scopes finds cycles and names that are defined twice.
            _ = model.Scopes;
            return model;
        }
        catch
        {
            foreach (MappedFile file in files.Values)
            {
                file.Release();
            }
            throw;
        }
    }

    private MappedFile Open()
    {
        if (Directory.Exists(path))
        {
            throw Catalogue.CannotReadFile.With(path, "it is a folder.");
        }
        try
        {
            if (!File.Exists(path))
            {
                throw Catalogue.ModelNotFound.With(path);
            }
            long length = MappedFile.Size(path);
            if (length == 0)
            {
                throw Catalogue.ModelEmpty.With(path);
            }
            if (length > int.MaxValue)
            {
                throw Catalogue.ModelTooLarge.With(path, length, int.MaxValue);
            }
            var file = new MappedFile(path);
            files.Add(Path.GetFullPath(path), file);
            return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw Catalogue.CannotReadFile.With(path, e.Message);
        }
    }

    private ModelProto Parse(MappedFile file)
    {
        ReadOnlyMemory<byte> bytes = file.Memory(0, checked((int)file.Length));
        var walker = new WireWalker(
            (content, offset) =>
                content.Length > PayloadTable.Threshold || PayloadTable.LooksLikePlaceholder(content)
                    ? new Payload(payloads.Add(new Payload(file, offset, content.Length)))
                    : null,
            cancellationToken
        );
        try
        {
            long length = walker.WalkModel(bytes.Span);
            if (length > Array.MaxLength)
            {
                throw Catalogue.ModelTooLarge.With(path, length, Array.MaxLength);
            }
            using var stripped = new MemoryStream((int)length);
            WireWalker.Apply(bytes.Span, walker.Edits, stripped, cancellationToken);
            return ModelProto.Parser.ParseFrom(stripped.GetBuffer(), 0, (int)stripped.Length);
        }
        catch (WireFormatException e) when (e.TooDeep)
        {
            throw Catalogue.ModelTooDeep.With(path, WireWalker.MaximumDepth);
        }
        catch (WireFormatException e)
        {
            throw walker.MetModelField ? Catalogue.ModelDamaged.With(path, e.Message, e.Offset) : Catalogue.NotOnnx.With(path, e.Message);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw e.Message.Contains("nesting", StringComparison.OrdinalIgnoreCase)
                ? Catalogue.ModelTooDeep.With(path, WireWalker.MaximumDepth)
            : e.Message.Contains("UTF-8", StringComparison.Ordinal) ? Catalogue.TextNotUtf8.With(path)
            : Catalogue.NotOnnx.With(path, e.Message.TrimEnd('.'));
        }
    }

    /// <summary>Maps a tensor's external data, and checks that its data has the size that its dimensions and type ask for.</summary>
    private void CheckTensor(TensorProto tensor, Func<string> label)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (tensor.Segment is not null)
        {
            throw Catalogue.UnsupportedStorage.With(path, label(), "is a segment of a larger tensor");
        }
        long elements = TensorLayout.ElementCount(tensor, path, label);
        long? byteCount = TensorLayout.ByteCount(tensor, elements);
        if (ExternalLocation.IsExternal(tensor))
        {
            MapExternal(tensor, label, byteCount);
            return;
        }
        if (tensor.HasRawData)
        {
            long held = payloads.Find(tensor)?.Length ?? tensor.RawData.Length;
            if (byteCount is { } needed && held != needed)
            {
                throw Mismatch(tensor, label, $"{needed} bytes", $"{held}");
            }
        }
        else if (TensorFields.Count(tensor, elements) is { } field && field.Held != field.Needed)
        {
            throw Mismatch(tensor, label, $"{field.Needed} entries of {field.Field}", $"{field.Held}");
        }
    }

    private void MapExternal(TensorProto tensor, Func<string> label, long? byteCount)
    {
        ExternalLocation external = ExternalLocation.Read(tensor, path, label());
        MappedFile file = OpenExternal(external.Resolve(path, label()), external.Location, label());
        long length = external.Length ?? byteCount ?? file.Length - external.Offset;
        if (external.Offset > file.Length || length > file.Length - external.Offset)
        {
            throw Catalogue.ExternalDataRange.With(path, label(), external.Location, external.Offset, length, file.Length);
        }
        if (byteCount is { } needed && length != needed)
        {
            throw Mismatch(tensor, label, $"{needed} bytes", $"{length}");
        }
        tensor.RawData = ByteString.CopyFrom(payloads.Add(new Payload(file, external.Offset, length)));
    }

    private MappedFile OpenExternal(string file, string location, string label)
    {
        if (files.TryGetValue(file, out MappedFile? open))
        {
            return open;
        }
        try
        {
            if (!File.Exists(file))
            {
                throw Catalogue.ExternalDataMissing.With(
                    path,
                    label,
                    location,
                    Directory.Exists(file) ? "it is a folder." : "there is no such file."
                );
            }
            var mapped = new MappedFile(file);
            files.Add(file, mapped);
            return mapped;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw Catalogue.ExternalDataMissing.With(path, label, location, e.Message);
        }
    }

    private LorqException Mismatch(TensorProto tensor, Func<string> label, string needed, string held) =>
        Catalogue.PayloadMismatch.With(path, label(), TensorLayout.Describe(tensor.Dims), TensorLayout.ElementType(tensor), needed, held);
}
