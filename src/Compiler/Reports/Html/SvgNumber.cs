using System.Globalization;

namespace Lorq.Reports.Html;

/// <summary>Coordinates as SVG writes them: a dot, no exponent, no more digits than a screen shows.</summary>
internal static class SvgNumber
{
    /// <summary>A length in pixels.</summary>
    public static string Pixels(double value) => Zero(value, 2).ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>A share of the width: <c>12.5%</c> for 0.125.</summary>
    public static string Percent(double share) => Zero(100 * share, 3).ToString("0.###", CultureInfo.InvariantCulture) + "%";

    // Rounding gives -0, which would be written with its sign.
    private static double Zero(double value, int digits)
    {
        double rounded = Math.Round(value, digits);
        return rounded == 0 ? 0 : rounded;
    }
}
