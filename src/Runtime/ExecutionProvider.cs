using System.Globalization;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Runtime;

/// <summary>Something that runs a model's nodes: the CPU, or an accelerator that the installed build of ONNX Runtime has.</summary>
public sealed class ExecutionProvider
{
    private readonly Action<SessionOptions>? append;

    private ExecutionProvider(string name, Action<SessionOptions>? append)
    {
        Name = name;
        this.append = append;
    }

    /// <summary>The CPU. It is always there and runs whatever no other provider takes.</summary>
    public static ExecutionProvider Cpu { get; } = new("CPU", null);

    /// <summary>The name, e.g. <c>CUDA</c>.</summary>
    public string Name { get; }

    /// <summary>An NVIDIA GPU by CUDA.</summary>
    /// <param name="device">The index of the GPU.</param>
    /// <param name="settings">Options of the provider by ONNX Runtime's names, e.g. <c>gpu_mem_limit</c>.</param>
    public static ExecutionProvider Cuda(int device = 0, IReadOnlyDictionary<string, string>? settings = null) =>
        new(
            "CUDA",
            options =>
            {
                using var cuda = new OrtCUDAProviderOptions();
                Dictionary<string, string> all = Copy(settings);
                all["device_id"] = device.ToString(CultureInfo.InvariantCulture);
                cuda.UpdateOptions(all);
                options.AppendExecutionProvider_CUDA(cuda);
            }
        );

    /// <summary>Any other provider that ONNX Runtime knows by name, e.g. <c>CoreML</c>, <c>QNN</c>, <c>XNNPACK</c>, <c>WebGPU</c>.</summary>
    /// <param name="name">The name as <c>SessionOptions.AppendExecutionProvider</c> takes it.</param>
    /// <param name="settings">Options of the provider by ONNX Runtime's names.</param>
    public static ExecutionProvider Named(string name, IReadOnlyDictionary<string, string>? settings = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return new(name, options => options.AppendExecutionProvider(name, Copy(settings)));
    }

    /// <summary>A provider that is added by code of yours.</summary>
    /// <param name="name">The name, for messages.</param>
    /// <param name="append">Adds it to the options; an exception means that it cannot be used.</param>
    public static ExecutionProvider Custom(string name, Action<SessionOptions> append)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(append);
        return new(name, append);
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    internal bool IsCpu => append is null;

    internal void AppendTo(SessionOptions options) => append?.Invoke(options);

    private static Dictionary<string, string> Copy(IReadOnlyDictionary<string, string>? settings) =>
        settings is null ? [] : new(settings, StringComparer.Ordinal);
}

/// <summary>A provider that was asked for and is not used.</summary>
/// <param name="Provider">The provider.</param>
/// <param name="Reason">Why: the message of ONNX Runtime or of the system's loader.</param>
public sealed record ProviderNote(ExecutionProvider Provider, string Reason)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Provider} refused: {Reason}";
}
