using System.Globalization;
using Lorq.Diagnostics;
using Lorq.Specs;

namespace Lorq.Caching;

/// <summary>How sizes and ages of a cache are written.</summary>
internal static class CacheLimits
{
    private const double MostDays = 36500;

    /// <summary>Reads a size: <c>2GB</c>, <c>500MiB</c>, <c>0</c>.</summary>
    /// <param name="text">The size.</param>
    /// <param name="where">The option or variable that holds it.</param>
    /// <exception cref="LorqException">LORQ0911: none, or out of range.</exception>
    public static long Bytes(string text, string where)
    {
        if (text.Trim() == "0")
        {
            return 0;
        }
        try
        {
            if (SizeBudget.Parse(text) is SizeBudget.Bytes size)
            {
                return size.Value;
            }
        }
        catch (LorqException)
        {
            // The error of a budget would speak of shares and bits.
        }
        throw Catalogue.MalformedCacheLimit.With(where, text, "a size such as 2GB, 500MB or 12MiB");
    }

    /// <summary>Reads an age: <c>30d</c>, <c>12h</c>, <c>2w</c>.</summary>
    /// <param name="text">The age.</param>
    /// <param name="where">The option that holds it.</param>
    /// <exception cref="LorqException">LORQ0911: none, or out of range.</exception>
    public static TimeSpan Age(string text, string where)
    {
        string t = text.Trim();
        double days =
            t.Length == 0
                ? 0
                : char.ToLowerInvariant(t[^1]) switch
                {
                    'h' => 1 / 24.0,
                    'd' => 1,
                    'w' => 7,
                    _ => 0,
                };
        bool read = double.TryParse(
            t.AsSpan(0, Math.Max(0, t.Length - 1)),
            NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture,
            out double count
        );
        return read && days > 0 && count * days <= MostDays
            ? TimeSpan.FromDays(count * days)
            : throw Catalogue.MalformedCacheLimit.With(
                where,
                text,
                FormattableString.Invariant($"an age such as 12h, 30d or 2w, at most {MostDays}d")
            );
    }
}
