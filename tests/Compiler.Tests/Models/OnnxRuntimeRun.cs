using Google.Protobuf;
using Lorq.Diagnostics;
using Lorq.Onnx;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Lorq.Tests.Models;

/// <summary>Runs a model in stock ONNX Runtime on an ONNX test_data_set folder.</summary>
internal static class OnnxRuntimeRun
{
    /// <summary>Raw bytes of the outputs; null when ONNX Runtime does not support the model, or data that is not plain tensors is involved.</summary>
    public static List<byte[]>? Outputs(string model, string data)
    {
        using var options = new SessionOptions
        {
            IntraOpNumThreads = 1,
            InterOpNumThreads = 1,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        var values = new Dictionary<string, OrtValue>();
        try
        {
            using var session = new InferenceSession(model, options);
            if (session.InputMetadata.Values.Concat(session.OutputMetadata.Values).Any(m => !m.IsTensor || m.IsString))
            {
                return null;
            }
            for (int i = 0; i < session.InputNames.Count; i++)
            {
                var tensor = TensorProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(data, $"input_{i}.pb")));
                byte[] bytes = Fixture.Raw(tensor);
                var value = OrtValue.CreateAllocatedTensorValue(
                    OrtAllocator.DefaultInstance,
                    (TensorElementType)tensor.DataType,
                    [.. tensor.Dims]
                );
                values.Add(session.InputNames[i], value);
                bytes.CopyTo(value.GetTensorMutableRawData());
            }
            using var run = new RunOptions();
            using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(run, values, session.OutputNames);
            return [.. outputs.Select(o => o.GetTensorMutableRawData().ToArray())];
        }
        catch (Exception e) when (e is OnnxRuntimeException or IOException or InvalidProtocolBufferException or LorqException)
        {
            return null;
        }
        finally
        {
            foreach (OrtValue value in values.Values)
            {
                value.Dispose();
            }
        }
    }
}
