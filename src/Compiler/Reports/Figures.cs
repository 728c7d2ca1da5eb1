using System.Globalization;

namespace Lorq.Reports;

/// <summary>How numbers are written for people, the same on every machine.</summary>
internal static class Figures
{
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    /// <summary>A size in decimal units, for example <c>14.66 MB</c>; the unit that budgets are written in.</summary>
    public static string Bytes(long bytes) =>
        Math.Abs(bytes) switch
        {
            < 1_000 => string.Create(Invariant, $"{bytes} B"),
            < 1_000_000 => string.Create(Invariant, $"{bytes / 1e3:F1} kB"),
            < 1_000_000_000 => string.Create(Invariant, $"{bytes / 1e6:F2} MB"),
            _ => string.Create(Invariant, $"{bytes / 1e9:F2} GB"),
        };

    /// <summary>All digits, in groups: <c>14 660 000</c>.</summary>
    public static string Whole(long value) => value.ToString("#,0", Invariant).Replace(',', ' ');

    /// <summary>The same, or a dash.</summary>
    public static string Whole(long? value) => value is null ? "–" : Whole(value.Value);

    /// <summary>A count with its noun: <c>1 row</c>, <c>12 rows</c>.</summary>
    public static string Count(long count, string noun) =>
        $"{Whole(count)} {noun}{(count == 1 ? "" : noun.EndsWith("ch", StringComparison.Ordinal) ? "es" : "s")}";

    /// <summary>A share: <c>16.2 %</c>.</summary>
    public static string Percent(double share) => string.Create(Invariant, $"{100 * share:F1} %");

    /// <summary>A loss or error with three significant digits; tiny ones with an exponent.</summary>
    public static string Loss(double value) =>
        double.IsNaN(value) ? "NaN"
        : double.IsInfinity(value) ? "infinite"
        : value == 0 ? "0"
        : Math.Abs(value) is >= 1e-4 and < 1e4 ? value.ToString("0." + new string('0', Decimals(value)), Invariant)
        : value.ToString("0.00e+0", Invariant);

    /// <summary>The same, or a dash.</summary>
    public static string Loss(double? value) => value is null ? "–" : Loss(value.Value);

    /// <summary>A number near 1, such as a cosine or an agreement, with six decimals.</summary>
    public static string Fraction(double? value) => value is null ? "–" : value.Value.ToString("F6", Invariant);

    /// <summary>One decimal, for bits per weight.</summary>
    public static string OneDecimal(double value) => value.ToString("F1", Invariant);

    /// <summary>A factor: <c>×1.04</c>.</summary>
    public static string Factor(double value) => string.Create(Invariant, $"×{value:F2}");

    /// <summary>A time: <c>0.02 s</c>, <c>12.3 s</c>, <c>2 min 05 s</c>.</summary>
    public static string Seconds(double seconds) =>
        seconds < 10 ? string.Create(Invariant, $"{seconds:F2} s")
        : seconds < 120 ? string.Create(Invariant, $"{seconds:F1} s")
        : string.Create(Invariant, $"{Math.Floor(seconds / 60):F0} min {Math.Floor(seconds % 60):00} s");

    /// <summary>A time in milliseconds: <c>3.21 ms</c>.</summary>
    public static string Milliseconds(double seconds) => string.Create(Invariant, $"{1000 * seconds:F2} ms");

    /// <summary>A number at an axis: <c>0.05</c>, <c>20</c>, <c>1e-6</c>; no more digits than it has.</summary>
    public static string Tick(double value) =>
        value == 0 || Math.Abs(value) is >= 1e-3 and < 1e5
            ? value.ToString("0.######", Invariant)
            : value.ToString("0.##e+0", Invariant).Replace("e+", "e", StringComparison.Ordinal);

    /// <summary>A size at an axis: <c>2.5 MB</c>.</summary>
    public static string TickBytes(double bytes) =>
        Math.Abs(bytes) switch
        {
            < 1e3 => string.Create(Invariant, $"{bytes:0.##} B"),
            < 1e6 => string.Create(Invariant, $"{bytes / 1e3:0.##} kB"),
            < 1e9 => string.Create(Invariant, $"{bytes / 1e6:0.##} MB"),
            _ => string.Create(Invariant, $"{bytes / 1e9:0.##} GB"),
        };

    /// <summary>A bar of <paramref name="width"/> characters when <paramref name="share"/> is 1; at least a sliver when it is not 0.</summary>
    public static string Bar(double share, int width)
    {
        int eighths = (int)Math.Round(Math.Clamp(share, 0, 1) * width * 8);
        eighths = share > 0 ? Math.Max(1, eighths) : 0;
        string bar = new('█', eighths / 8);
        return eighths % 8 == 0 ? bar : bar + "▏▎▍▌▋▊▉"[eighths % 8 - 1];
    }

    /// <summary>Cuts a name to at most <paramref name="width"/> characters, in the middle: both ends tell sites apart.</summary>
    public static string Shorten(string text, int width)
    {
        if (text.Length <= width)
        {
            return text;
        }
        int tail = (width - 1) * 2 / 3;
        return string.Concat(text.AsSpan(0, width - 1 - tail), "…", text.AsSpan(text.Length - tail));
    }

    private static int Decimals(double value) => Math.Clamp(2 - (int)Math.Floor(Math.Log10(Math.Abs(value))), 0, 6);
}
