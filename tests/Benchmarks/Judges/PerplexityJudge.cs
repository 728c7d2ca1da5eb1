using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Benchmarks.Judges;

/// <summary>pygpt: perplexity over the original's, each window predicting token t+1 from its tokens up to t.</summary>
internal sealed class PerplexityJudge(string folder) : IJudge
{
    private const int BatchSize = 8;

    private double[]? reference;

    /// <inheritdoc />
    public string Name => "pygpt";

    /// <inheritdoc />
    public string Metric => "perplexity ÷ the original's";

    /// <inheritdoc />
    public string OriginalPath => Path.Combine(folder, "model.onnx");

    /// <inheritdoc />
    public string CalibrationPath => Path.Combine(folder, "calibration.npz");

    /// <inheritdoc />
    public Judgement Judge(string path, bool operators, CancellationToken cancellationToken)
    {
        reference ??= LogLoss(OriginalPath, false, cancellationToken);
        double[] windows = LogLoss(path, operators, cancellationToken);
        double nats = windows.Average();
        double ratio = Math.Exp(nats - reference.Average());
        return new Judgement(
            ratio,
            ratio.ToString("F5", CultureInfo.InvariantCulture),
            string.Create(CultureInfo.InvariantCulture, $"perplexity {Math.Exp(nats):F3}"),
            // The derivative of the ratio by the log loss is the ratio.
            [.. windows.Select(w => ratio * w)]
        );
    }

    /// <inheritdoc />
    public IReadOnlyList<KnownFigure> CheckOriginal(CancellationToken cancellationToken)
    {
        reference ??= LogLoss(OriginalPath, false, cancellationToken);
        // Its README gives the log loss as 2.898 too, which this perplexity is not the exponential of: the perplexity is what bars are set on.
        return [new("perplexity", Math.Exp(reference.Average()), 18.4, 0.05)];
    }

    /// <summary>Mean negative log-likelihood of the next token in every window, in nats; windows are of the same length.</summary>
    private double[] LogLoss(string path, bool operators, CancellationToken cancellationToken)
    {
        using var model = new RunnableModel(path, operators: operators);
        var windows = new List<double>();
        foreach (var batch in RunnableModel.Batches(OriginalPath, Path.Combine(folder, "dev.npz"), BatchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using IDisposableReadOnlyCollection<OrtValue> outputs = model.Run(batch);
            long[] shape = outputs[0].GetTensorTypeAndShape().Shape;
            (int length, int classes) = ((int)shape[1], (int)shape[2]);
            ReadOnlySpan<long> tokens = MemoryMarshal.Cast<byte, long>(batch["input_ids"].Bytes);
            ReadOnlySpan<float> logits = outputs[0].GetTensorDataAsSpan<float>();
            for (int w = 0; w < tokens.Length / length; w++)
            {
                (double sum, int count) = LogLoss(
                    logits.Slice(w * length * classes, length * classes),
                    tokens.Slice(w * length, length),
                    length,
                    classes
                );
                windows.Add(sum / count);
            }
        }
        return [.. windows];
    }

    /// <summary>Sum over all tokens that have a predecessor in their window, and how many these are.</summary>
    /// <param name="logits">Windows × length × classes.</param>
    /// <param name="tokens">Windows × length.</param>
    /// <param name="length">Tokens of a window.</param>
    /// <param name="classes">Size of the vocabulary.</param>
    internal static (double Sum, int Count) LogLoss(ReadOnlySpan<float> logits, ReadOnlySpan<long> tokens, int length, int classes)
    {
        var scratch = new float[classes];
        double sum = 0;
        int count = 0;
        for (int position = 0; position < tokens.Length; position++)
        {
            if (position % length == length - 1)
            {
                continue;
            }
            ReadOnlySpan<float> row = logits.Slice(position * classes, classes);
            float peak = TensorPrimitives.Max(row);
            TensorPrimitives.Subtract(row, peak, scratch);
            TensorPrimitives.Exp<float>(scratch, scratch);
            sum += peak + Math.Log(TensorPrimitives.Sum<float>(scratch)) - row[(int)tokens[position + 1]];
            count++;
        }
        return (sum, count);
    }
}
