namespace Lorq.Reports.Html;

/// <summary>Keeps tables of models with thousands of weights at a size that browsers open at once and mail programs send.</summary>
internal static class Largest
{
    /// <summary>The largest rows, in the order they had.</summary>
    /// <param name="rows">All rows.</param>
    /// <param name="size">What they are compared by.</param>
    /// <param name="most">So many at most.</param>
    public static IEnumerable<T> Of<T>(IReadOnlyList<T> rows, Func<T, double> size, int most) =>
        rows.Select((row, i) => (row, i)).OrderByDescending(r => size(r.row)).Take(most).OrderBy(r => r.i).Select(r => r.row);

    /// <summary>What a list is called: <c>Full list: 12 weights</c>, or <c>The 1 000 largest of 2 345 weights; the JSON report has all</c>.</summary>
    /// <param name="whole">Its name when nothing is left out.</param>
    /// <param name="shown">Rows shown.</param>
    /// <param name="all">Rows there are.</param>
    /// <param name="noun">What a row is.</param>
    public static string Title(string whole, int shown, int all, string noun) =>
        shown == all
            ? $"{whole}: {Figures.Count(all, noun)}"
            : $"The {Figures.Whole(shown)} largest of {Figures.Count(all, noun)}; the JSON report has all";
}
