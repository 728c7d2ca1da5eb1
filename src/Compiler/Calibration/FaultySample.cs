using Lorq.Checks;
using Lorq.Diagnostics;

namespace Lorq.Calibration;

/// <summary>Finds which sample of a batch makes a tensor NaN or infinite: by running the samples one at a time.</summary>
/// <param name="data">The data.</param>
/// <param name="batch">The batch in question.</param>
/// <param name="taps">The model.</param>
/// <param name="mask">The input that marks padding, or null.</param>
internal sealed class FaultySample(DataSet data, int batch, TappedModel taps, string? mask)
{
    /// <summary>The error that names tensor and sample.</summary>
    public LorqException Report(MomentKey key, CancellationToken cancellationToken)
    {
        IReadOnlyDictionary<string, DataTensor> whole = data.Batches[batch];
        long rows = Rows(whole);
        SampleOrigin[] origins =
            data.Origins.Count > batch
                ? [.. data.Origins[batch]]
                :
                [
                    .. Enumerable
                        .Range(0, (int)rows)
                        .Select(i => new SampleOrigin(data.Source, (int)data.Batches.Take(batch).Sum(Rows) + i)),
                ];
        if (origins.Length > 1 && rows % origins.Length == 0 && whole.Values.All(t => t.Shape.FirstOrDefault() == rows))
        {
            for (int i = 0; i < origins.Length; i++)
            {
                IReadOnlyDictionary<string, DataTensor> sample = Slice(whole, i, origins.Length);
                using TappedValues values = taps.Run(sample, cancellationToken);
                if (!IsFinite(key, values, RowMask.Of(sample, mask), cancellationToken))
                {
                    return Catalogue.ActivationNotFinite.With(key.Tensor, origins[i].Index, origins[i].Source);
                }
            }
        }
        // Only together, or not to be taken apart: the whole batch is named.
        string indices = origins.Length == 1 ? $"{origins[0].Index}" : $"{origins[0].Index} to {origins[^1].Index}";
        return Catalogue.ActivationNotFinite.With(key.Tensor, indices, origins[0].Source);
    }

    private static bool IsFinite(MomentKey key, TappedValues values, RowMask? mask, CancellationToken cancellationToken) =>
        new MomentAccumulator(key).Add(values.Floats(key.Tensor, out long[] shape), shape, mask, cancellationToken);

    private static long Rows(IReadOnlyDictionary<string, DataTensor> inputs) => inputs.Values.First().Shape.FirstOrDefault(1);

    private static Dictionary<string, DataTensor> Slice(IReadOnlyDictionary<string, DataTensor> inputs, int index, int count) =>
        inputs.ToDictionary(
            p => p.Key,
            p =>
            {
                int size = p.Value.Bytes.Length / count;
                return new DataTensor(
                    p.Value.ElementType,
                    [p.Value.Shape[0] / count, .. p.Value.Shape.AsSpan(1)],
                    p.Value.Bytes.AsSpan(index * size, size).ToArray()
                );
            },
            StringComparer.Ordinal
        );
}
