using System.Globalization;
using System.Text;

namespace Lorq.Reports.Html;

/// <summary>
/// Text from a model, made fit for a page. Names in an ONNX file are any bytes somebody chose: characters that steer the
/// display (controls, bidirectional overrides, invisible formats) are spelled out as <c>\u{202E}</c>, so that what is read is
/// what is there, and so that every text is allowed in HTML and XML. Escaping of markup is left to the writer of the page.
/// </summary>
internal static class SafeText
{
    private const int ZeroWidthNonJoiner = 0x200C;
    private const int ZeroWidthJoiner = 0x200D;

    /// <summary>Text for one line: line breaks and tabs are spelled out too.</summary>
    public static string Line(string text) => Spell(text, keepBreaks: false);

    /// <summary>Text that may have several lines, such as a spec.</summary>
    public static string Block(string text) => Spell(text.ReplaceLineEndings("\n"), keepBreaks: true);

    private static string Spell(string text, bool keepBreaks)
    {
        var safe = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            bool isBreak = keepBreaks && rune.Value is '\n' or '\t';
            if (isBreak || !Steers(rune))
            {
                safe.Append(rune);
            }
            else
            {
                safe.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:X4}}}");
            }
        }
        return safe.ToString();
    }

    private static bool Steers(Rune rune) =>
        Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => true,
            // Scripts and emoji need the joiners.
            UnicodeCategory.Format => rune.Value is not (ZeroWidthNonJoiner or ZeroWidthJoiner),
            // U+FFFE and U+FFFF of every plane are no characters, and XML refuses them.
            UnicodeCategory.OtherNotAssigned => (rune.Value & 0xFFFE) == 0xFFFE,
            _ => false,
        };
}
