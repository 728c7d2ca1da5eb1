using Lorq.Numerics;

namespace Lorq.Rewriting;

/// <summary>In which order a K×N (or blocks×N) matrix is stored.</summary>
/// <param name="ByColumn">Column by column (N×K, K contiguous); otherwise row by row within each group: [groups, K, N/groups].</param>
/// <param name="Groups">Equal runs of columns; matters row by row only.</param>
internal readonly record struct StorageOrder(bool ByColumn, int Groups)
{
    /// <summary>N×K: what the nodes that multiply codes read.</summary>
    public static StorageOrder Columns { get; } = new(true, 1);

    /// <summary>Rearranges a row-major rows×columns matrix; may answer the same array.</summary>
    public T[] Apply<T>(T[] matrix, int rows, int columns)
    {
        if (!ByColumn && Groups == 1)
        {
            return matrix;
        }
        var result = new T[matrix.Length];
        if (ByColumn)
        {
            Transposition.Transpose(matrix, rows, columns, result);
            return result;
        }
        int perGroup = columns / Groups;
        for (int g = 0; g < Groups; g++)
        {
            for (int row = 0; row < rows; row++)
            {
                matrix.AsSpan((row * columns) + (g * perGroup), perGroup).CopyTo(result.AsSpan(((g * rows) + row) * perGroup));
            }
        }
        return result;
    }
}
