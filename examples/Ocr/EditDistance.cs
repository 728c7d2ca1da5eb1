namespace Lorq.Examples.Ocr;

/// <summary>Levenshtein distance: the least number of inserted, deleted and replaced characters between two texts.</summary>
public static class EditDistance
{
    /// <summary>The distance, counted in UTF-16 code units.</summary>
    public static int Between(string a, string b)
    {
        // One row of the dynamic programme: after line i, row[j] is the distance of a[..i] and b[..j].
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(Math.Min(row[j], row[j - 1]) + 1, replaced);
            }
        }
        return row[b.Length];
    }
}
