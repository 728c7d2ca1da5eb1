using Lorq.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Runtime;

public sealed partial class LorqSession
{
    /// <summary>Runs the model on inputs over spans; ONNX Runtime allocates the outputs.</summary>
    /// <param name="first">An input: <see cref="TensorView.Of{T}(string, ReadOnlySpan{T}, ReadOnlySpan{long})"/>.</param>
    /// <param name="second">Another.</param>
    /// <param name="third">Another.</param>
    /// <param name="fourth">Another; models with more inputs take a list, or <see cref="RunViews"/>.</param>
    /// <param name="options">Which outputs and adapters; null: all outputs, no adapter.</param>
    /// <param name="cancellationToken">Stops the call between two nodes of the model.</param>
    /// <returns>The outputs, to be disposed.</returns>
    /// <exception cref="InvalidTensorException">An input is missing, unknown or given twice, or has another element type, rank or fixed dimension than the model states, or dimensions of one name differ. Nothing ran.</exception>
    /// <exception cref="ArgumentException">An adapter is not loaded.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The session is disposed.</exception>
    /// <exception cref="OnnxRuntimeException">A node failed.</exception>
    public LorqOutputs Run(
        TensorView first,
        TensorView second = default,
        TensorView third = default,
        TensorView fourth = default,
        LorqRunOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        var views = new FourViews(first, second, third, fourth);
        return RunViews(ref views, options, cancellationToken);
    }

    /// <summary>Runs the model on any number of inputs; ONNX Runtime allocates the outputs.</summary>
    /// <param name="inputs">The inputs, in any order.</param>
    /// <param name="options">Which outputs and adapters; null: all outputs, no adapter.</param>
    /// <param name="cancellationToken">Stops the call between two nodes of the model.</param>
    /// <inheritdoc cref="Run(TensorView, TensorView, TensorView, TensorView, LorqRunOptions, CancellationToken)"/>
    public LorqOutputs Run(IReadOnlyList<InputTensor> inputs, LorqRunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var views = new ListViews(inputs);
        return RunViews(ref views, options, cancellationToken);
    }

    /// <summary>Runs the model on any number of inputs over spans, without a list: for generated code.</summary>
    /// <typeparam name="TInputs">A struct, mostly a <c>ref struct</c>, that holds the inputs.</typeparam>
    /// <param name="inputs">The inputs, in any order.</param>
    /// <param name="options">Which outputs and adapters; null: all outputs, no adapter.</param>
    /// <param name="cancellationToken">Stops the call between two nodes of the model.</param>
    /// <inheritdoc cref="Run(TensorView, TensorView, TensorView, TensorView, LorqRunOptions, CancellationToken)"/>
    public LorqOutputs RunViews<TInputs>(
        scoped ref TInputs inputs,
        LorqRunOptions? options = null,
        CancellationToken cancellationToken = default
    )
        where TInputs : ITensorViews, allows ref struct
    {
        Enter();
        try
        {
            return RunEntered(ref inputs, options, cancellationToken);
        }
        finally
        {
            lifetime.Exit();
        }
    }

    /// <summary>Runs the model on inputs over spans and writes one output into a buffer; no other output is computed.</summary>
    /// <param name="output">The buffer: <see cref="TensorBuffer.Of{T}(string, Span{T}, ReadOnlySpan{long})"/>. It has the shape that the output will have.</param>
    /// <param name="first">An input.</param>
    /// <param name="second">Another.</param>
    /// <param name="third">Another.</param>
    /// <param name="fourth">Another.</param>
    /// <param name="options">Which adapters; null: none.</param>
    /// <param name="cancellationToken">Stops the call between two nodes of the model.</param>
    /// <exception cref="InvalidTensorException">An input or the buffer does not fit the model, and nothing ran; or the output had another shape than the buffer, as the names of its dimensions tell.</exception>
    /// <exception cref="ArgumentException">An adapter is not loaded, or the options list outputs, which the buffers do.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled; the buffer may be written in part.</exception>
    /// <exception cref="ObjectDisposedException">The session is disposed.</exception>
    /// <exception cref="OnnxRuntimeException">A node failed, or the output had another shape than the buffer, and names of dimensions do not tell.</exception>
    public void RunInto(
        TensorBuffer output,
        TensorView first,
        TensorView second = default,
        TensorView third = default,
        TensorView fourth = default,
        LorqRunOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        var views = new FourViews(first, second, third, fourth);
        var buffers = new OneBuffer(output);
        RunViewsInto(ref views, ref buffers, options, cancellationToken);
    }

    /// <summary>Runs the model and writes outputs into buffers; outputs without a buffer are not computed.</summary>
    /// <param name="inputs">The inputs, in any order.</param>
    /// <param name="outputs">The buffers, each of the shape that its output will have.</param>
    /// <param name="options">Which adapters; null: none.</param>
    /// <param name="cancellationToken">Stops the call between two nodes of the model.</param>
    /// <inheritdoc cref="RunInto(TensorBuffer, TensorView, TensorView, TensorView, TensorView, LorqRunOptions, CancellationToken)"/>
    public void RunInto(
        IReadOnlyList<InputTensor> inputs,
        IReadOnlyList<OutputTensor> outputs,
        LorqRunOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(outputs);
        var views = new ListViews(inputs);
        var buffers = new ListBuffers(outputs);
        RunViewsInto(ref views, ref buffers, options, cancellationToken);
    }

    /// <summary>Runs the model on any number of inputs over spans into any number of buffers: for generated code.</summary>
    /// <typeparam name="TInputs">A struct, mostly a <c>ref struct</c>, that holds the inputs.</typeparam>
    /// <typeparam name="TOutputs">One that holds the buffers.</typeparam>
    /// <param name="inputs">The inputs, in any order.</param>
    /// <param name="outputs">The buffers, each of the shape that its output will have.</param>
    /// <param name="options">Which adapters; null: none.</param>
    /// <param name="cancellationToken">Stops the call between two nodes of the model.</param>
    /// <inheritdoc cref="RunInto(TensorBuffer, TensorView, TensorView, TensorView, TensorView, LorqRunOptions, CancellationToken)"/>
    public void RunViewsInto<TInputs, TOutputs>(
        scoped ref TInputs inputs,
        scoped ref TOutputs outputs,
        LorqRunOptions? options = null,
        CancellationToken cancellationToken = default
    )
        where TInputs : ITensorViews, allows ref struct
        where TOutputs : ITensorBuffers, allows ref struct
    {
        Enter();
        try
        {
            RunEnteredInto(ref inputs, ref outputs, options, cancellationToken);
        }
        finally
        {
            lifetime.Exit();
        }
    }

    /// <summary>Runs the model on a thread of the pool; ONNX Runtime allocates the outputs.</summary>
    /// <param name="inputs">The inputs, in any order; their memory must not change until the task has ended.</param>
    /// <param name="options">Which outputs and adapters; null: all outputs, no adapter.</param>
    /// <param name="cancellationToken">Stops the call between two nodes of the model.</param>
    /// <returns>The outputs, to be disposed. The task ends as the synchronous call does: with its result, an exception, or cancelled.</returns>
    /// <exception cref="ObjectDisposedException">The session is disposed; thrown at once.</exception>
    public Task<LorqOutputs> RunAsync(
        IReadOnlyList<InputTensor> inputs,
        LorqRunOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(inputs);
        Enter(); // here, so that a session disposed after this call still runs it
        return RunLater(
            () =>
            {
                var views = new ListViews(inputs);
                return RunEntered(ref views, options, cancellationToken);
            },
            lifetime
        );
    }

    /// <summary>Runs the model on a thread of the pool and writes outputs into buffers.</summary>
    /// <param name="inputs">The inputs, in any order; their memory must not change until the task has ended.</param>
    /// <param name="outputs">The buffers, which must not be used until the task has ended, cancelled or not.</param>
    /// <param name="options">Which adapters; null: none.</param>
    /// <param name="cancellationToken">Stops the call between two nodes of the model.</param>
    /// <returns>A task that ends as the synchronous call does.</returns>
    /// <exception cref="ObjectDisposedException">The session is disposed; thrown at once.</exception>
    public Task RunIntoAsync(
        IReadOnlyList<InputTensor> inputs,
        IReadOnlyList<OutputTensor> outputs,
        LorqRunOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(outputs);
        Enter();
        return RunLater(
            () =>
            {
                var views = new ListViews(inputs);
                var buffers = new ListBuffers(outputs);
                RunEnteredInto(ref views, ref buffers, options, cancellationToken);
                return true;
            },
            lifetime
        );
    }

    private static async Task<T> RunLater<T>(Func<T> run, Lifetime entered)
    {
        try
        {
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            return run();
        }
        finally
        {
            entered.Exit();
        }
    }

    private LorqOutputs RunEntered<TInputs>(scoped ref TInputs inputs, LorqRunOptions? options, CancellationToken cancellationToken)
        where TInputs : ITensorViews, allows ref struct
    {
        using var run = new Execution(adapters, options, cancellationToken);
        using var call = new NativeCall(session, signature, checkNames ? new NamedDimensions() : null, run.Options);
        try
        {
            return call.Run(ref inputs, options?.Outputs ?? []);
        }
        catch (OnnxRuntimeException e) when (cancellationToken.IsCancellationRequested)
        {
            throw Execution.Cancelled(e, cancellationToken);
        }
    }

    private void RunEnteredInto<TInputs, TOutputs>(
        scoped ref TInputs inputs,
        scoped ref TOutputs outputs,
        LorqRunOptions? options,
        CancellationToken cancellationToken
    )
        where TInputs : ITensorViews, allows ref struct
        where TOutputs : ITensorBuffers, allows ref struct
    {
        if (options is { Outputs.Count: > 0 })
        {
            throw new ArgumentException("The buffers say which outputs are computed: the options must list none.", nameof(options));
        }
        using var run = new Execution(adapters, options, cancellationToken);
        using var call = new NativeCall(session, signature, checkNames ? new NamedDimensions() : null, run.Options);
        try
        {
            call.RunInto(ref inputs, ref outputs);
        }
        catch (OnnxRuntimeException e) when (cancellationToken.IsCancellationRequested)
        {
            throw Execution.Cancelled(e, cancellationToken);
        }
    }
}
