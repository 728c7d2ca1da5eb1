using System.Runtime.InteropServices;

namespace Lorq.Runtime.Native;

/// <summary>What ONNX Runtime looks for in a library of operators.</summary>
public static class EntryPoint
{
    /// <summary>
    /// <c>OrtStatus* RegisterCustomOps(OrtSessionOptions* options, const OrtApiBase* api)</c>: registers Lorq's operators with the ONNX Runtime that calls it, which need not be
    /// the one of the C# package. The session option <c>ai.lorq.activations</c>, <c>int8</c> or <c>exact</c>, is read if it is set before.
    /// </summary>
    /// <param name="options">The session options.</param>
    /// <param name="apiBase">The caller's interface.</param>
    /// <returns>Null, or a status that the caller releases.</returns>
    [UnmanagedCallersOnly(EntryPoint = "RegisterCustomOps")]
    public static nint RegisterCustomOps(nint options, nint apiBase) => LorqOperators.RegisterNative(options, apiBase);
}
