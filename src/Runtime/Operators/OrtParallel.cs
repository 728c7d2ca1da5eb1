using System.Runtime.InteropServices;
using Lorq.Runtime.Cpu;
using Lorq.Runtime.Interop;

namespace Lorq.Runtime.Operators;

/// <summary>The session's own threads.</summary>
internal sealed unsafe class OrtParallel(OrtApi api, nint context) : IParallel
{
    /// <inheritdoc/>
    public void For(MatMulCall call, int tasks) => api.ParallelFor(context, &RunTask, tasks, (void*)call.Handle);

    [UnmanagedCallersOnly]
    private static void RunTask(void* call, nuint index) => ((MatMulCall)GCHandle.FromIntPtr((nint)call).Target!).Run((int)index);
}
