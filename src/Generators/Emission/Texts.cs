using System.Globalization;
using System.Text;
using Lorq.Generators.Manifests;
using Microsoft.CodeAnalysis.CSharp;

namespace Lorq.Generators.Emission;

/// <summary>How texts from a manifest stand in code and in its documentation.</summary>
internal static class Texts
{
    /// <summary>A string literal.</summary>
    public static string Literal(string text) => SymbolDisplay.FormatLiteral(text, true);

    /// <summary>Text within XML documentation: one line, markup and what XML cannot hold escaped.</summary>
    public static string Xml(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (char c in text)
        {
            escaped.Append(
                c switch
                {
                    '&' => "&amp;",
                    '<' => "&lt;",
                    '>' => "&gt;",
                    _ when char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029' or '\uFFFE' or '\uFFFF' =>
                        $"\\u{(int)c:x4}",
                    _ => $"{c}",
                }
            );
        }
        return escaped.ToString();
    }

    /// <summary>A tensor as documentation states it.</summary>
    public static string Doc(Tensor tensor) => $"<c>{Xml(tensor.Name)}</c>: {Xml(tensor.ToString())}";

    /// <summary>What became of the model, as a sentence; empty where the manifest was made without compressing.</summary>
    public static string Facts(CompressionFacts? facts)
    {
        if (facts is null)
        {
            return "";
        }
        double share = facts.OriginalBytes > 0 ? (double)facts.Bytes / facts.OriginalBytes : 1;
        string loss = double.TryParse(facts.Loss, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            ? value.ToString("0.######", CultureInfo.InvariantCulture)
            : facts.Loss;
        return string.Format(
            CultureInfo.InvariantCulture,
            "{0:0.00} MB, compressed from the {1:0.00} MB of <c>{2}</c> ({3:0.0} %); {4} loss {5} ({6}).",
            facts.Bytes / 1e6,
            facts.OriginalBytes / 1e6,
            Xml(facts.OriginalFile),
            100 * share,
            facts.Measured ? "measured" : "predicted",
            Xml(loss),
            Xml(facts.Metric)
        );
    }
}
