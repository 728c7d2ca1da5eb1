using System.Numerics;

namespace Lorq.Quantization;

/// <summary>
/// A few neighbouring columns of a block, one per vector lane, copied together so that loops over them stay in the first-level cache
/// whatever the width of the matrix. Lanes beyond the last column are zero.
/// </summary>
internal sealed class LaneBlock
{
    private Vector<float>[] rowsOfLanes = [];

    /// <summary>Reads the lanes that start at a column; valid until the next call.</summary>
    /// <param name="block">The block's rows, the first column of the first row first.</param>
    /// <param name="stride">Elements between rows.</param>
    /// <param name="rows">Rows in the block.</param>
    /// <param name="column">First column to read.</param>
    /// <param name="columns">Columns there are.</param>
    public ReadOnlySpan<Vector<float>> Load(ReadOnlySpan<float> block, int stride, int rows, int column, int columns)
    {
        if (rowsOfLanes.Length < rows)
        {
            rowsOfLanes = new Vector<float>[rows];
        }
        for (int k = 0; k < rows; k++)
        {
            rowsOfLanes[k] = Load(block.Slice(k * stride, columns), column);
        }
        return rowsOfLanes.AsSpan(0, rows);
    }

    /// <summary>The lanes of one row from a column on, filled up with zeros.</summary>
    public static Vector<float> Load(ReadOnlySpan<float> row, int column)
    {
        ReadOnlySpan<float> rest = row[column..];
        if (rest.Length >= Vector<float>.Count)
        {
            return new Vector<float>(rest);
        }
        Span<float> lanes = stackalloc float[Vector<float>.Count];
        lanes.Clear();
        rest.CopyTo(lanes);
        return new Vector<float>(lanes);
    }

    /// <summary>Writes lanes into a row from a column on, as far as the row goes.</summary>
    public static void Store(Vector<float> value, Span<float> row, int column)
    {
        Span<float> rest = row[column..];
        if (rest.Length >= Vector<float>.Count)
        {
            value.CopyTo(rest);
            return;
        }
        Span<float> lanes = stackalloc float[Vector<float>.Count];
        value.CopyTo(lanes);
        lanes[..rest.Length].CopyTo(rest);
    }
}
