using System.Globalization;
using Lorq.Diagnostics;

namespace Lorq.Specs;

/// <summary>How large the written file may be.</summary>
public abstract record SizeBudget
{
    private const double MostPercent = 1000;
    private const double MostBits = 64;
    private const decimal MostBytes = 1L << 53;
    private const NumberStyles Style = NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    private static readonly (string Unit, decimal Factor)[] Units =
    [
        ("KiB", 1024),
        ("MiB", 1048576),
        ("GiB", 1073741824),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("B", 1),
    ];

    /// <summary>A share of the original file.</summary>
    /// <param name="Value">Percent, above 0, at most 1000.</param>
    public sealed record Percent(double Value) : SizeBudget
    {
        /// <inheritdoc />
        public override string ToString() => Value.ToString(CultureInfo.InvariantCulture) + "%";
    }

    /// <summary>A number of bytes.</summary>
    /// <param name="Value">Bytes, above 0.</param>
    public sealed record Bytes(long Value) : SizeBudget
    {
        /// <inheritdoc />
        public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>An average over the weights of all sites, scales and decoding nodes included.</summary>
    /// <param name="Value">Bits per weight, above 0, at most 64.</param>
    public sealed record BitsPerWeight(double Value) : SizeBudget
    {
        /// <inheritdoc />
        public override string ToString() => Value.ToString(CultureInfo.InvariantCulture) + "bpw";
    }

    /// <summary>Reads <c>25%</c>, <c>14.66MB</c> (10⁶ bytes; also kB, GB, KiB, MiB, GiB), <c>12299000</c> or <c>3.5bpw</c>.</summary>
    /// <exception cref="LorqException">LORQ0201: none of these, or out of range.</exception>
    public static SizeBudget Parse(string text)
    {
        string t = text.Trim();
        if (t.EndsWith('%'))
        {
            return new Percent(Real(t[..^1], MostPercent, text));
        }
        if (t.EndsWith("bpw", StringComparison.OrdinalIgnoreCase))
        {
            return new BitsPerWeight(Real(t[..^3], MostBits, text));
        }
        foreach ((string unit, decimal factor) in Units)
        {
            if (t.EndsWith(unit, StringComparison.OrdinalIgnoreCase))
            {
                return new Bytes(Whole(t[..^unit.Length], factor, text));
            }
        }
        // A fraction without a unit was meant as something else.
        return t.Contains('.') ? throw Catalogue.MalformedBudget.With(text) : new Bytes(Whole(t, 1, text));
    }

    private static double Real(string digits, double most, string text) =>
        double.TryParse(digits.Trim(), Style, CultureInfo.InvariantCulture, out double v) && v > 0 && v <= most
            ? v
            : throw Catalogue.MalformedBudget.With(text);

    // Decimal: in binary, 8.29 kB would be 8289.999… bytes and lose one. A fraction of a byte is dropped: a budget is an upper bound.
    private static long Whole(string digits, decimal factor, string text) =>
        decimal.TryParse(digits.Trim(), Style, CultureInfo.InvariantCulture, out decimal v) && v <= MostBytes / factor && v * factor >= 1
            ? (long)(v * factor)
            : throw Catalogue.MalformedBudget.With(text);
}
