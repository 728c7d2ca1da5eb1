namespace Lorq.Reports.Html;

/// <summary>An axis on which equal steps are equal differences; it begins and ends at round numbers.</summary>
internal sealed class LinearScale : Scale
{
    private const int Steps = 4;
    private readonly double low;
    private readonly double high;

    private LinearScale(double low, double high, double step)
    {
        this.low = low;
        this.high = high;
        int count = (int)Math.Round((high - low) / step);
        Ticks = [.. Enumerable.Range(0, count + 1).Select(i => low + i * step)];
    }

    /// <inheritdoc />
    public override IReadOnlyList<double> Ticks { get; }

    /// <summary>An axis from 0 to at least the largest value.</summary>
    /// <param name="values">Finite and not negative; may be empty.</param>
    public static LinearScale FromZero(IEnumerable<double> values) => Over([0, .. values]);

    /// <summary>An axis over the values.</summary>
    /// <param name="values">Finite; at least one.</param>
    public static LinearScale Over(IEnumerable<double> values)
    {
        double[] all = [.. values];
        (double least, double most) = (all.Min(), all.Max());
        if (least == most)
        {
            (least, most) = most > 0 ? (0, most) : (least, least + 1);
        }
        double step = RoundStep((most - least) / Steps);
        return new LinearScale(Math.Floor(least / step) * step, Math.Ceiling(most / step) * step, step);
    }

    /// <inheritdoc />
    public override double Position(double value) => (value - low) / (high - low);

    /// <summary>The next of 1, 2, 2.5, 5 times a power of ten.</summary>
    private static double RoundStep(double step)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(step)));
        return new[] { 1, 2, 2.5, 5, 10 }.First(m => m * power >= step * (1 - 1e-9)) * power;
    }
}
