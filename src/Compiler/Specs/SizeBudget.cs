using System.Globalization;
using Lorq.Diagnostics;

namespace Lorq.Specs;

/// <summary>How large the written file may be.</summary>
public abstract record SizeBudget
{
    private static readonly (string Unit, double Factor)[] Units =
    [
        ("KiB", 1024),
        ("MiB", 1048576),
        ("GiB", 1073741824),
        ("kB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("B", 1),
    ];

    /// <summary>A share of the original file.</summary>
    /// <param name="Value">Percent, above 0.</param>
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
    /// <param name="Value">Bits per weight, above 0.</param>
    public sealed record BitsPerWeight(double Value) : SizeBudget
    {
        /// <inheritdoc />
        public override string ToString() => Value.ToString(CultureInfo.InvariantCulture) + "bpw";
    }

    /// <summary>Reads <c>25%</c>, <c>14.66MB</c> (10⁶ bytes; also kB, GB, KiB, MiB, GiB), <c>12299000</c> or <c>3.5bpw</c>.</summary>
    /// <exception cref="LorqException">LORQ0201: none of these.</exception>
    public static SizeBudget Parse(string text)
    {
        string t = text.Trim();
        if (t.EndsWith('%'))
        {
            return new Percent(Number(t[..^1], text));
        }
        if (t.EndsWith("bpw", StringComparison.OrdinalIgnoreCase))
        {
            return new BitsPerWeight(Number(t[..^3], text));
        }
        foreach ((string unit, double factor) in Units)
        {
            if (t.EndsWith(unit, StringComparison.OrdinalIgnoreCase))
            {
                return new Bytes(Whole(Number(t[..^unit.Length], text) * factor, text));
            }
        }
        return new Bytes(Whole(Number(t, text), text));
    }

    private static double Number(string digits, string text) =>
        double.TryParse(
            digits.Trim(),
            NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
            CultureInfo.InvariantCulture,
            out double v
        )
        && double.IsFinite(v)
        && v > 0
            ? v
            : throw Catalogue.MalformedBudget.With(text);

    private static long Whole(double value, string text) =>
        value is >= 1 and < 9e15 ? (long)value : throw Catalogue.MalformedBudget.With(text);
}
