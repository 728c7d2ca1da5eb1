using System.Numerics.Tensors;

namespace Lorq.Checks;

/// <summary>What of a row of the original is needed again at every comparison.</summary>
/// <param name="Energy">Σa²; not finite when the row is not.</param>
/// <param name="LogSum">log Σ exp(a) for logits, log Σ max(a, tiny) for probabilities.</param>
/// <param name="Top">Index of the largest value.</param>
internal readonly record struct RowStatistics(double Energy, double LogSum, int Top);

/// <summary>Whether a row could be compared.</summary>
internal enum RowState
{
    /// <summary>Both rows are finite (but for equal infinities at equal places).</summary>
    Compared,

    /// <summary>The original's row is not finite.</summary>
    OriginalNotFinite,

    /// <summary>Only the compressed row is not finite.</summary>
    CompressedNotFinite,
}

/// <summary>The comparison of one row.</summary>
internal readonly record struct RowOutcome(
    RowState State,
    double Energy,
    double Error,
    double MaxError,
    double Cosine,
    double Kl,
    bool SameTop
);

/// <summary>
/// Compares one row at a time. Everything is widened to fp64 first: a KL of 1e-6 nats is the difference of terms near 10, and
/// a cosine of 0.999999 has nothing left in fp32. One instance per thread: it holds the scratch space.
/// </summary>
internal sealed class RowKernel(int width, ClassAxis axis)
{
    /// <summary>Floor under probabilities (the smallest normal fp32), so that an underflown class costs about 87 nats and not infinity.</summary>
    private const double TinyProbability = 1.17549435e-38;

    private readonly double[] original = new double[width];
    private readonly double[] compressed = new double[width];
    private readonly double[] scratch = new double[width];
    private readonly double[] difference = new double[width];

    /// <summary>The statistics of a row of the original.</summary>
    public RowStatistics Prepare(ReadOnlySpan<float> a)
    {
        Span<double> wide = original.AsSpan(0, a.Length);
        TensorPrimitives.ConvertTruncating(a, wide);
        double energy = TensorPrimitives.SumOfSquares<double>(wide);
        return axis == ClassAxis.None || !double.IsFinite(energy) ? new(energy, 0, 0) : new(energy, LogSum(wide, a, out int top), top);
    }

    /// <summary>Compares a row with the original's.</summary>
    public RowOutcome Compare(ReadOnlySpan<float> a, ReadOnlySpan<float> b, RowStatistics statistics)
    {
        Span<double> wideA = original.AsSpan(0, a.Length);
        Span<double> wideB = compressed.AsSpan(0, a.Length);
        TensorPrimitives.ConvertTruncating(b, wideB);
        double energyB = TensorPrimitives.SumOfSquares<double>(wideB);
        if (!double.IsFinite(statistics.Energy))
        {
            return CompareWithoutEqualInfinities(a, b);
        }
        if (!double.IsFinite(energyB))
        {
            return new(RowState.CompressedNotFinite, statistics.Energy, 0, 0, 0, 0, false);
        }
        TensorPrimitives.ConvertTruncating(a, wideA);
        Span<double> delta = difference.AsSpan(0, a.Length);
        TensorPrimitives.Subtract(wideA, wideB, delta);
        double error = TensorPrimitives.SumOfSquares<double>(delta);
        double largest = Math.Abs(TensorPrimitives.MaxMagnitude<double>(delta));
        double kl = 0;
        bool sameTop = false;
        double cosine = Cosine(wideA, wideB, statistics.Energy, energyB);
        if (axis != ClassAxis.None)
        {
            double logSum = LogSum(wideB, b, out int top);
            sameTop = top == statistics.Top;
            kl = axis == ClassAxis.Logits ? KlOfLogits(statistics.LogSum, logSum) : KlOfProbabilities(statistics.LogSum, logSum);
        }
        return new(RowState.Compared, statistics.Energy, error, largest, cosine, Math.Max(0, kl), sameTop);

        // Σp(log p − log q) with log p = a − lse(a) and log q = b − lse(b); exactly 0 for equal rows.
        double KlOfLogits(double logSumA, double logSumB)
        {
            Span<double> p = scratch.AsSpan(0, width);
            TensorPrimitives.Subtract(original, logSumA, p);
            TensorPrimitives.Exp<double>(p, p);
            return TensorPrimitives.Dot<double>(p, difference) + logSumB - logSumA;
        }

        // Rounded probabilities do not sum to 1 exactly: both rows are normalised, else the KL could be negative.
        double KlOfProbabilities(double logSumA, double logSumB)
        {
            TensorPrimitives.Max(original, TinyProbability, original);
            TensorPrimitives.Max(compressed, TinyProbability, compressed);
            TensorPrimitives.Divide<double>(original, compressed, difference);
            TensorPrimitives.Log<double>(difference, difference);
            return TensorPrimitives.Dot<double>(original, difference) * Math.Exp(-logSumA) + logSumB - logSumA;
        }
    }

    private static double Cosine(ReadOnlySpan<double> a, ReadOnlySpan<double> b, double energyA, double energyB)
    {
        if (energyA == 0 || energyB == 0)
        {
            return energyA == energyB ? 1 : 0;
        }
        // Two square roots instead of one of the product, which could underflow.
        return Math.Clamp(TensorPrimitives.Dot(a, b) / (Math.Sqrt(energyA) * Math.Sqrt(energyB)), -1, 1);
    }

    private double LogSum(ReadOnlySpan<double> wide, ReadOnlySpan<float> values, out int top)
    {
        float max = TensorPrimitives.Max(values);
        top = values.IndexOf(max);
        Span<double> work = scratch.AsSpan(0, wide.Length);
        if (axis == ClassAxis.Probabilities)
        {
            TensorPrimitives.Max(wide, TinyProbability, work);
            return Math.Log(TensorPrimitives.Sum<double>(work));
        }
        TensorPrimitives.Subtract(wide, max, work);
        TensorPrimitives.Exp<double>(work, work);
        return max + Math.Log(TensorPrimitives.Sum<double>(work));
    }

    /// <summary>Suppressed classes are −∞ in both models: they say nothing about the compression, and the rest of the row does.</summary>
    private RowOutcome CompareWithoutEqualInfinities(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var restA = new List<float>(a.Length);
        var restB = new List<float>(a.Length);
        for (int i = 0; i < a.Length; i++)
        {
            if (float.IsInfinity(a[i]) && a[i] == b[i])
            {
                continue;
            }
            if (!float.IsFinite(a[i]))
            {
                return new(RowState.OriginalNotFinite, 0, 0, 0, 0, 0, false);
            }
            restA.Add(a[i]);
            restB.Add(b[i]);
        }
        if (restA.Count == 0)
        {
            return new(RowState.Compared, 0, 0, 0, 1, 0, true);
        }
        var rest = new RowKernel(restA.Count, axis);
        float[] finite = [.. restA];
        return rest.Compare(finite, restB.ToArray(), rest.Prepare(finite));
    }
}
