using System.Runtime.InteropServices;
using Lorq.Models;
using Lorq.Onnx;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Lorq.Calibration;

/// <summary>A model with inner tensors exposed: a temporary copy whose graph has them as further outputs.</summary>
internal sealed class TappedModel : IDisposable
{
    private readonly string folder;
    private readonly ModelRunner runner;
    private readonly string[] outputs;

    /// <summary>Opens the model with the given tensors exposed; graph inputs among them are read from the batch.</summary>
    public TappedModel(OnnxModel model, IReadOnlyList<string> tensors, int threads, CancellationToken cancellationToken)
    {
        folder = Directory.CreateTempSubdirectory("lorq-taps-").FullName;
        try
        {
            using OnnxModel tapped = model.Clone();
            GraphProto graph = tapped.Proto.Graph;
            HashSet<string> inputs = [.. graph.Input.Select(i => i.Name)];
            HashSet<string> existing = [.. graph.Output.Select(o => o.Name)];
            outputs = [.. tensors.Where(t => !inputs.Contains(t))];
            // A tensor that no output needs would be dropped with its node; as an output it stays, whatever is fused around it.
            graph.Output.AddRange(outputs.Where(t => !existing.Contains(t)).Select(t => new ValueInfoProto { Name = t }));
            string path = Path.Combine(folder, "taps.onnx");
            tapped.Save(path, null, cancellationToken);
            runner = new ModelRunner(path, threads);
        }
        catch
        {
            Directory.Delete(folder, true);
            throw;
        }
    }

    /// <summary>Runs a batch.</summary>
    public TappedValues Run(IReadOnlyDictionary<string, DataTensor> batch, CancellationToken cancellationToken) =>
        new(batch, outputs, runner.Run(batch, outputs, cancellationToken));

    /// <inheritdoc />
    public void Dispose()
    {
        runner.Dispose();
        Directory.Delete(folder, true);
    }
}

/// <summary>The exposed tensors of one batch.</summary>
internal sealed class TappedValues(
    IReadOnlyDictionary<string, DataTensor> batch,
    string[] names,
    IDisposableReadOnlyCollection<OrtValue> values
) : IDisposable
{
    /// <summary>A float tensor (fp16 widened).</summary>
    public ReadOnlySpan<float> Floats(string name, out long[] shape)
    {
        if (batch.TryGetValue(name, out DataTensor? input))
        {
            shape = input.Shape;
            return Widen(input.Bytes, input.ElementType == TensorProto.Types.DataType.Float16);
        }
        OrtValue value = Find(name, out shape, out TensorElementType type);
        return type == TensorElementType.Float
            ? value.GetTensorDataAsSpan<float>()
            : Widen(MemoryMarshal.AsBytes(value.GetTensorDataAsSpan<Float16>()), true);
    }

    /// <summary>An index tensor (int32 or int64).</summary>
    public long[] Integers(string name, out long[] shape)
    {
        if (batch.TryGetValue(name, out DataTensor? input))
        {
            shape = input.Shape;
            return input.ElementType == TensorProto.Types.DataType.Int64
                ? MemoryMarshal.Cast<byte, long>(input.Bytes).ToArray()
                : [.. MemoryMarshal.Cast<byte, int>(input.Bytes).ToArray().Select(i => (long)i)];
        }
        OrtValue value = Find(name, out shape, out TensorElementType type);
        return type == TensorElementType.Int64
            ? value.GetTensorDataAsSpan<long>().ToArray()
            : [.. value.GetTensorDataAsSpan<int>().ToArray().Select(i => (long)i)];
    }

    /// <inheritdoc />
    public void Dispose() => values.Dispose();

    private OrtValue Find(string name, out long[] shape, out TensorElementType type)
    {
        OrtValue value = values[Array.IndexOf(names, name)];
        OrtTensorTypeAndShapeInfo info = value.GetTensorTypeAndShape();
        (shape, type) = (info.Shape, info.ElementDataType);
        return value;
    }

    private static float[] Widen(ReadOnlySpan<byte> bytes, bool isHalf)
    {
        if (!isHalf)
        {
            return MemoryMarshal.Cast<byte, float>(bytes).ToArray();
        }
        var wide = new float[bytes.Length / 2];
        System.Numerics.Tensors.TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(bytes), wide);
        return wide;
    }
}
