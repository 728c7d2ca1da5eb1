using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Lorq.Models;
using Lorq.Onnx;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Lorq.Calibration;

/// <summary>A model with inner tensors exposed: a temporary copy whose graph has them as further outputs.</summary>
internal sealed class TappedModel : IDisposable
{
    private readonly string[] outputs;
    private readonly string? folder;
    private readonly ModelRunner? runner;

    /// <summary>Opens the model with the given tensors exposed; graph inputs among them are read from the batch.</summary>
    public TappedModel(OnnxModel model, IReadOnlyList<string> tensors, int threads, CancellationToken cancellationToken)
    {
        HashSet<string> inputs = [.. model.Proto.Graph.Input.Select(i => i.Name)];
        outputs = [.. tensors.Where(t => !inputs.Contains(t))];
        if (outputs.Length == 0)
        {
            return;
        }
        folder = Directory.CreateTempSubdirectory("lorq-taps-").FullName;
        try
        {
            using OnnxModel tapped = model.Clone();
            GraphProto graph = tapped.Proto.Graph;
            HashSet<string> existing = [.. graph.Output.Select(o => o.Name)];
            // A tensor that no output needs would be dropped with its node; as an output it stays, whatever is fused around it.
            graph.Output.AddRange(outputs.Where(t => !existing.Contains(t)).Select(t => new ValueInfoProto { Name = t }));
            string path = Path.Combine(folder, "taps.onnx");
            tapped.Save(path, null, cancellationToken);
            runner = new ModelRunner(path, threads, shownAs: model.Path);
        }
        catch
        {
            Directory.Delete(folder, true);
            throw;
        }
    }

    /// <summary>Runs a batch.</summary>
    public TappedValues Run(IReadOnlyDictionary<string, DataTensor> batch, CancellationToken cancellationToken) =>
        new(batch, outputs, runner?.Run(batch, outputs, cancellationToken));

    /// <inheritdoc />
    public void Dispose()
    {
        runner?.Dispose();
        if (folder is not null)
        {
            Directory.Delete(folder, true);
        }
    }
}

/// <summary>The exposed tensors of one batch.</summary>
internal sealed class TappedValues(
    IReadOnlyDictionary<string, DataTensor> batch,
    string[] names,
    IDisposableReadOnlyCollection<OrtValue>? values
) : IDisposable
{
    /// <summary>A float tensor that was taken out, as fp32.</summary>
    public static ReadOnlySpan<float> Floats(DataTensor tensor) => Floats(tensor.Bytes, (TensorElementType)(int)tensor.ElementType);

    /// <summary>A float tensor, as fp32.</summary>
    public ReadOnlySpan<float> Floats(string name, out long[] shape)
    {
        if (batch.TryGetValue(name, out DataTensor? input))
        {
            shape = input.Shape;
            return Floats(input);
        }
        OrtValue value = Find(name, out shape, out TensorElementType type);
        return Floats(value.GetTensorMutableRawData(), type);
    }

    /// <summary>An index tensor (int32 or int64).</summary>
    public long[] Integers(string name, out long[] shape)
    {
        if (batch.TryGetValue(name, out DataTensor? input))
        {
            shape = input.Shape;
            return Integers(input.Bytes, (TensorElementType)(int)input.ElementType);
        }
        OrtValue value = Find(name, out shape, out TensorElementType type);
        return Integers(value.GetTensorMutableRawData(), type);
    }

    /// <inheritdoc />
    public void Dispose() => values?.Dispose();

    private OrtValue Find(string name, out long[] shape, out TensorElementType type)
    {
        OrtValue value = values![Array.IndexOf(names, name)];
        OrtTensorTypeAndShapeInfo info = value.GetTensorTypeAndShape();
        (shape, type) = (info.Shape, info.ElementDataType);
        return value;
    }

    private static long[] Integers(ReadOnlySpan<byte> bytes, TensorElementType type) =>
        type == TensorElementType.Int64
            ? MemoryMarshal.Cast<byte, long>(bytes).ToArray()
            : Array.ConvertAll(MemoryMarshal.Cast<byte, int>(bytes).ToArray(), i => (long)i);

    /// <summary>fp32 in place; any other type as a copy.</summary>
    private static ReadOnlySpan<float> Floats(ReadOnlySpan<byte> bytes, TensorElementType type)
    {
        switch (type)
        {
            case TensorElementType.Float16:
                var wide = new float[bytes.Length / sizeof(ushort)];
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(bytes), wide);
                return wide;
            case TensorElementType.Double:
                var narrow = new float[bytes.Length / sizeof(double)];
                TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, double>(bytes), narrow);
                return narrow;
            case TensorElementType.BFloat16:
                // bf16 is the upper half of fp32.
                return Array.ConvertAll(
                    MemoryMarshal.Cast<byte, ushort>(bytes).ToArray(),
                    u => BitConverter.UInt32BitsToSingle((uint)u << 16)
                );
            default:
                return MemoryMarshal.Cast<byte, float>(bytes);
        }
    }
}
