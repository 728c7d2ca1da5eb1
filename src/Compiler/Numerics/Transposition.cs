namespace Lorq.Numerics;

/// <summary>Cache-blocked transposition of row-major matrices.</summary>
public static class Transposition
{
    private const int Tile = 32;

    /// <summary>Writes the transpose of a row-major rows×columns matrix.</summary>
    public static void Transpose<T>(ReadOnlySpan<T> source, int rows, int columns, Span<T> destination)
    {
        for (int r0 = 0; r0 < rows; r0 += Tile)
        {
            int r1 = Math.Min(rows, r0 + Tile);
            for (int c0 = 0; c0 < columns; c0 += Tile)
            {
                int c1 = Math.Min(columns, c0 + Tile);
                for (int c = c0; c < c1; c++)
                {
                    for (int r = r0; r < r1; r++)
                    {
                        destination[c * rows + r] = source[r * columns + c];
                    }
                }
            }
        }
    }
}
