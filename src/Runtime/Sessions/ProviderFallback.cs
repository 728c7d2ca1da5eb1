using Microsoft.ML.OnnxRuntime;

namespace Lorq.Runtime.Sessions;

/// <summary>Opens a session with the first providers that work, as the options order them.</summary>
internal static class ProviderFallback
{
    /// <summary>Opens a session.</summary>
    /// <param name="options">The options.</param>
    /// <param name="open">Makes the session from ONNX Runtime's options.</param>
    /// <returns>The session, the first of its providers, and what was refused.</returns>
    public static (InferenceSession Session, ExecutionProvider Provider, IReadOnlyList<ProviderNote> Notes) Open(
        LorqSessionOptions options,
        Func<SessionOptions, InferenceSession> open
    )
    {
        List<ExecutionProvider> remaining = [.. options.Providers];
        if (remaining.Count == 0)
        {
            throw new ArgumentException("The options list no execution provider.", nameof(options));
        }
        if (remaining.FindIndex(p => p.IsCpu) is int cpu && cpu >= 0 && cpu != remaining.Count - 1)
        {
            throw new ArgumentException("The CPU runs every node: it must be the last of the execution providers.", nameof(options));
        }
        var notes = new List<ProviderNote>();
        while (true)
        {
            using var native = new SessionOptions();
            Append(native, remaining, notes);
            native.AddLorqOperators(options.Activations);
            native.IntraOpNumThreads = options.IntraOpThreads;
            options.Configure?.Invoke(native);
            try
            {
                return (open(native), remaining[0], notes);
            }
            catch (OnnxRuntimeException e) when (remaining.Count > 1)
            {
                // The device may be missing though the library is there. If it is the model that is at fault, the last attempt says so.
                notes.Add(new(remaining[0], e.Message));
                remaining.RemoveAt(0);
            }
        }
    }

    private static void Append(SessionOptions native, List<ExecutionProvider> remaining, List<ProviderNote> notes)
    {
        Exception? cause = null;
        foreach (ExecutionProvider provider in remaining.ToArray())
        {
            try
            {
                provider.AppendTo(native);
            }
            catch (Exception e)
                when (e is OnnxRuntimeException or DllNotFoundException or EntryPointNotFoundException or NotSupportedException)
            {
                cause = e;
                notes.Add(new(provider, e.Message));
                remaining.Remove(provider);
            }
        }
        if (remaining.Count == 0)
        {
            throw new ProviderException(notes, cause);
        }
    }
}
