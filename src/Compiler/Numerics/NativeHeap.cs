using System.Runtime.InteropServices;

namespace Lorq.Numerics;

/// <summary>
/// Sets up the C library's heap for what Lorq does: libtorch and ONNX Runtime allocate and free blocks of megabytes on several threads, and
/// glibc's defaults (an arena per thread, blocks up to 32 MB inside them) keep several hundred megabytes of those for themselves.
/// </summary>
internal static class NativeHeap
{
    private const int MmapThreshold = -3;
    private const int ArenaMax = -8;

    private delegate int Mallopt(int parameter, int value);

    /// <summary>For the start of a process that is Lorq's own; a host decides for itself. Does nothing where the heap has no such settings.</summary>
    public static void ReturnLargeBlocks()
    {
        if (
            OperatingSystem.IsLinux()
            && NativeLibrary.TryLoad("libc.so.6", out nint library)
            && NativeLibrary.TryGetExport(library, "mallopt", out nint address)
        )
        {
            var mallopt = Marshal.GetDelegateForFunctionPointer<Mallopt>(address);
            mallopt(MmapThreshold, 1 << 20);
            mallopt(ArenaMax, 2);
        }
    }
}
