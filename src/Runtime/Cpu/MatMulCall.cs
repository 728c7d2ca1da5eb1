using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Lorq.Runtime.Cpu;

/// <summary>The state of one multiplication while it runs: scratch memory, pointers, the phase, and the first exception of its tasks. Reused from call to call.</summary>
internal sealed unsafe class MatMulCall : IDisposable
{
    private GCHandle self;
    private NativeBuffer? buffer;
    private Exception? fault;
    private nint used;

    /// <summary>Makes one; its handle lives until it is disposed.</summary>
    public MatMulCall() => self = GCHandle.Alloc(this);

    /// <summary>A handle of this object for native callers.</summary>
    public nint Handle => GCHandle.ToIntPtr(self);

    internal MatMulKernel? Kernel { get; set; }
    internal int Phase { get; set; }
    internal int Tasks { get; set; }
    internal int Rows { get; set; }
    internal float* X { get; set; }
    internal float* Y { get; set; }
    internal sbyte* Codes { get; set; }
    internal float* Sums { get; set; }
    internal float* T { get; set; }

    /// <summary>Exact activations of the only tile, in rows of whole units: X, or a copy that is filled up.</summary>
    internal float* Whole { get; set; }
    internal nint WholeStride { get; set; }

    /// <summary>Parts of K that the down-projection is cut into; each has its own T until they are added.</summary>
    internal int Parts { get; set; }

    /// <summary>Runs a task; an exception is kept for <see cref="ThrowIfFaulted"/>.</summary>
    public void Run(int index)
    {
        try
        {
            Kernel!.RunTask(this, index);
        }
#pragma warning disable CA1031 // The caller may be native code: nothing may pass.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Interlocked.CompareExchange(ref fault, e, null);
        }
    }

    /// <summary>Throws what a task threw.</summary>
    public void ThrowIfFaulted()
    {
        if (Interlocked.Exchange(ref fault, null) is { } e)
        {
            throw new InvalidOperationException(e.Message, e);
        }
    }

    /// <summary>Makes room for <paramref name="bytes"/> in all; what was there is lost.</summary>
    internal void Reserve(nint bytes)
    {
        if (buffer is null || buffer.Bytes < bytes)
        {
            buffer?.Dispose();
            buffer = null;
            buffer = new NativeBuffer(bytes);
        }
        used = 0;
    }

    /// <summary>The next part of the reserved memory, on a cache line of its own.</summary>
    internal byte* Take(nint bytes)
    {
        byte* at = buffer!.Pointer + used;
        used += Padded(bytes);
        return at;
    }

    /// <summary>What <see cref="Take"/> uses up for <paramref name="bytes"/>.</summary>
    internal static nint Padded(nint bytes) => (bytes + 63) & ~(nint)63;

    /// <summary>Frees memory and handle.</summary>
    public void Dispose()
    {
        buffer?.Dispose();
        if (self.IsAllocated)
        {
            self.Free();
        }
    }
}

/// <summary>Calls that are not in use: as many as ever ran at the same time.</summary>
internal sealed class MatMulCalls
{
    private readonly ConcurrentBag<MatMulCall> idle = [];

    /// <summary>Takes one, a new one where all are in use.</summary>
    public MatMulCall Rent() => idle.TryTake(out MatMulCall? call) ? call : new MatMulCall();

    /// <summary>Gives it back.</summary>
    public void Return(MatMulCall call) => idle.Add(call);

    /// <summary>Frees those that are not in use.</summary>
    public void Trim()
    {
        while (idle.TryTake(out MatMulCall? call))
        {
            call.Dispose();
        }
    }
}
