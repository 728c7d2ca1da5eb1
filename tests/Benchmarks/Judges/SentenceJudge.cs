using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Lorq.Calibration;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Benchmarks.Judges;

/// <summary>
/// MiniLM: 1 − mean cosine between the sentence embeddings of a model and the original. A sentence embedding is the mean of
/// <c>last_hidden_state</c> over the attention mask, divided by its length.
/// </summary>
internal sealed class SentenceJudge(string folder) : IJudge
{
    private const int BatchSize = 32;
    private const int RankLimit = 10;

    private float[][]? reference;

    /// <inheritdoc />
    public string Name => "minilm";

    /// <inheritdoc />
    public string Metric => "1 − mean cosine of sentence embeddings";

    /// <inheritdoc />
    public string OriginalPath => Path.Combine(folder, "model.onnx");

    /// <inheritdoc />
    public string CalibrationPath => Path.Combine(folder, "calibration.npz");

    /// <inheritdoc />
    public Judgement Judge(string path, bool operators, CancellationToken cancellationToken)
    {
        reference ??= Embeddings(OriginalPath, false, cancellationToken);
        float[][] own = Embeddings(path, operators, cancellationToken);
        // Embeddings have length 1 up to fp32 rounding, so that their product is the cosine up to 1e-7.
        double[] parts = [.. reference.Zip(own, (a, b) => 1 - (double)TensorPrimitives.Dot<float>(a, b))];
        double loss = parts.Average();
        return new Judgement(
            loss,
            loss.ToString("F5", CultureInfo.InvariantCulture),
            string.Create(CultureInfo.InvariantCulture, $"MRR@{RankLimit} {ReciprocalRank(own):F3}"),
            parts
        );
    }

    /// <inheritdoc />
    public IReadOnlyList<KnownFigure> CheckOriginal(CancellationToken cancellationToken)
    {
        reference ??= Embeddings(OriginalPath, false, cancellationToken);
        return [new($"mean reciprocal rank at {RankLimit}", ReciprocalRank(reference), 0.507, 0.0005)];
    }

    /// <summary>
    /// Mean over the queries of 1/rank of the document each was taken from, 0 past rank 10. The first half of the embeddings are
    /// queries, the second half their documents in the same order.
    /// </summary>
    internal static double ReciprocalRank(float[][] embeddings)
    {
        int half = embeddings.Length / 2;
        double sum = 0;
        for (int q = 0; q < half; q++)
        {
            float own = TensorPrimitives.Dot<float>(embeddings[q], embeddings[half + q]);
            int rank = 1;
            for (int d = half; d < embeddings.Length; d++)
            {
                rank += TensorPrimitives.Dot<float>(embeddings[q], embeddings[d]) > own ? 1 : 0;
            }
            sum += rank <= RankLimit ? 1.0 / rank : 0;
        }
        return sum / half;
    }

    private float[][] Embeddings(string path, bool operators, CancellationToken cancellationToken)
    {
        using var model = new RunnableModel(path, operators: operators);
        var embeddings = new List<float[]>();
        foreach (string file in (string[])["dev-queries.npz", "dev-documents.npz"])
        {
            foreach (var batch in RunnableModel.Batches(OriginalPath, Path.Combine(folder, file), BatchSize))
            {
                cancellationToken.ThrowIfCancellationRequested();
                Embed(model, batch, embeddings);
            }
        }
        return [.. embeddings];
    }

    private static void Embed(RunnableModel model, IReadOnlyDictionary<string, DataTensor> batch, List<float[]> embeddings)
    {
        using IDisposableReadOnlyCollection<OrtValue> outputs = model.Run(batch);
        ReadOnlySpan<float> states = outputs[0].GetTensorDataAsSpan<float>();
        long[] shape = outputs[0].GetTensorTypeAndShape().Shape;
        (int sentences, int tokens, int width) = ((int)shape[0], (int)shape[1], (int)shape[2]);
        ReadOnlySpan<long> mask = MemoryMarshal.Cast<byte, long>(batch["attention_mask"].Bytes);
        for (int s = 0; s < sentences; s++)
        {
            embeddings.Add(Pool(states.Slice(s * tokens * width, tokens * width), mask.Slice(s * tokens, tokens)));
        }
    }

    /// <summary>The mean of the rows whose mask is not 0, divided by its length (which makes the mean a sum).</summary>
    internal static float[] Pool(ReadOnlySpan<float> states, ReadOnlySpan<long> mask)
    {
        var sum = new float[states.Length / mask.Length];
        for (int t = 0; t < mask.Length; t++)
        {
            if (mask[t] != 0)
            {
                TensorPrimitives.Add(sum, states.Slice(t * sum.Length, sum.Length), sum);
            }
        }
        TensorPrimitives.Divide(sum, TensorPrimitives.Norm<float>(sum), sum);
        return sum;
    }
}
