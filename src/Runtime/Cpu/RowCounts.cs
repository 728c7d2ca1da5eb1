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

internal readonly struct FourRows : IRowCount
{
    public static int Count => 4;
}

/// <summary>Where all sums are floats: twelve of them hide the latency of an addition, and each weight is loaded for six rows.</summary>
internal readonly struct SixRows : IRowCount
{
    public static int Count => 6;
}

/// <summary>The rows of x cut into tiles; what remains beside the tallest is one tile, or two where it would be one of one row.</summary>
/// <param name="Rows">Rows of x.</param>
/// <param name="Tallest">Rows of a tile.</param>
internal readonly record struct RowTiles(int Rows, int Tallest)
{
    private int Tall => Rows / Tallest - (Rows % Tallest == 1 && Rows > 1 ? 1 : 0);

    private int Rest => Rows - Tall * Tallest;

    /// <summary>The number of tiles.</summary>
    public int Count =>
        Tall
        + (
            Rest == 0 ? 0
            : Rest > Tallest ? 2
            : 1
        );

    /// <summary>The first row of tile <paramref name="tile"/>; the number of rows for the tile after the last.</summary>
    public int Start(int tile) =>
        tile <= Tall ? tile * Tallest
        : tile == Tall + 1 && Rest > Tallest ? Tall * Tallest + (Rest + 1) / 2
        : Rows;

    /// <summary>The rows of tile <paramref name="tile"/>.</summary>
    public int Height(int tile) => Start(tile + 1) - Start(tile);

    /// <summary>The tiles from <paramref name="tile"/> on that have its height.</summary>
    /// <param name="tile">The first.</param>
    /// <param name="end">The tile after the last that may be taken.</param>
    public RowGroup Group(int tile, int end) => new(Start(tile), Height(tile), tile < Tall ? Math.Min(Tall, end) - tile : 1);
}

/// <summary>Tiles of the same height, one after the other.</summary>
/// <param name="Start">The first row.</param>
/// <param name="Height">Rows of each tile.</param>
/// <param name="Tiles">How many tiles.</param>
internal readonly record struct RowGroup(int Start, int Height, int Tiles);
