namespace Lorq.Reports.Html;

/// <summary>An axis on which equal steps are equal factors.</summary>
internal sealed class LogScale : Scale
{
    private const int MostTicks = 6;
    private const int MostTightTicks = 10;
    private const int FewestTightTicks = 3;
    private const double Margin = 1.08;
    private readonly double low;
    private readonly double high;

    private LogScale(double[] steps, Func<double, bool> isMajor)
    {
        low = Math.Log(steps[0]);
        high = Math.Log(steps[^1]);
        // Too many: powers only, then every second, third, … of them. The ends of the axis need not be labelled.
        double[] shown = steps.Length <= MostTicks ? steps : [.. steps.Where(isMajor)];
        int every = (shown.Length + MostTicks - 1) / MostTicks;
        Ticks = [.. shown.Where((_, i) => i % every == 0)];
    }

    private LogScale(double least, double most, double[] ticks)
    {
        low = Math.Log(least);
        high = Math.Log(most);
        Ticks = ticks;
    }

    /// <inheritdoc />
    public override IReadOnlyList<double> Ticks { get; }

    /// <summary>An axis with powers of ten; with 1, 2, 5 times them where it spans few.</summary>
    /// <param name="values">Finite and positive; at least one.</param>
    public static LogScale Decimal(IEnumerable<double> values)
    {
        double[] all = [.. values];
        int first = (int)Math.Floor(Math.Log10(all.Min()));
        int last = (int)Math.Ceiling(Math.Log10(all.Max()));
        double[] multiples = last - first <= 3 ? [1, 2, 5] : [1];
        double[] steps =
        [
            .. Enumerable.Range(first, Math.Max(1, last - first)).SelectMany(p => multiples.Select(m => m * Power(p))),
            Power(Math.Max(first + 1, last)),
        ];
        return new LogScale(Around(steps, all), s => s == Power((int)Math.Round(Math.Log10(s))));
    }

    /// <summary>An axis with powers of two.</summary>
    /// <param name="values">Finite and positive; at least one.</param>
    public static LogScale Binary(IEnumerable<double> values)
    {
        double[] all = [.. values];
        int first = (int)Math.Floor(Math.Log2(all.Min()));
        int last = Math.Max(first + 1, (int)Math.Ceiling(Math.Log2(all.Max())));
        return new LogScale([.. Enumerable.Range(first, last - first + 1).Select(p => Math.Pow(2, p))], _ => true);
    }

    /// <summary>An axis that ends a little beyond the values, wherever that is: for values that fill several powers of ten in part.</summary>
    /// <param name="values">Finite and positive; at least one.</param>
    public static LogScale Tight(IEnumerable<double> values)
    {
        double[] all = [.. values];
        (double least, double most) = (all.Min() / Margin, all.Max() * Margin);
        int first = (int)Math.Floor(Math.Log10(least));
        int last = (int)Math.Ceiling(Math.Log10(most));
        double[] Steps(params double[] multiples) =>
            [
                .. Enumerable
                    .Range(first, last - first + 1)
                    .SelectMany(p => multiples.Select(m => m * Power(p)))
                    .Where(s => s >= least && s <= most),
            ];
        double[] ticks = Steps(1, 2, 5);
        ticks =
            ticks.Length > MostTightTicks ? Steps(1)
            : ticks.Length >= FewestTightTicks ? ticks
            // Within a factor of a few, equal differences look nearly equal.
            : [.. LinearScale.Over([least, most]).Ticks.Where(t => t >= least && t <= most)];
        return new LogScale(least, most, ticks);
    }

    /// <summary>The value at the start of the axis.</summary>
    public double Start => Math.Exp(low);

    /// <summary>The value at its end.</summary>
    public double End => Math.Exp(high);

    /// <inheritdoc />
    public override double Position(double value) => (Math.Log(value) - low) / (high - low);

    /// <summary>The steps from the last one below all values to the first one above.</summary>
    private static double[] Around(double[] steps, double[] values)
    {
        (double least, double most) = (values.Min(), values.Max());
        int first = Math.Min(steps.Length - 2, Math.Max(0, Array.FindLastIndex(steps, s => s <= least)));
        int last = Array.FindIndex(steps, s => s >= most);
        return steps[first..(Math.Max(first + 1, last < 0 ? steps.Length - 1 : last) + 1)];
    }

    // Parsed, not computed: Math.Pow(10, -5) is not the number written 1e-5.
    private static double Power(int exponent) => double.Parse($"1e{exponent}", System.Globalization.CultureInfo.InvariantCulture);
}
