using System.Runtime.InteropServices;
using System.Text;
using Lorq.Numerics;

namespace Lorq.Tests.Numerics;

public sealed class TorchLibraryTests : IDisposable
{
    private const string Missing = "GLIBCXX_3.4.32";
    private const string Older = "GLIBCXX_3.4";
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("lorq-test-");

    public void Dispose() => folder.Delete(recursive: true);

    [SkippableFact]
    public void Patched_library_no_longer_asks_for_the_version()
    {
        byte[] library = ReadBridge();
        byte[]? patched = ElfSymbolVersion.WithoutVersion(library, Missing, Older);
        Skip.If(patched is null, "This build of TorchSharp does not ask for the version.");
        Assert.Equal(library.Length, patched.Length);
        // One needed version (hash, name), and one symbol (binding, version index): a handful of bytes.
        Assert.InRange(library.Zip(patched).Count(p => p.First != p.Second), 1, 11);
        Assert.Null(ElfSymbolVersion.WithoutVersion(patched, Missing, Older));
        Assert.Null(ElfSymbolVersion.WithoutVersion(library, "GLIBCXX_9.9.99", Older));
        Assert.Throws<InvalidDataException>(() => ElfSymbolVersion.WithoutVersion(library, Missing, "GLIBCXX_9.9.99"));
    }

    [SkippableFact]
    public void Damaged_libraries_are_refused()
    {
        byte[] library = ReadBridge();
        foreach (int length in new[] { 0, 3, 63, 64, 5000, 300_000, library.Length - 1 })
        {
            Assert.Throws<InvalidDataException>(() => ElfSymbolVersion.WithoutVersion(library.AsSpan(0, length), Missing, Older));
        }
        Assert.Throws<InvalidDataException>(() =>
            ElfSymbolVersion.WithoutVersion(Encoding.ASCII.GetBytes(new string('x', 5000)), Missing, Older)
        );

        // Bytes of the header, of the section table and of the list of needed versions: any answer but a crash or a hang.
        var random = new Random(1);
        int sections = (int)BitConverter.ToUInt64(library, 0x28);
        int needs = Enumerable
            .Range(0, BitConverter.ToUInt16(library, 0x3c))
            .Select(i => sections + 64 * i)
            .Where(header => BitConverter.ToUInt32(library, header + 4) == 0x6ffffffe)
            .Select(header => (int)BitConverter.ToUInt64(library, header + 24))
            .Single();
        foreach ((int start, int length) in new[] { (0, 64), (sections, library.Length - sections), (needs, 0x210) })
        {
            for (int i = 0; i < 100; i++)
            {
                var forged = (byte[])library.Clone();
                for (int j = 0; j < 3; j++)
                {
                    forged[start + random.Next(length)] = (byte)random.Next(256);
                }
                try
                {
                    ElfSymbolVersion.WithoutVersion(forged, Missing, Older);
                }
                catch (InvalidDataException)
                {
                    // The wanted answer to damage that matters.
                }
            }
        }
    }

    [Fact]
    public void Copies_made_at_the_same_time_are_whole()
    {
        byte[] content = new byte[3_000_000];
        new Random(1).NextBytes(content);
        var paths = new string[16];
        Parallel.For(
            0,
            paths.Length,
            new ParallelOptions { MaxDegreeOfParallelism = 16 },
            i =>
            {
                paths[i] = TorchLibrary.CachedCopy(content, folder.FullName);
                Assert.True(File.ReadAllBytes(paths[i]).AsSpan().SequenceEqual(content));
            }
        );
        Assert.Single(paths.Distinct());
        Assert.Single(Directory.GetFiles(folder.FullName, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void A_damaged_copy_is_replaced()
    {
        byte[] content = [1, 2, 3];
        string path = TorchLibrary.CachedCopy(content, folder.FullName);
        File.WriteAllBytes(path, [1, 2]);
        Assert.Equal(path, TorchLibrary.CachedCopy(content, folder.FullName));
        Assert.Equal(content, File.ReadAllBytes(path));
    }

    [SkippableFact]
    public void Without_a_writable_cache_the_temporary_folder_serves()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "The remedy is for Linux.");
        // Any small library does; this one is part of every Linux runtime.
        byte[] library = File.ReadAllBytes(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "libSystem.Native.so"));
        string occupied = Path.Combine(folder.FullName, "file");
        File.WriteAllText(occupied, "not a folder");
        foreach (string? cache in new[] { null, occupied, "/proc/no-such-place" })
        {
            IntPtr handle = TorchLibrary.LoadCopy(library, cache);
            Assert.NotEqual(IntPtr.Zero, handle);
            Assert.True(NativeLibrary.TryGetExport(handle, "SystemNative_GetPid", out _));
        }
        Assert.Equal("not a folder", File.ReadAllText(occupied));
    }

    private static byte[] ReadBridge()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "libLibTorchSharp.so");
        Skip.IfNot(File.Exists(path), "TorchSharp's Linux library is not beside the tests.");
        return File.ReadAllBytes(path);
    }
}
