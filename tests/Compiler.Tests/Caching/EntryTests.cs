using System.Runtime.Versioning;
using CsCheck;
using Lorq.Caching;

namespace Lorq.Tests.Caching;

public sealed class EntryTests : IDisposable
{
    private readonly Folders folders = new();

    public void Dispose() => folders.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(200_000)]
    public void EntriesComeBack(int size)
    {
        byte[] bytes = Folders.Bytes(size, 1);
        using (CacheProfile profile = Open())
        {
            Assert.False(profile.Contains(Folders.Key(1)));
            Assert.False(profile.TryRead(Folders.Key(1), out byte[] _));
            profile.Write(Folders.Key(1), bytes);
        }
        CacheFolder cache = folders.Cache();
        using CacheProfile again = Open(cache);
        Assert.True(again.Contains(Folders.Key(1)));
        Assert.True(again.TryRead(Folders.Key(1), out byte[] read));
        Assert.Equal(bytes, read);
        Assert.False(again.TryRead(Folders.Key(2), out byte[] _));
        Assert.False(again.TryRead(new CacheKey("moment", Folders.Key(1).Digest), out byte[] _));
        using CacheProfile other = Open(cache, 2);
        Assert.False(other.TryRead(Folders.Key(1), out byte[] _));
        Assert.Empty(cache.Warnings);
    }

    [Fact]
    public void ALaterWriteWins()
    {
        using CacheProfile profile = Open();
        profile.Write(Folders.Key(1), Folders.Bytes(100, 1));
        profile.Write(Folders.Key(1), Folders.Bytes(50, 2));
        Assert.True(profile.TryRead(Folders.Key(1), out byte[] read));
        Assert.Equal(Folders.Bytes(50, 2), read);
    }

    /// <summary>Whatever single byte changes, wherever a file ends, whatever follows it: the entry is not used, and is removed.</summary>
    [Fact]
    public void AnyDamageIsFound()
    {
        CacheFolder cache = folders.Cache();
        using CacheProfile profile = Open(cache);
        CacheKey key = Folders.Key(1);
        profile.Write(key, Folders.Bytes(300, 1));
        string file = folders.FileOf(Folders.Digest(1), key);
        byte[] sound = File.ReadAllBytes(file);
        Gen<byte[]> flipped = Gen.Select(Gen.Int[0, sound.Length - 1], Gen.Int[1, 255])
            .Select((at, by) => (byte[])[.. sound[..at], (byte)(sound[at] ^ by), .. sound[(at + 1)..]]);
        Gen<byte[]> cut = Gen.Int[0, sound.Length - 1].Select(n => sound[..n]);
        Gen<byte[]> longer = Gen.Byte.Array[1, 40].Select(more => (byte[])[.. sound, .. more]);
        Gen<byte[]> other = Gen.Byte.Array[0, 400];
        Gen.OneOf(flipped, cut, longer, other)
            .Sample(
                damaged =>
                {
                    File.WriteAllBytes(file, damaged);
                    Assert.False(profile.TryRead(key, out byte[] _));
                    // What another version of the format wrote is not ours to remove.
                    bool isForeign =
                        damaged.AsSpan().StartsWith(sound.AsSpan(0, 8)) && damaged.Length >= 72 && damaged[8..12] is not [1, 0, 0, 0];
                    Assert.True(isForeign || !File.Exists(file));
                    File.Delete(file);
                },
                iter: 2000,
                threads: 1
            );
        Assert.Contains("damaged", Assert.Single(cache.Warnings), StringComparison.Ordinal);
        profile.Write(key, Folders.Bytes(300, 1));
        Assert.Equal(sound, File.ReadAllBytes(file));
    }

    [Fact]
    public void AForgedLengthAllocatesNothing()
    {
        using CacheProfile profile = Open();
        CacheKey key = Folders.Key(1);
        profile.Write(key, Folders.Bytes(64, 1));
        string file = folders.FileOf(Folders.Digest(1), key);
        byte[] bytes = File.ReadAllBytes(file);
        BitConverter.GetBytes(long.MaxValue - 100).CopyTo(bytes, bytes.Length - 24);
        File.WriteAllBytes(file, bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(profile.TryRead(key, out byte[] _));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    /// <summary>The contents of a sound entry may still be nonsense to its reader: another program, or a malicious one.</summary>
    [Theory]
    [InlineData(typeof(EndOfStreamException))]
    [InlineData(typeof(InvalidDataException))]
    [InlineData(typeof(FormatException))]
    [InlineData(typeof(OverflowException))]
    public void AReaderThatCannotMakeSenseOfItRemovesIt(Type thrown)
    {
        using CacheProfile profile = Open();
        profile.Write(Folders.Key(1), Folders.Bytes(64, 1));
        Assert.False(profile.TryRead<int>(Folders.Key(1), (_, _) => throw (Exception)Activator.CreateInstance(thrown)!, out _));
        Assert.False(profile.Contains(Folders.Key(1)));
        profile.Write(Folders.Key(2), Folders.Bytes(64, 1));
        Assert.False(profile.TryRead(Folders.Key(2), (reader, _) => reader.ReadInt32(), out int _));
        Assert.False(profile.Contains(Folders.Key(2)));
    }

    [Fact]
    public void ALaterFormatIsLeftAlone()
    {
        CacheFolder cache = folders.Cache();
        using CacheProfile profile = Open(cache);
        profile.Write(Folders.Key(1), Folders.Bytes(64, 1));
        string file = folders.FileOf(Folders.Digest(1), Folders.Key(1));
        byte[] bytes = File.ReadAllBytes(file);
        bytes[8] = 2;
        File.WriteAllBytes(file, bytes);
        Assert.False(profile.TryRead(Folders.Key(1), out byte[] _));
        Assert.True(File.Exists(file));
        Assert.Empty(cache.Warnings);
    }

    [Fact]
    public void AFullDiskIsAWarningAndLeavesTheEarlierEntry()
    {
        int room = int.MaxValue;
        CacheFolder cache = folders.Cache(create: (path, _) => new FullDisk(path, () => room));
        using CacheProfile profile = Open(cache);
        profile.Write(Folders.Key(1), Folders.Bytes(100, 1));
        for (room = 0; room < 172; room++)
        {
            profile.Write(Folders.Key(1), Folders.Bytes(100, 2));
            profile.Write(Folders.Key(2), Folders.Bytes(100, 2));
            profile.Table("losses").Add("a", [1]);
            profile.Flush();
        }
        Assert.True(profile.TryRead(Folders.Key(1), out byte[] read));
        Assert.Equal(Folders.Bytes(100, 1), read);
        Assert.False(profile.Contains(Folders.Key(2)));
        Assert.Contains("cannot be written", Assert.Single(cache.Warnings), StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.GetFiles(Path.Combine(folders.Root, Folders.Digest(1).ToString())), f => f.EndsWith(".tmp"));
    }

    /// <summary>As root no permission is refused, so the folder's place is taken instead.</summary>
    [Fact]
    public void AFolderThatCannotBeMadeIsAWarning()
    {
        File.WriteAllText(folders.Root, "a file");
        CacheFolder cache = folders.Cache();
        using (CacheProfile profile = Open(cache))
        {
            profile.Write(Folders.Key(1), Folders.Bytes(100, 1));
            Assert.False(profile.TryRead(Folders.Key(1), out byte[] _));
            profile.Table("losses").Add("a", [1]);
            Assert.True(profile.Table("losses").TryGet("a", out _));
        }
        Assert.NotEmpty(cache.Warnings);
        Assert.Equal("a file", File.ReadAllText(folders.Root));
        Assert.Empty(cache.List());
    }

    [Fact]
    public void AFolderWithoutWritePermissionIsReadAndAWarning()
    {
        using (CacheProfile profile = Open())
        {
            profile.Write(Folders.Key(1), Folders.Bytes(100, 1));
        }
        CacheFolder cache = folders.Cache(create: (path, _) => throw new UnauthorizedAccessException("Access is denied."));
        using (CacheProfile profile = Open(cache))
        {
            Assert.True(profile.TryRead(Folders.Key(1), out byte[] _));
            profile.Write(Folders.Key(2), Folders.Bytes(100, 1));
        }
        Assert.Contains("cannot be written", Assert.Single(cache.Warnings), StringComparison.Ordinal);
    }

    [SkippableFact]
    [UnsupportedOSPlatform("windows")]
    public void AReadOnlyFolderIsReadAndAWarning()
    {
        Skip.If(Environment.UserName == "root", "no permission is refused to root");
        using (CacheProfile profile = Open())
        {
            profile.Write(Folders.Key(1), Folders.Bytes(100, 1));
        }
        string folder = Path.Combine(folders.Root, Folders.Digest(1).ToString());
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        CacheFolder cache = folders.Cache();
        using (CacheProfile profile = Open(cache))
        {
            Assert.True(profile.TryRead(Folders.Key(1), out byte[] _));
            profile.Write(Folders.Key(2), Folders.Bytes(100, 1));
        }
        File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.NotEmpty(cache.Warnings);
    }

    [Fact]
    public void WhatAKilledProcessLeftIsIgnoredAndRemovedOnceItIsOld()
    {
        using (CacheProfile profile = Open())
        {
            profile.Write(Folders.Key(1), Folders.Bytes(100, 1));
        }
        string folder = Path.Combine(folders.Root, Folders.Digest(1).ToString());
        string left = Path.Combine(folder, ".lorq-0123456789abcdef0123456789abcdef.tmp");
        File.WriteAllBytes(left, Folders.Bytes(40, 1));
        using (CacheProfile profile = Open())
        {
            Assert.True(profile.TryRead(Folders.Key(1), out byte[] _));
            // It may still be written.
            Assert.True(File.Exists(left));
        }
        folders.Clock.Time += TimeSpan.FromHours(2);
        Open().Dispose();
        Assert.False(File.Exists(left));
    }

    [Fact]
    public void NothingIsKeptWithoutACache()
    {
        using CacheProfile none = CacheProfile.None;
        Assert.False(none.IsKept);
        none.Write(Folders.Key(1), Folders.Bytes(10, 1));
        Assert.False(none.Contains(Folders.Key(1)));
        Assert.False(none.TryRead(Folders.Key(1), out byte[] _));
        none.Table("t").Add("a", [1]);
        Assert.True(none.Table("t").TryGet("a", out _));
        Assert.Empty(folders.Temporary.Names());
    }

    /// <summary>A cache that disappears under a run (trimmed by another, deleted by hand) is built again.</summary>
    [Fact]
    public void AProfileThatDisappearsIsMadeAgain()
    {
        CacheFolder cache = folders.Cache();
        using (CacheProfile profile = Open(cache))
        {
            profile.Write(Folders.Key(1), Folders.Bytes(10, 1));
            Directory.Delete(folders.Root, true);
            Assert.False(profile.TryRead(Folders.Key(1), out byte[] _));
            profile.Write(Folders.Key(2), Folders.Bytes(10, 1));
            Assert.True(profile.TryRead(Folders.Key(2), out byte[] _));
        }
        Assert.Equal("small", Assert.Single(cache.List()).Facts!.Model);
        Assert.Empty(cache.Warnings);
    }

    private CacheProfile Open(CacheFolder? cache = null, int profile = 1) =>
        (cache ?? folders.Cache()).Open(Folders.Digest(profile), Folders.Facts);

    private sealed class FullDisk(string path, Func<int> room) : FileStream(path, FileMode.CreateNew, FileAccess.Write)
    {
        private int written;

        // A derived file stream passes spans on to this one.
        public override void Write(byte[] array, int offset, int count)
        {
            written += count;
            if (written > room())
            {
                throw new IOException("No space left on device");
            }
            base.Write(array, offset, count);
        }
    }
}
