using System.Globalization;

namespace Lorq.Caching;

/// <summary>A 128-bit content hash (XxHash128): equal contents have equal digests. Not a cryptographic one: it finds damage, not forgery.</summary>
/// <param name="Value">The hash.</param>
public readonly record struct Digest(UInt128 Value)
{
    /// <summary>Digits of the text form.</summary>
    internal const int TextLength = 32;

    /// <summary>32 lower-case hexadecimal digits.</summary>
    public override string ToString() => Value.ToString("x32", CultureInfo.InvariantCulture);

    /// <summary>Reads the form that <see cref="ToString"/> writes, and no other.</summary>
    public static bool TryParse(string text, out Digest digest)
    {
        bool read = UInt128.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 value);
        digest = new Digest(value);
        return read && digest.ToString() == text;
    }
}
