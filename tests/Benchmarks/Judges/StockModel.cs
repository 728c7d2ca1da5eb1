using System.Runtime.InteropServices;
using Lorq.Calibration;
using Lorq.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Benchmarks.Judges;

/// <summary>A model file in stock ONNX Runtime: CPU, default options but for the threads, no custom library.</summary>
internal sealed class StockModel : IDisposable
{
    private readonly InferenceSession session;

    /// <summary>Loads a model.</summary>
    /// <param name="path">The model file.</param>
    /// <param name="threads">Threads inside an operator; 0 for ONNX Runtime's default, one per core.</param>
    public StockModel(string path, int threads = 0)
    {
        using var options = new SessionOptions { IntraOpNumThreads = threads };
        session = new InferenceSession(path, options);
    }

    /// <summary>Runs one batch and returns the first output; the caller disposes it.</summary>
    public IDisposableReadOnlyCollection<OrtValue> Run(IReadOnlyDictionary<string, DataTensor> inputs)
    {
        string[] names = [.. inputs.Keys];
        OrtValue[] values = [.. names.Select(n => Value(inputs[n]))];
        try
        {
            using var options = new RunOptions();
            return session.Run(options, names, values, [session.OutputNames[0]]);
        }
        finally
        {
            Array.ForEach(values, v => v.Dispose());
        }
    }

    /// <summary>The samples of data files that fit this model, in batches.</summary>
    public static IReadOnlyList<IReadOnlyDictionary<string, DataTensor>> Batches(string modelPath, string dataPath, int batchSize)
    {
        using var runner = new ModelRunner(modelPath);
        return CalibrationData.Load([dataPath], runner.Inputs, CancellationToken.None).ToDataSet(batchSize).Batches;
    }

    /// <inheritdoc />
    public void Dispose() => session.Dispose();

    private static OrtValue Value(DataTensor tensor) =>
        tensor.ElementType switch
        {
            TensorProto.Types.DataType.Int64 => OrtValue.CreateTensorValueFromMemory(Elements<long>(tensor), tensor.Shape),
            TensorProto.Types.DataType.Float => OrtValue.CreateTensorValueFromMemory(Elements<float>(tensor), tensor.Shape),
            var other => throw new NotSupportedException($"The judges' models take int64 and float inputs, not {other}."),
        };

    private static T[] Elements<T>(DataTensor tensor)
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(tensor.Bytes).ToArray();
}
