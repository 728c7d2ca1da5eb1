using Lorq.Runtime.Cpu;

namespace Lorq.Runtime.Tests.Cpu;

public sealed class RowTilesTests
{
    /// <summary>Tiles follow one another, cover every row once, are no taller than allowed, and none has one row beside others.</summary>
    [Theory]
    [InlineData(3, int.MaxValue)]
    [InlineData(3, 5)]
    [InlineData(4, int.MaxValue)]
    [InlineData(4, 5)]
    public void Tiles_cover_the_rows(int tallest, int atATime)
    {
        for (int rows = 0; rows < 50; rows++)
        {
            var tiles = new RowTiles(rows, tallest);
            int next = 0;
            for (int tile = 0; tile < tiles.Count; )
            {
                int end = (int)Math.Min(tile + (long)atATime, tiles.Count);
                RowGroup group = tiles.Group(tile, end);
                Assert.Equal(next, group.Start);
                Assert.InRange(group.Height, rows == 1 ? 1 : 2, tallest);
                Assert.InRange(group.Tiles, 1, end - tile);
                for (int i = 0; i < group.Tiles; i++)
                {
                    Assert.Equal(next, tiles.Start(tile + i));
                    Assert.Equal(group.Height, tiles.Height(tile + i));
                    next += group.Height;
                }
                tile += group.Tiles;
            }
            Assert.Equal(rows, next);
        }
    }
}
