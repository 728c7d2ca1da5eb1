namespace Lorq.Checks;

/// <summary>The running sums of one sample over all outputs of a batch.</summary>
internal struct SampleTotals
{
    private long rows;
    private double error;
    private double energy;
    private double cosine;
    private double kl;
    private long classRows;
    private bool broken;
    private long elements;
    private long different;

    /// <summary>The sample that the i-th unit of an output belongs to; −1 when the output does not have the sample axis first.</summary>
    public static int Owner(ReferenceTensor tensor, int i, int samples)
    {
        if (samples == 1)
        {
            return 0;
        }
        // In a floating-point output of rank 1 a row spans all samples.
        bool hasAxis = tensor.Shape.Length > (tensor is FloatReference ? 1 : 0) && tensor.Shape[0] == samples;
        return hasAxis ? tensor.Position(i) / (tensor.Units / samples) : -1;
    }

    /// <summary>Adds a row.</summary>
    public void Add(RowOutcome row, ClassAxis axis)
    {
        if (row.State == RowState.OriginalNotFinite)
        {
            return;
        }
        broken |= row.State == RowState.CompressedNotFinite;
        rows++;
        error += row.Error;
        energy += row.Energy;
        cosine += row.Cosine;
        if (axis != ClassAxis.None)
        {
            kl += row.Kl;
            classRows++;
        }
    }

    /// <summary>Adds an element that is equal or not.</summary>
    public void Add(bool same)
    {
        elements++;
        different += same ? 0 : 1;
    }

    /// <summary>The figures; null when no output has the sample axis.</summary>
    public readonly SampleDivergence? Result(long index)
    {
        if (rows > 0)
        {
            return new(
                index,
                broken ? double.PositiveInfinity : OutputTotals.Relative(error, energy),
                cosine / rows,
                classRows == 0 ? null
                    : broken ? double.PositiveInfinity
                    : kl / classRows
            );
        }
        return elements > 0 ? new(index, (double)different / elements, null, null) : null;
    }
}

/// <summary>Keeps the samples with the largest relative MSE.</summary>
internal sealed class WorstSamples
{
    private const int Kept = 5;
    private readonly List<SampleDivergence> list = [];

    /// <summary>Offers a sample; of equal ones the earlier stays.</summary>
    public void Offer(SampleDivergence? sample)
    {
        if (sample is null)
        {
            return;
        }
        int place = list.FindIndex(s => s.RelativeMse < sample.RelativeMse);
        list.Insert(place < 0 ? list.Count : place, sample);
        if (list.Count > Kept)
        {
            list.RemoveAt(Kept);
        }
    }

    /// <summary>Worst first.</summary>
    public IReadOnlyList<SampleDivergence> List() => [.. list];
}
