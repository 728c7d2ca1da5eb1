using Google.Protobuf;
using Lorq.Diagnostics;
using Lorq.Onnx;
using static Lorq.Onnx.TensorProto.Types;

namespace Lorq.Models;

/// <summary>
/// An ONNX model: its protobuf graph without the large payloads, which stay in the memory-mapped file (or in an external
/// data file) until they are read. What is not touched is written back as it was.
/// Reading is safe from several threads; edits of <see cref="Proto"/> are the caller's to order.
/// </summary>
public sealed class OnnxModel : IDisposable
{
    private readonly IReadOnlyList<MappedFile> files;
    private readonly Lock scopesLock = new();
    private IReadOnlyList<GraphScope>? scopes;
    private bool disposed;

    internal OnnxModel(string path, ModelProto proto, PayloadTable payloads, IReadOnlyList<MappedFile> files)
    {
        Path = path;
        Proto = proto;
        Payloads = payloads;
        this.files = files;
    }

    /// <summary>The file it was loaded from, as given.</summary>
    public string Path { get; }

    /// <summary>
    /// The protobuf message. The raw_data of a tensor with a large payload is a short placeholder: read tensors by
    /// <see cref="ReadBytes"/> and give them data by <see cref="Attach"/>. Placeholders may be copied and moved within the model
    /// and into its clones.
    /// </summary>
    public ModelProto Proto { get; }

    /// <summary>Bytes on disk: the file plus every external data file it refers to.</summary>
    public long FileBytes => files.Sum(file => file.Length);

    /// <summary>Names of the external data files that tensors of this model refer to, relative to its folder, in stored order.</summary>
    public IReadOnlyList<string> ExternalFiles
    {
        get
        {
            var names = new OrderedDictionary<string, bool>(StringComparer.Ordinal);
            TensorVisitor.Visit(
                Proto,
                (tensor, _, label) =>
                {
                    if (ExternalLocation.IsExternal(tensor))
                    {
                        names.TryAdd(ExternalLocation.Read(tensor, Path, label()).Location, true);
                    }
                }
            );
            return [.. names.Keys];
        }
    }

    /// <summary>All scopes: the main graph, then nested graphs in stored order, then functions. Recomputed after <see cref="Invalidate"/>.</summary>
    /// <exception cref="LorqException">An edit made the graph cyclic, or defined a name twice.</exception>
    public IReadOnlyList<GraphScope> Scopes
    {
        get
        {
            lock (scopesLock)
            {
                return scopes ??= new ScopeBuilder(this).Build();
            }
        }
    }

    internal PayloadTable Payloads { get; }

    /// <summary>The mapped files: the model's own first, then external data in the order in which tensors refer to it.</summary>
    internal IReadOnlyList<MappedFile> Files => files;

    /// <summary>Opens a model file.</summary>
    /// <param name="path">The <c>.onnx</c> file.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="LorqException">Any malformed file: a 01xx entry of the catalogue.</exception>
    public static OnnxModel Load(string path, CancellationToken cancellationToken = default) =>
        new ModelReader(path, cancellationToken).Load();

    /// <summary>The version of an operator set this model imports; 0 when it does not. The default domain is "" (also "ai.onnx").</summary>
    public long Opset(string domain = "") =>
        Proto
            .OpsetImport.Where(o => o.Domain == domain || (Operators.IsDefaultDomain(domain) && Operators.IsDefaultDomain(o.Domain)))
            .Select(o => o.Version)
            .DefaultIfEmpty(0)
            .Max();

    /// <summary>Forgets the scopes after an edit of the graph.</summary>
    public void Invalidate()
    {
        lock (scopesLock)
        {
            scopes = null;
        }
    }

    /// <summary>
    /// The little-endian raw bytes of any tensor of this model, wherever they are stored (raw_data, typed fields, mapped file,
    /// external file, attached payload). Mapped bytes are not copied and must not be used after this model and its clones are disposed.
    /// </summary>
    /// <exception cref="LorqException">The data does not fit the dimensions, has no fixed element size, or is over 2 GB.</exception>
    public ReadOnlyMemory<byte> ReadBytes(TensorProto tensor)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        return Payloads.Find(tensor) is { } payload ? TensorBytes.Read(tensor, payload, Path) : TensorBytes.ReadInline(tensor, Path);
    }

    /// <summary>The values of a float tensor (fp32, fp16, bf16, double) as fp32; a new array.</summary>
    /// <exception cref="LorqException">Not a float type, or as <see cref="ReadBytes"/>.</exception>
    public float[] ReadFloats(TensorProto tensor)
    {
        DataType type = TensorLayout.ElementType(tensor);
        if (!TensorLayout.IsFloat(type))
        {
            throw Catalogue.NotAFloatTensor.With(Path, TensorBytes.Label(tensor), type);
        }
        ReadOnlySpan<byte> raw = ReadBytes(tensor).Span;
        var values = new float[raw.Length / (TensorLayout.Bits(type)!.Value / 8)];
        FloatConversion.ToSingle(raw, type, values);
        return values;
    }

    /// <summary>Gives a tensor its payload without copying it into the protobuf, in place of any data it has; dims and data_type are the caller's.</summary>
    /// <param name="tensor">A tensor that is or will be part of this model.</param>
    /// <param name="payload">Little-endian raw data, kept by reference: it must not change afterwards.</param>
    public void Attach(TensorProto tensor, ReadOnlyMemory<byte> payload)
    {
        tensor.FloatData.Clear();
        tensor.Int32Data.Clear();
        tensor.StringData.Clear();
        tensor.Int64Data.Clear();
        tensor.DoubleData.Clear();
        tensor.Uint64Data.Clear();
        tensor.ExternalData.Clear();
        tensor.ClearDataLocation();
        bool small = payload.Length <= PayloadTable.Threshold && !PayloadTable.LooksLikePlaceholder(payload.Span);
        tensor.RawData = ByteString.CopyFrom(small ? payload.Span : Payloads.Add(new Payload(payload)));
    }

    /// <summary>An independent copy of the graph that shares the mapped payloads. Either may be disposed first.</summary>
    public OnnxModel Clone()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        foreach (MappedFile file in files)
        {
            file.Retain();
        }
        return new OnnxModel(Path, Proto.Clone(), Payloads.Clone(), files);
    }

    /// <summary>The exact number of bytes <see cref="Save"/> would write with these options, external data included.</summary>
    /// <param name="options">How it would be saved.</param>
    /// <param name="path">Where; only the length of its file name matters, which external tensors repeat. The model's own path when null.</param>
    /// <exception cref="LorqException">One file was asked for, and it would be too large.</exception>
    public long MeasureBytes(SaveOptions? options = null, string? path = null)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        var plan = ModelWriter.Plan(this, path ?? Path, options ?? new SaveOptions(), CancellationToken.None);
        return plan.ModelBytes + plan.DataBytes;
    }

    /// <summary>
    /// Writes the model atomically (temporary file in the same folder, then rename), streaming payloads from where they are.
    /// External data goes to <c>&lt;file&gt;.data</c> beside it. Saving over the loaded file is fine (except on Windows, which keeps mapped files from being replaced).
    /// </summary>
    /// <param name="path">The file to write; its folder must exist.</param>
    /// <param name="options">How; the default keeps external what was.</param>
    /// <param name="cancellationToken">Stops writing; nothing is left behind then.</param>
    /// <returns>Bytes written, external data included.</returns>
    /// <exception cref="LorqException">The file cannot be written; what was there before is unchanged.</exception>
    public long Save(string path, SaveOptions? options = null, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        options ??= new SaveOptions();
        var plan = ModelWriter.Plan(this, path, options, cancellationToken);
        plan.Write(path, options, cancellationToken);
        return plan.ModelBytes + plan.DataBytes;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (!disposed)
        {
            disposed = true;
            foreach (MappedFile file in files)
            {
                file.Release();
            }
        }
    }

    /// <summary>Bytes a tensor's data takes as raw data, without reading it.</summary>
    /// <exception cref="LorqException">Its elements have no fixed size, or its dimensions are impossible.</exception>
    public long StoredBytes(TensorProto tensor) => TensorBytes.Count(tensor, Path);
}
