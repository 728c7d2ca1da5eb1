namespace Lorq.Calibration;

/// <summary>One sample: a value for every input of the model, the batch axis included.</summary>
/// <param name="Inputs">By input name.</param>
/// <param name="CanJoin">True when samples may be put into one batch along the first axis of every input.</param>
/// <param name="Origin">Where it came from.</param>
public sealed record Sample(IReadOnlyDictionary<string, DataTensor> Inputs, bool CanJoin, SampleOrigin Origin);

/// <summary>Samples that fit a model, in the order of the data.</summary>
/// <param name="Samples">The samples.</param>
/// <param name="Source">Where they came from, for reports.</param>
public sealed record SampleSet(IReadOnlyList<Sample> Samples, string Source)
{
    /// <summary>All samples as batches of at most <paramref name="batchSize"/>.</summary>
    public DataSet ToDataSet(int batchSize) => Batches(Samples, batchSize);

    /// <summary>
    /// Sets an evenly spaced share of the samples aside. With one sample only both parts are that sample, and the flag says so.
    /// </summary>
    /// <param name="heldOut">The share, 0…1 exclusive.</param>
    /// <param name="batchSize">Samples per batch.</param>
    public (DataSet Data, DataSet HeldOut, bool IsSame) Split(double heldOut, int batchSize)
    {
        if (Samples.Count == 1)
        {
            DataSet only = ToDataSet(batchSize);
            return (only, only, true);
        }
        int aside = Math.Clamp((int)Math.Round(Samples.Count * heldOut), 1, Samples.Count - 1);
        // Sample i is set aside where the running share steps up: evenly spaced, without randomness.
        bool IsAside(int i) => (long)(i + 1) * aside / Samples.Count > (long)i * aside / Samples.Count;
        return (
            Batches([.. Samples.Where((_, i) => !IsAside(i))], batchSize),
            Batches([.. Samples.Where((_, i) => IsAside(i))], batchSize),
            false
        );
    }

    /// <summary>The first samples only.</summary>
    public SampleSet Take(int? count) => count is { } n && n < Samples.Count ? this with { Samples = [.. Samples.Take(n)] } : this;

    private DataSet Batches(IReadOnlyList<Sample> samples, int batchSize)
    {
        var batches = new List<IReadOnlyDictionary<string, DataTensor>>();
        var origins = new List<IReadOnlyList<SampleOrigin>>();
        for (int i = 0; i < samples.Count; )
        {
            int end = i + 1;
            while (end < samples.Count && end - i < batchSize && CanJoin(samples[i], samples[end]))
            {
                end++;
            }
            batches.Add(end == i + 1 ? samples[i].Inputs : Join(samples, i, end));
            origins.Add([.. Enumerable.Range(i, end - i).Select(s => samples[s].Origin)]);
            i = end;
        }
        return new DataSet(batches, Source) { Origins = origins };
    }

    private static bool CanJoin(Sample a, Sample b) =>
        a.CanJoin && b.CanJoin && a.Inputs.All(p => p.Value.Shape.AsSpan(1).SequenceEqual(b.Inputs[p.Key].Shape.AsSpan(1)));

    private static Dictionary<string, DataTensor> Join(IReadOnlyList<Sample> samples, int start, int end)
    {
        var joined = new Dictionary<string, DataTensor>(StringComparer.Ordinal);
        foreach ((string name, DataTensor first) in samples[start].Inputs)
        {
            var bytes = new byte[Enumerable.Range(start, end - start).Sum(i => samples[i].Inputs[name].Bytes.Length)];
            long rows = 0;
            int offset = 0;
            for (int i = start; i < end; i++)
            {
                DataTensor part = samples[i].Inputs[name];
                part.Bytes.CopyTo(bytes, offset);
                offset += part.Bytes.Length;
                rows += part.Shape[0];
            }
            joined[name] = new DataTensor(first.ElementType, [rows, .. first.Shape.AsSpan(1)], bytes);
        }
        return joined;
    }
}
