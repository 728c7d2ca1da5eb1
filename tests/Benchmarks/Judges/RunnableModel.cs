using System.Runtime.InteropServices;
using Lorq.Calibration;
using Lorq.Onnx;
using Lorq.Runtime;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Benchmarks.Judges;

/// <summary>A model file in ONNX Runtime: CPU, default options but for the threads; stock unless Lorq's operators are asked for.</summary>
internal sealed class RunnableModel : IDisposable
{
    private readonly InferenceSession session;

    /// <summary>Loads a model.</summary>
    /// <param name="path">The model file.</param>
    /// <param name="threads">Threads inside an operator; 0 for ONNX Runtime's default, one per core.</param>
    /// <param name="operators">Run <c>ai.lorq</c> nodes by Lorq's operators; else by their bodies of standard ones.</param>
    public RunnableModel(string path, int threads = 0, bool operators = false)
    {
        using var options = new SessionOptions { IntraOpNumThreads = threads };
        if (operators)
        {
            options.AddLorqOperators();
        }
        session = new InferenceSession(path, options);
    }

    /// <summary>Names of its inputs.</summary>
    public IReadOnlyList<string> Inputs => session.InputNames;

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

    /// <summary>The first rows of a batch, and of each the first tokens.</summary>
    /// <param name="batch">Tensors of rows × tokens.</param>
    /// <param name="rows">Rows wanted; those of the batch are repeated where it has fewer.</param>
    /// <param name="tokens">Tokens wanted, at most as many as there are.</param>
    public static IReadOnlyDictionary<string, DataTensor> Crop(IReadOnlyDictionary<string, DataTensor> batch, int rows, int tokens) =>
        batch.ToDictionary(
            input => input.Key,
            input =>
            {
                (int all, int length) = ((int)input.Value.Shape[0], (int)input.Value.Shape[1]);
                int size = input.Value.Bytes.Length / (all * length);
                var bytes = new byte[rows * tokens * size];
                for (int r = 0; r < rows; r++)
                {
                    input.Value.Bytes.AsSpan(r % all * length * size, tokens * size).CopyTo(bytes.AsSpan(r * tokens * size));
                }
                return new DataTensor(input.Value.ElementType, [rows, tokens], bytes);
            }
        );

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
