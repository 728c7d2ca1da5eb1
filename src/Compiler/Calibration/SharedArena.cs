using Microsoft.ML.OnnxRuntime;

namespace Lorq.Calibration;

/// <summary>
/// One memory arena of ONNX Runtime for all sessions of this process: probes and refinement hold many sessions, few of which run at a
/// time, and an arena of its own keeps what its session once needed until the session ends.
/// </summary>
internal static class SharedArena
{
    private static readonly Lazy<bool> registered = new(Register);

    /// <summary>Has a session allocate from the arena.</summary>
    public static void Use(SessionOptions options)
    {
        if (registered.Value)
        {
            options.AddSessionConfigEntry("session.use_env_allocators", "1");
        }
    }

    private static bool Register()
    {
        using var memory = new OrtMemoryInfo("Cpu", OrtAllocatorType.ArenaAllocator, 0, OrtMemType.Default);
        // No limit, and ONNX Runtime's own choice of how to grow.
        using var arena = new OrtArenaCfg(0, -1, -1, -1);
        try
        {
            OrtEnv.Instance().CreateAndRegisterAllocator(memory, arena);
            return true;
        }
        catch (OnnxRuntimeException)
        {
            // The process has one already, made for its own purposes: sessions keep theirs.
            return false;
        }
    }
}
