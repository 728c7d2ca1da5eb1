namespace Lorq.Runtime.Cpu;

/// <summary>How many rows a tile has, as a type: the kernels are compiled for each.</summary>
internal interface IRowCount
{
    static abstract int Count { get; }
}

internal readonly struct OneRow : IRowCount
{
    public static int Count => 1;
}

internal readonly struct TwoRows : IRowCount
{
    public static int Count => 2;
}

internal readonly struct ThreeRows : IRowCount
{
    public static int Count => 3;
}

/// <summary>Two tiles of three at once: where all sums are floats, twelve of them hide the latency of an addition, and each weight is loaded for six rows.</summary>
internal readonly struct SixRows : IRowCount
{
    public static int Count => 6;
}

/// <summary>The rows of x cut into tiles of three; what remains is one or two tiles of two, or the only row. No tile of one row beside others.</summary>
internal readonly record struct RowTiles(int Rows)
{
    private int Threes =>
        (Rows % 3) switch
        {
            0 or 2 => Rows / 3,
            _ => Math.Max(Rows / 3 - 1, 0),
        };

    /// <summary>The number of tiles.</summary>
    public int Count => Threes + (Rows - 3 * Threes + 1) / 2;

    /// <summary>The first row of tile <paramref name="tile"/>; the number of rows for the tile after the last.</summary>
    public int Start(int tile) => Math.Min(tile <= Threes ? 3 * tile : 3 * Threes + 2 * (tile - Threes), Rows);

    /// <summary>The rows of tile <paramref name="tile"/>: 1, 2 or 3.</summary>
    public int Height(int tile) => Start(tile + 1) - Start(tile);

    /// <summary>The tiles from <paramref name="tile"/> on that have its height.</summary>
    /// <param name="tile">The first.</param>
    /// <param name="end">The tile after the last that may be taken.</param>
    public RowGroup Group(int tile, int end) => new(Start(tile), Height(tile), (tile < Threes ? Math.Min(Threes, end) : end) - tile);
}

/// <summary>Tiles of the same height, one after the other.</summary>
/// <param name="Start">The first row.</param>
/// <param name="Height">Rows of each tile.</param>
/// <param name="Tiles">How many tiles.</param>
internal readonly record struct RowGroup(int Start, int Height, int Tiles);
