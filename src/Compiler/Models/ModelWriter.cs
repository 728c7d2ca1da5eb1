using Google.Protobuf;
using Lorq.Diagnostics;
using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>
/// What a save will write, worked out before the first byte: the protobuf without payloads, the edits that splice them in,
/// and the layout of the external data file.
/// </summary>
internal sealed class ModelWriter
{
    /// <summary>External tensors start at multiples of this, which suits vector loads from a mapped file.</summary>
    internal const int Alignment = 64;

    private readonly byte[] skeleton;
    private readonly IReadOnlyList<WireEdit> edits;
    private readonly List<(long Offset, Payload Payload)> external = [];

    private ModelWriter(
        OnnxModel model,
        string dataName,
        Func<TensorProto, TensorPlace, bool> isExternal,
        CancellationToken cancellationToken
    )
    {
        ModelProto proto = model.Proto;
        if (NeedsMoves(model, isExternal))
        {
            proto = proto.Clone();
            Move(proto, model.Payloads, dataName, isExternal);
        }
        skeleton = proto.ToByteArray();
        var walker = new WireWalker((content, _) => model.Payloads.Find(content), cancellationToken);
        ModelBytes = walker.WalkModel(skeleton);
        edits = walker.Edits;
    }

    /// <summary>Bytes of the model file.</summary>
    public long ModelBytes { get; }

    /// <summary>Bytes of the external data file; 0 when there is none.</summary>
    public long DataBytes { get; private set; }

    /// <summary>Decides where each tensor goes.</summary>
    /// <param name="model">The model.</param>
    /// <param name="path">Where it will be saved.</param>
    /// <param name="options">How.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <exception cref="LorqException">One file was asked for, and it would be too large.</exception>
    public static ModelWriter Plan(OnnxModel model, string path, SaveOptions options, CancellationToken cancellationToken)
    {
        string dataName = DataName(path);
        var plan = options.ExternalData switch
        {
            ExternalDataMode.Inline => new ModelWriter(model, dataName, (_, _) => false, cancellationToken),
            ExternalDataMode.External => new ModelWriter(model, dataName, CanBeExternal, cancellationToken),
            _ => new ModelWriter(model, dataName, (tensor, _) => ExternalLocation.IsExternal(tensor), cancellationToken),
        };
        if (plan.ModelBytes > options.InlineLimit && options.ExternalData == ExternalDataMode.Auto)
        {
            plan = new ModelWriter(model, dataName, CanBeExternal, cancellationToken);
        }
        return plan.ModelBytes <= options.InlineLimit
            ? plan
            : throw Catalogue.InlineTooLarge.With(path, plan.ModelBytes, options.InlineLimit);
    }

    /// <summary>Writes the files: all bytes under temporary names, then the renames, the data file's first.</summary>
    public void Write(string path, SaveOptions options, CancellationToken cancellationToken)
    {
        string target = Path.GetFullPath(path);
        string dataTarget = Path.Combine(Path.GetDirectoryName(target)!, DataName(path));
        try
        {
            if (Directory.Exists(target))
            {
                throw Catalogue.CannotWriteFile.With(path, "it is a folder.");
            }
            using AtomicFile? data = external.Count == 0 ? null : new AtomicFile(dataTarget, DataBytes, options.Create);
            if (data is not null)
            {
                WriteData(data.Stream, cancellationToken);
                data.Close();
            }
            using var file = new AtomicFile(target, ModelBytes, options.Create);
            WireWalker.Apply(skeleton, edits, file.Stream, cancellationToken);
            file.Close();
            cancellationToken.ThrowIfCancellationRequested();
            Commit(data, dataTarget, file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw AtomicFile.Explain(e, path, ModelBytes + DataBytes);
        }
    }

    /// <summary>Renames both files. When the second rename fails, the earlier data file returns, so that an earlier model still fits it.</summary>
    private static void Commit(AtomicFile? data, string dataTarget, AtomicFile file)
    {
        if (data is null)
        {
            file.Commit();
            return;
        }
        string? backup = null;
        if (File.Exists(dataTarget))
        {
            backup = AtomicFile.TemporaryName(dataTarget);
            File.Move(dataTarget, backup);
        }
        try
        {
            data.Commit();
            file.Commit();
        }
        catch
        {
            File.Delete(dataTarget);
            if (backup is not null)
            {
                File.Move(backup, dataTarget);
            }
            throw;
        }
        if (backup is not null)
        {
            File.Delete(backup);
        }
    }

    private void WriteData(Stream stream, CancellationToken cancellationToken)
    {
        long position = 0;
        Span<byte> padding = stackalloc byte[Alignment];
        padding.Clear();
        foreach ((long offset, Payload payload) in external)
        {
            stream.Write(padding[..(int)(offset - position)]);
            payload.CopyTo(stream, cancellationToken);
            position = offset + payload.Length;
        }
    }

    /// <summary>The name of the data file beside a model file.</summary>
    internal static string DataName(string path) => Path.GetFileName(path) + ".data";

    /// <summary>ONNX Runtime reads external data of initializers and of Constant nodes in graphs; other attributes stay inline unless they were external.</summary>
    private static bool CanBeExternal(TensorProto tensor, TensorPlace place) =>
        place != TensorPlace.Other || ExternalLocation.IsExternal(tensor);

    private static bool NeedsMoves(OnnxModel model, Func<TensorProto, TensorPlace, bool> isExternal)
    {
        bool needed = false;
        TensorVisitor.Visit(
            model.Proto,
            (tensor, place, _) =>
                needed |= model.Payloads.Find(tensor) is not null && (ExternalLocation.IsExternal(tensor) || isExternal(tensor, place))
        );
        return needed;
    }

    private void Move(ModelProto proto, PayloadTable payloads, string dataName, Func<TensorProto, TensorPlace, bool> isExternal) =>
        TensorVisitor.Visit(
            proto,
            (tensor, place, _) =>
            {
                if (payloads.Find(tensor) is not { } payload)
                {
                    return;
                }
                if (isExternal(tensor, place))
                {
                    long offset = (DataBytes + Alignment - 1) / Alignment * Alignment;
                    new ExternalLocation(dataName, offset, payload.Length).Write(tensor);
                    tensor.ClearRawData();
                    external.Add((offset, payload));
                    DataBytes = offset + payload.Length;
                }
                else if (ExternalLocation.IsExternal(tensor))
                {
                    tensor.ExternalData.Clear();
                    tensor.ClearDataLocation();
                }
            }
        );
}
