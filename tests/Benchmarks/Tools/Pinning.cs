using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Benchmarks.Tools;

/// <summary>
/// A processor for each thread of a session. Where they may move, the kernel sometimes puts two of them on one processor, and a run takes a time slice of ten milliseconds
/// instead of one.
/// </summary>
internal static partial class Pinning
{
    /// <summary>Keeps the calling thread on the first processor; does nothing but on Linux.</summary>
    public static void PinCaller()
    {
        ulong mask = 1;
        if (OperatingSystem.IsLinux() && SetAffinity(0, sizeof(ulong), ref mask) != 0)
        {
            throw new BenchmarkException($"The thread could not be pinned: error {Marshal.GetLastPInvokeError()}.");
        }
    }

    /// <summary>Keeps a session's other threads on the second processor and those that follow.</summary>
    public static void PinOthers(SessionOptions options, int threads)
    {
        if (threads > 1)
        {
            options.AddSessionConfigEntry(
                "session.intra_op_thread_affinities",
                string.Join(';', Enumerable.Range(2, threads - 1)) // Processors count from 1 here.
            );
        }
    }

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static partial int SetAffinity(int thread, nint size, ref ulong mask);
}
