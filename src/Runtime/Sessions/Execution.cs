using Microsoft.ML.OnnxRuntime;

namespace Lorq.Runtime.Sessions;

/// <summary>ONNX Runtime's options of one call: its adapters, held, and its end by cancellation.</summary>
internal sealed class Execution : IDisposable
{
    private readonly List<OrtLoraAdapter> held = [];
    private readonly CancellationTokenRegistration registration;

    public Execution(AdapterTable adapters, LorqRunOptions? options, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Options = new RunOptions();
        try
        {
            adapters.Activate(options?.Adapters ?? [], Options, held);
            registration = cancellationToken.UnsafeRegister(static o => ((RunOptions)o!).Terminate = true, Options);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public RunOptions Options { get; }

    /// <summary>What a call that ended by its token throws.</summary>
    public static OperationCanceledException Cancelled(OnnxRuntimeException cause, CancellationToken token) =>
        new("The run was cancelled.", cause, token);

    /// <inheritdoc/>
    public void Dispose()
    {
        registration.Dispose(); // waits for a cancellation that is under way
        Options.Dispose();
        AdapterTable.Release(held);
    }
}
