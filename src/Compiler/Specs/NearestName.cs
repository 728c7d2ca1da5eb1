namespace Lorq.Specs;

/// <summary>Finds what a misspelt name was meant to be.</summary>
internal static class NearestName
{
    /// <summary>A sentence part: the nearest known name, or all of them when none is near.</summary>
    public static string Hint(string name, IEnumerable<string> known)
    {
        string[] all = [.. known];
        string? nearest = Find(name, all);
        return nearest is not null ? $"did you mean '{nearest}'?" : "there are " + string.Join(", ", all) + ".";
    }

    /// <summary>The nearest name by edit distance, when it is near enough to be meant.</summary>
    public static string? Find(string name, IReadOnlyCollection<string> known)
    {
        string? best = known.MinBy(k => Distance(name, k));
        return best is not null && Distance(name, best) <= Math.Max(2, name.Length / 3) ? best : null;
    }

    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int same = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1;
                int next = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + same);
                diagonal = row[j];
                row[j] = next;
            }
        }
        return row[b.Length];
    }
}
