using System.Runtime.InteropServices;

namespace Lorq.Runtime.Cpu;

/// <summary>Zeroed memory outside the managed heap, aligned to cache lines.</summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private const nuint Alignment = 64;
    private byte* pointer;

    /// <summary>Allocates <paramref name="bytes"/>.</summary>
    public NativeBuffer(nint bytes)
    {
        Bytes = bytes;
        pointer = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), Alignment);
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
