using System.Numerics;

namespace Lorq.Numerics;

/// <summary>A rectangle inside a row-major array, possibly read as its transpose. Copies nothing.</summary>
/// <typeparam name="T"><see cref="float"/> or <see cref="double"/>.</typeparam>
/// <param name="Values">The array.</param>
/// <param name="Offset">Index of the first element.</param>
/// <param name="Rows">Rows as seen (after transposition).</param>
/// <param name="Columns">Columns as seen (after transposition).</param>
/// <param name="RowStride">Elements between rows as seen.</param>
/// <param name="ColumnStride">Elements between columns as seen.</param>
public readonly record struct MatrixView<T>(T[] Values, int Offset, int Rows, int Columns, int RowStride, int ColumnStride)
    where T : unmanaged, INumber<T>
{
    /// <summary>The whole of a row-major array.</summary>
    public MatrixView(T[] values, int rows, int columns)
        : this(values, 0, rows, columns, columns, 1) { }

    /// <summary>The transpose, without moving anything.</summary>
    public MatrixView<T> Transposed => new(Values, Offset, Columns, Rows, ColumnStride, RowStride);

    /// <summary>A rectangle of this one.</summary>
    public MatrixView<T> Part(int row, int column, int rows, int columns) =>
        new(Values, Offset + row * RowStride + column * ColumnStride, rows, columns, RowStride, ColumnStride);
}
