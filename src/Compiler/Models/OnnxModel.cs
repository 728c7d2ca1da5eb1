using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>
/// An ONNX model: its protobuf graph without the large payloads, which stay in the memory-mapped file (or in an external
/// data file) until they are read. What is not touched is written back as it was.
/// </summary>
public sealed class OnnxModel : IDisposable
{
    /// <summary>Opens a model file.</summary>
    /// <param name="path">The <c>.onnx</c> file.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="Diagnostics.LorqException">Any malformed file: a 01xx entry of the catalogue.</exception>
    public static OnnxModel Load(string path, CancellationToken cancellationToken = default) => throw new NotImplementedException();

    /// <summary>The file it was loaded from, as given.</summary>
    public string Path => throw new NotImplementedException();

    /// <summary>The protobuf message. Tensors whose payload is large hold a reference instead of bytes: read them by <see cref="ReadBytes"/>.</summary>
    public ModelProto Proto => throw new NotImplementedException();

    /// <summary>Bytes on disk: the file plus every external data file it refers to.</summary>
    public long FileBytes => throw new NotImplementedException();

    /// <summary>The version of an operator set this model imports; 0 when it does not. The default domain is "" (also "ai.onnx").</summary>
    public long Opset(string domain = "") => throw new NotImplementedException();

    /// <summary>All scopes: the main graph, then nested graphs in stored order, then functions. Recomputed after <see cref="Invalidate"/>.</summary>
    public IReadOnlyList<GraphScope> Scopes => throw new NotImplementedException();

    /// <summary>Forgets the scopes after an edit of the graph.</summary>
    public void Invalidate() => throw new NotImplementedException();

    /// <summary>The little-endian raw bytes of any tensor of this model, wherever they are stored (raw_data, typed fields, mapped file, external file, attached payload).</summary>
    public ReadOnlyMemory<byte> ReadBytes(TensorProto tensor) => throw new NotImplementedException();

    /// <summary>The values of a float tensor (fp32, fp16, bf16, double) as fp32; a new array.</summary>
    public float[] ReadFloats(TensorProto tensor) => throw new NotImplementedException();

    /// <summary>Gives a new tensor its payload without copying it into the protobuf; dims and data_type are the caller's.</summary>
    public void Attach(TensorProto tensor, ReadOnlyMemory<byte> payload) => throw new NotImplementedException();

    /// <summary>An independent copy of the graph that shares the mapped payloads; the original must outlive it.</summary>
    public OnnxModel Clone() => throw new NotImplementedException();

    /// <summary>The exact number of bytes <see cref="Save"/> would write with these options, external data included.</summary>
    public long MeasureBytes(SaveOptions? options = null) => throw new NotImplementedException();

    /// <summary>
    /// Writes the model atomically (temporary file in the same folder, then rename), streaming payloads from where they are.
    /// </summary>
    /// <returns>Bytes written, external data included.</returns>
    public long Save(string path, SaveOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotImplementedException();

    /// <inheritdoc />
    public void Dispose() => throw new NotImplementedException();
}

/// <summary>How a model is written.</summary>
/// <param name="ExternalData">
/// <c>Auto</c>: tensors that were external stay external and all go external when the file would pass 2 GB;
/// <c>Inline</c>: everything in one file; <c>External</c>: large tensors in <c>&lt;file&gt;.data</c>.
/// </param>
public sealed record SaveOptions(ExternalDataMode ExternalData = ExternalDataMode.Auto);

/// <summary>Where large tensors go on saving.</summary>
public enum ExternalDataMode
{
    /// <summary>Inline unless the file would pass 2 GB.</summary>
    Auto,

    /// <summary>Everything in the model file.</summary>
    Inline,

    /// <summary>Large tensors in one file beside it.</summary>
    External,
}
