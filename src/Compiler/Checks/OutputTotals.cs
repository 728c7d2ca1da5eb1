using Lorq.Calibration;

namespace Lorq.Checks;

/// <summary>The running sums of one output.</summary>
internal sealed class OutputTotals(TensorSignature output)
{
    private bool floats;
    private ClassAxis axis;
    private long rows;
    private long masked;
    private long originalNotFinite;
    private long compressedNotFinite;
    private int mismatches;
    private double cosine;
    private double error;
    private double energy;
    private double largest;
    private double kl;
    private double boundedKl;
    private long sameTop;
    private long elements;
    private long equal;

    /// <summary>Adds the rows of a floating-point output, in order.</summary>
    public void Add(FloatReference reference, RowOutcome[] outcomes, bool sameShape)
    {
        floats = true;
        axis = reference.Axis;
        masked += reference.Units - reference.Count;
        mismatches += sameShape ? 0 : 1;
        foreach (RowOutcome row in outcomes)
        {
            switch (row.State)
            {
                case RowState.OriginalNotFinite:
                    originalNotFinite++;
                    continue;
                case RowState.CompressedNotFinite:
                    compressedNotFinite++;
                    break;
                default:
                    cosine += row.Cosine;
                    error += row.Error;
                    largest = Math.Max(largest, row.MaxError);
                    kl += row.Kl;
                    boundedKl += row.Kl / (1 + row.Kl / OutputDivergence.KlBound);
                    sameTop += row.SameTop ? 1 : 0;
                    break;
            }
            rows++;
            energy += row.Energy;
        }
    }

    /// <summary>Adds the elements of another output.</summary>
    public void Add(ExactReference reference, bool[] same, bool sameShape)
    {
        masked += reference.Units - reference.Count;
        mismatches += sameShape ? 0 : 1;
        elements += same.Length;
        equal += same.AsSpan().Count(true);
    }

    /// <summary>The figures.</summary>
    public OutputDivergence Result()
    {
        bool broken = compressedNotFinite > 0;
        bool any = floats && rows > 0;
        bool classes = any && axis != ClassAxis.None;
        return new(
            output.Name,
            output.ElementType.ToString().ToLowerInvariant(),
            axis,
            floats ? rows : elements,
            masked,
            any ? cosine / rows : null,
            any ? (broken ? double.PositiveInfinity : Relative(error, energy)) : null,
            any ? (broken ? double.PositiveInfinity : largest) : null,
            classes ? (broken ? double.PositiveInfinity : kl / rows) : null,
            classes ? (double)sameTop / rows : null,
            elements > 0 ? (double)equal / elements : null,
            originalNotFinite,
            compressedNotFinite,
            mismatches
        )
        {
            BoundedKl = classes ? (broken ? double.PositiveInfinity : boundedKl / rows) : null,
        };
    }

    /// <summary>error / energy; 0 for 0/0.</summary>
    public static double Relative(double error, double energy) => error == 0 ? 0 : error / energy;
}
