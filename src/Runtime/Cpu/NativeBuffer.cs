using System.Runtime.InteropServices;

namespace Lorq.Runtime.Cpu;

/// <summary>Zeroed memory outside the managed heap, aligned to cache lines.</summary>
internal sealed unsafe partial class NativeBuffer : IDisposable
{
    private const nuint Alignment = 64;

    /// <summary>A page of the larger kind on x64 and on most Arm64 systems.</summary>
    private const nint HugePage = 2 << 20;

    /// <summary>Linux's MADV_HUGEPAGE.</summary>
    private const int UseHugePages = 14;

    private byte* pointer;

    /// <summary>Allocates <paramref name="bytes"/>.</summary>
    public NativeBuffer(nint bytes)
    {
        Bytes = bytes;
        bool isLarge = bytes >= 2 * HugePage && OperatingSystem.IsLinux();
        pointer = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), isLarge ? (nuint)HugePage : Alignment);
        if (isLarge)
        {
            // Weights are read from end to end: with small pages the processor looks up an address every 4 KiB and stops prefetching there.
            // Refused where the system has none; it is a hint.
            _ = Advise(pointer, (nuint)bytes, UseHugePages);
        }
        NativeMemory.Clear(pointer, (nuint)bytes);
        GC.AddMemoryPressure(Math.Max(bytes, 1));
    }

    ~NativeBuffer() => Free();

    /// <summary>Its first byte.</summary>
    public byte* Pointer => pointer;

    /// <summary>Its size.</summary>
    public nint Bytes { get; }

    /// <summary>Frees it; nothing may use <see cref="Pointer"/> after.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);

    private void Free()
    {
        if (pointer is not null)
        {
            NativeMemory.AlignedFree(pointer);
            pointer = null;
            GC.RemoveMemoryPressure(Math.Max(Bytes, 1));
        }
    }
}
