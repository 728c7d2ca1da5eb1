using System.Globalization;
using Lorq.Caching;

namespace Lorq.Tests.Caching;

public sealed class TableTests : IDisposable
{
    private readonly Folders folders = new();

    public void Dispose() => folders.Dispose();

    [Fact]
    public void RowsComeBackToTheBit()
    {
        double[] odd =
        [
            0,
            -0.0,
            double.NaN,
            double.PositiveInfinity,
            double.Epsilon,
            Math.PI,
            BitConverter.Int64BitsToDouble(0x7ff0000000000001),
        ];
        using (CacheProfile profile = Open())
        {
            CacheTable table = profile.Table("losses");
            Assert.Same(table, profile.Table("losses"));
            table.Add("odd", odd);
            table.Add("", []);
            table.Add("ünïcode\n\0", [1]);
            profile.Table("other").Add("odd", [7]);
        }
        using CacheProfile again = Open();
        Assert.Equal(3, again.Table("losses").Count);
        Assert.True(again.Table("losses").TryGet("odd", out double[] read));
        Assert.Equal(odd.Select(BitConverter.DoubleToInt64Bits), read.Select(BitConverter.DoubleToInt64Bits));
        Assert.True(again.Table("losses").TryGet("", out double[] empty) && empty.Length == 0);
        Assert.True(again.Table("losses").TryGet("ünïcode\n\0", out _));
        Assert.True(again.Table("other").TryGet("odd", out double[] seven) && seven[0] == 7);
        Assert.False(again.Table("losses").TryGet("absent", out _));
    }

    [Fact]
    public void EqualTablesAreEqualFilesInWhateverOrderTheyGrew()
    {
        foreach ((int profile, int[] order) in new[] { (1, new[] { 1, 2, 3, 4 }), (2, [4, 2, 1, 3]) })
        {
            using CacheProfile p = Open(profile);
            Array.ForEach(order, i => p.Table("t").Add($"row {i}", [i]));
        }
        byte[][] files = [.. new[] { 1, 2 }.Select(p => File.ReadAllBytes(TableFile(p)))];
        Assert.Equal(files[0], files[1]);
    }

    /// <summary>A table that nobody asks for is not read: its damage goes unnoticed.</summary>
    [Fact]
    public void AnUnusedTableIsNotRead()
    {
        using (CacheProfile profile = Open())
        {
            profile.Table("t").Add("a", [1]);
        }
        File.WriteAllText(TableFile(1), "damaged");
        CacheFolder cache = folders.Cache();
        using (CacheProfile profile = cache.Open(Folders.Digest(1), Folders.Facts))
        {
            _ = profile.Table("t");
        }
        Assert.Empty(cache.Warnings);
        using (CacheProfile profile = cache.Open(Folders.Digest(1), Folders.Facts))
        {
            Assert.Equal(0, profile.Table("t").Count);
            profile.Table("t").Add("b", [2]);
        }
        Assert.Single(cache.Warnings);
        using CacheProfile repaired = Open();
        Assert.True(repaired.Table("t").TryGet("b", out _));
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(-1)]
    [InlineData(1 << 27)]
    public void ForgedCountsAllocateNothing(int count)
    {
        using CacheProfile profile = Open();
        var key = new CacheKey("table", new ContentHash().Add("t").Finish());
        profile.Write(
            key,
            writer =>
            {
                writer.Write(1);
                writer.Write("name");
                writer.Write(count);
                writer.Write(new byte[64]);
            }
        );
        long before = GC.GetTotalAllocatedBytes();
        Assert.Equal(0, profile.Table("t").Count);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 8 << 20);
        Assert.False(profile.Contains(key));
    }

    [Fact]
    public void ManyThreadsMayAskAndAdd()
    {
        using (CacheProfile profile = Open())
        {
            Parallel.For(
                0,
                2000,
                i =>
                {
                    CacheTable table = profile.Table("t");
                    table.Add(Name(i), [i]);
                    Assert.True(table.TryGet(Name(i), out double[] values) && values[0] == i);
                    if (i % 100 == 0)
                    {
                        table.Flush();
                    }
                }
            );
        }
        using CacheProfile again = Open();
        Assert.Equal(2000, again.Table("t").Count);
    }

    /// <summary>Several writers of the same table and entries, each as in a process of its own: nothing of anybody is lost or torn.</summary>
    [Fact]
    public void WhatWasAddedLongAgoIsThereWhenTheProcessIsKilled()
    {
        CacheTable table = Open().Table("menu");
        table.Add("a", [1]);
        folders.Clock.Time += TimeSpan.FromSeconds(20);
        table.Add("b", [2]);
        Assert.Equal(0, Open().Table("menu").Count);
        folders.Clock.Time += TimeSpan.FromSeconds(20);
        table.Add("c", [3]);
        Assert.Equal(3, Open().Table("menu").Count);
    }

    [Fact]
    public void SeveralWritersMerge()
    {
        const int Writers = 4;
        Parallel.For(
            0,
            Writers,
            new ParallelOptions { MaxDegreeOfParallelism = Writers },
            w =>
            {
                CacheFolder cache = folders.Cache();
                for (int round = 0; round < 10; round++)
                {
                    using CacheProfile profile = cache.Open(Folders.Digest(1), Folders.Facts);
                    profile.Table("t").Add($"{w} {round}", [w, round]);
                    profile.Write(Folders.Key(round), Folders.Bytes(5000, round));
                    Assert.True(profile.TryRead(Folders.Key(round), out byte[] bytes));
                    Assert.Equal(Folders.Bytes(5000, round), bytes);
                }
                Assert.Empty(cache.Warnings);
            }
        );
        using CacheProfile all = Open();
        Assert.Equal(Writers * 10, all.Table("t").Count);
        Assert.DoesNotContain(Directory.GetFiles(Path.Combine(folders.Root, Folders.Digest(1).ToString())), f => f.EndsWith(".tmp"));
    }

    private CacheProfile Open(int profile = 1) => folders.Cache().Open(Folders.Digest(profile), Folders.Facts);

    private string TableFile(int profile) =>
        folders.FileOf(Folders.Digest(profile), new CacheKey("table", new ContentHash().Add("t").Finish()));

    private static string Name(int i) => i.ToString(CultureInfo.InvariantCulture);
}
