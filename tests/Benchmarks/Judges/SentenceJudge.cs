using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Lorq.Calibration;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Benchmarks.Judges;

/// <summary>MiniLM: 1 − mean cosine between the sentence embeddings (masked mean, normalised) of a model and the original.</summary>
internal sealed class SentenceJudge(string folder) : IJudge
{
    private float[][]? reference;

    public string Metric => "1 − cosine of sentence embeddings";

    public string Original => Path.Combine(folder, "model.onnx");

    public string Calibration => Path.Combine(folder, "calibration.npz");

    public double Judge(string path)
    {
        reference ??= [.. Embeddings(Original)];
        float[][] own = [.. Embeddings(path)];
        return 1 - reference.Zip(own, (a, b) => (double)TensorPrimitives.Dot<float>(a, b)).Average();
    }

    /// <summary>Mean reciprocal rank (at 10) of document i for query i.</summary>
    public double Retrieval(string path)
    {
        float[][] all = [.. Embeddings(path)];
        int half = all.Length / 2;
        double sum = 0;
        for (int q = 0; q < half; q++)
        {
            float own = TensorPrimitives.Dot<float>(all[q], all[half + q]);
            int rank = 1 + Enumerable.Range(half, half).Count(d => TensorPrimitives.Dot<float>(all[q], all[d]) > own);
            sum += rank <= 10 ? 1.0 / rank : 0;
        }
        return sum / half;
    }

    private IEnumerable<float[]> Embeddings(string path)
    {
        using var runner = new ModelRunner(path);
        foreach (string file in new[] { "dev-queries.npz", "dev-documents.npz" })
        {
            SampleSet samples = CalibrationData.Load([Path.Combine(folder, file)], runner.Inputs, default);
            foreach (IReadOnlyDictionary<string, DataTensor> batch in samples.ToDataSet(32).Batches)
            {
                foreach (float[] embedding in Embed(runner, batch))
                {
                    yield return embedding;
                }
            }
        }
    }

    private static float[][] Embed(ModelRunner runner, IReadOnlyDictionary<string, DataTensor> batch)
    {
        using IDisposableReadOnlyCollection<OrtValue> outputs = runner.Run(batch);
        ReadOnlySpan<float> states = outputs[0].GetTensorDataAsSpan<float>();
        long[] shape = outputs[0].GetTensorTypeAndShape().Shape;
        (int tokens, int width) = ((int)shape[1], (int)shape[2]);
        ReadOnlySpan<long> mask = MemoryMarshal.Cast<byte, long>(batch["attention_mask"].Bytes);
        var result = new float[shape[0]][];
        for (int s = 0; s < result.Length; s++)
        {
            float[] mean = result[s] = new float[width];
            for (int t = 0; t < tokens; t++)
            {
                if (mask[s * tokens + t] != 0)
                {
                    TensorPrimitives.Add(mean, states.Slice((s * tokens + t) * width, width), mean);
                }
            }
            TensorPrimitives.Divide(mean, TensorPrimitives.Norm<float>(mean), mean);
        }
        return result;
    }
}
