using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Lorq.Calibration;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Benchmarks.Judges;

/// <summary>pygpt: perplexity over the original's, predicting token t+1 from the tokens up to t inside each window.</summary>
internal sealed class PerplexityJudge(string folder) : IJudge
{
    private double? reference;

    public string Metric => "perplexity ÷ the original's";

    public string Original => Path.Combine(folder, "model.onnx");

    public string Calibration => Path.Combine(folder, "calibration.npz");

    public double Judge(string path)
    {
        reference ??= LogLoss(Original);
        return Math.Exp(LogLoss(path) - reference.Value);
    }

    /// <summary>Mean negative log-likelihood in nats.</summary>
    public double LogLoss(string path)
    {
        using var runner = new ModelRunner(path);
        SampleSet samples = CalibrationData.Load([Path.Combine(folder, "dev.npz")], runner.Inputs, default);
        double sum = 0;
        long count = 0;
        foreach (IReadOnlyDictionary<string, DataTensor> batch in samples.ToDataSet(8).Batches)
        {
            using IDisposableReadOnlyCollection<OrtValue> outputs = runner.Run(batch);
            ReadOnlySpan<float> logits = outputs[0].GetTensorDataAsSpan<float>();
            long[] shape = outputs[0].GetTensorTypeAndShape().Shape;
            (int tokens, int classes) = ((int)shape[1], (int)shape[2]);
            ReadOnlySpan<long> ids = MemoryMarshal.Cast<byte, long>(batch["input_ids"].Bytes);
            var scratch = new float[classes];
            for (int row = 0; row < ids.Length; row++)
            {
                if (row % tokens == tokens - 1)
                {
                    continue;
                }
                ReadOnlySpan<float> line = logits.Slice(row * classes, classes);
                float peak = TensorPrimitives.Max(line);
                TensorPrimitives.Subtract(line, peak, scratch);
                TensorPrimitives.Exp<float>(scratch, scratch);
                sum += peak + Math.Log(TensorPrimitives.Sum<float>(scratch)) - line[(int)ids[row + 1]];
                count++;
            }
        }
        return sum / count;
    }
}
