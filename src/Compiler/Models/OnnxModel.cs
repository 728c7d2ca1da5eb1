using Google.Protobuf;
using Lorq.Diagnostics;
using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>
/// An ONNX model: its protobuf graph without the large payloads, which stay in the memory-mapped file (or in an external
/// data file) until they are read. What is not touched is written back as it was.
/// </summary>
public sealed class OnnxModel : IDisposable
{
    private readonly PayloadStore store;
    private readonly string folder;
    private IReadOnlyList<GraphScope>? scopes;
    private bool disposed;

    private OnnxModel(string path, ModelProto proto, PayloadStore store, long fileBytes)
    {
        Path = path;
        Proto = proto;
        this.store = store;
        FileBytes = fileBytes;
        folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
    }

    /// <summary>The file it was loaded from, as given.</summary>
    public string Path { get; }

    /// <summary>The protobuf message. Tensors whose payload is large hold a reference instead of bytes: read them by <see cref="ReadBytes"/>.</summary>
    public ModelProto Proto { get; }

    /// <summary>Bytes on disk: the file plus every external data file it refers to.</summary>
    public long FileBytes { get; }

    /// <summary>All scopes: the main graph, then nested graphs in stored order, then functions. Recomputed after <see cref="Invalidate"/>.</summary>
    public IReadOnlyList<GraphScope> Scopes => scopes ??= ScopeBuilder.Build(this);

    /// <summary>Opens a model file.</summary>
    /// <param name="path">The <c>.onnx</c> file.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="LorqException">Any malformed file: a 01xx entry of the catalogue.</exception>
    public static OnnxModel Load(string path, CancellationToken cancellationToken = default)
    {
        var store = new PayloadStore();
        try
        {
            MappedFile file = store.Map(path);
            if (file.Length > int.MaxValue)
            {
                throw Catalogue.NotOnnx.With(path, $"it has {file.Length} bytes, and a protobuf file cannot pass 2 GB");
            }
            ModelProto proto = Parse(path, file, store);
            cancellationToken.ThrowIfCancellationRequested();
            string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
            long external = TensorWalk
                .Tensors(proto)
                .Where(t => t.DataLocation == TensorProto.Types.DataLocation.External)
                .Select(t => ExternalPayload.PathOf(t, folder))
                .Distinct(StringComparer.Ordinal)
                .Sum(p => new FileInfo(p).Length);
            var model = new OnnxModel(path, proto, store, file.Length + external);
            ModelValidator.Validate(model, cancellationToken);
            return model;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>The version of an operator set this model imports; 0 when it does not. The default domain is "" (also "ai.onnx").</summary>
    public long Opset(string domain = "") =>
        Proto.OpsetImport.FirstOrDefault(o => o.Domain == domain || (domain.Length == 0 && o.Domain == "ai.onnx"))?.Version ?? 0;

    /// <summary>Forgets the scopes after an edit of the graph.</summary>
    public void Invalidate() => scopes = null;

    /// <summary>The little-endian raw bytes of any tensor of this model, wherever they are stored (raw_data, typed fields, mapped file, external file, attached payload).</summary>
    /// <exception cref="LorqException">The stored bytes do not fit the tensor's dimensions and type.</exception>
    public ReadOnlyMemory<byte> ReadBytes(TensorProto tensor)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (tensor.DataLocation == TensorProto.Types.DataLocation.External)
        {
            return ExternalPayload.Read(tensor, folder, store);
        }
        if (tensor.HasRawData)
        {
            ReadOnlyMemory<byte> bytes = store.TryGet(tensor.RawData.Span, out ReadOnlyMemory<byte> payload)
                ? payload
                : tensor.RawData.Memory;
            TensorFormat.RequireLength(tensor, bytes.Length);
            return bytes;
        }
        return TensorFormat.FromTypedFields(tensor);
    }

    /// <summary>The values of a float tensor (fp32, fp16, bf16, double) as fp32; a new array.</summary>
    public float[] ReadFloats(TensorProto tensor) => TensorFormat.ToFloats(tensor, ReadBytes(tensor).Span);

    /// <summary>Gives a new tensor its payload without copying it into the protobuf; dims and data_type are the caller's.</summary>
    public void Attach(TensorProto tensor, ReadOnlyMemory<byte> payload) =>
        tensor.RawData = payload.Length < ModelStripper.Threshold ? ByteString.CopyFrom(payload.Span) : store.Add(payload);

    /// <summary>Bytes a tensor's payload takes in the file, without reading it.</summary>
    public long StoredBytes(TensorProto tensor)
    {
        if (tensor.DataLocation == TensorProto.Types.DataLocation.External)
        {
            return TensorFormat.RawBytes(tensor);
        }
        return tensor.HasRawData && store.TryGet(tensor.RawData.Span, out ReadOnlyMemory<byte> payload) ? payload.Length
            : tensor.HasRawData ? tensor.RawData.Length
            : tensor.CalculateSize();
    }

    /// <summary>An independent copy of the graph that shares the mapped payloads; the original must outlive it.</summary>
    public OnnxModel Clone() => new(Path, Proto.Clone(), store.Share(), FileBytes);

    /// <summary>The exact number of bytes <see cref="Save"/> would write with these options, external data included.</summary>
    public long MeasureBytes(SaveOptions? options = null) => new ModelWriter(this, store, options ?? new SaveOptions()).Measure();

    /// <summary>
    /// Writes the model atomically (temporary file in the same folder, then rename), streaming payloads from where they are.
    /// </summary>
    /// <returns>Bytes written, external data included.</returns>
    /// <exception cref="LorqException">The place cannot be written to.</exception>
    public long Save(string path, SaveOptions? options = null, CancellationToken cancellationToken = default) =>
        new ModelWriter(this, store, options ?? new SaveOptions()).Write(path, cancellationToken);

    /// <inheritdoc />
    public void Dispose()
    {
        if (!disposed)
        {
            disposed = true;
            store.Dispose();
        }
    }

    private static ModelProto Parse(string path, MappedFile file, PayloadStore store)
    {
        ReadOnlySpan<byte> bytes = file.Slice(0, (int)file.Length).Span;
        if (bytes.IsEmpty)
        {
            throw Catalogue.NotOnnx.With(path, "it is empty");
        }
        try
        {
            byte[] stripped = new ModelStripper((offset, length) => store.Add(file.Slice(offset, length))).Strip(bytes);
            ModelProto proto = ModelProto.Parser.ParseFrom(stripped);
            return proto.Graph is not null ? proto : throw Catalogue.NotOnnx.With(path, "it holds no graph");
        }
        catch (MalformedWireException e)
        {
            throw Catalogue.NotOnnx.With(path, e.Message);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw Catalogue.NotOnnx.With(path, e.Message.TrimEnd('.'));
        }
    }
}

/// <summary>How a model is written.</summary>
/// <param name="ExternalData">Where large tensors go.</param>
public sealed record SaveOptions(ExternalDataMode ExternalData = ExternalDataMode.Auto)
{
    /// <summary>Bytes above which <see cref="ExternalDataMode.Auto"/> moves large tensors out of the model file; protobuf's limit.</summary>
    internal long InlineLimit { get; init; } = int.MaxValue;
}

/// <summary>Where large tensors go on saving.</summary>
public enum ExternalDataMode
{
    /// <summary>Tensors that were external stay external; all large ones go external when the file would pass 2 GB.</summary>
    Auto,

    /// <summary>Everything in the model file.</summary>
    Inline,

    /// <summary>Large tensors in one file beside it, <c>&lt;file&gt;.data</c>.</summary>
    External,
}
