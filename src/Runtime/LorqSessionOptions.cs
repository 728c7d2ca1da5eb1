using Microsoft.ML.OnnxRuntime;

namespace Lorq.Runtime;

/// <summary>How a <see cref="LorqSession"/> is opened.</summary>
public sealed record LorqSessionOptions
{
    /// <summary>
    /// The providers in order of preference; each runs the nodes that those before it do not take. One that cannot be used is skipped if another stands behind it, and
    /// <see cref="LorqSession.ProviderNotes"/> says so; without one behind it loading fails. <c>[ExecutionProvider.Cuda(), ExecutionProvider.Cpu]</c> is CUDA where there is
    /// one, else the CPU. The CPU, where listed, is last.
    /// </summary>
    public IReadOnlyList<ExecutionProvider> Providers { get; init; } = [ExecutionProvider.Cpu];

    /// <summary>How nodes that leave it open use activations.</summary>
    public ActivationMode Activations { get; init; } = ActivationMode.Int8;

    /// <summary>Threads that compute one node together; 0: one per physical core.</summary>
    public int IntraOpThreads { get; init; }

    /// <summary>Whether the model is compared with its manifest.</summary>
    public ManifestCheck ManifestCheck { get; init; } = ManifestCheck.WhenPresent;

    /// <summary>Path of the manifest; null: beside the model, its name with <c>.json</c> in place of <c>.onnx</c>. A model from memory has none beside it.</summary>
    public string? ManifestPath { get; init; }

    /// <summary>Whether dimensions of one name must be equal in all inputs of a call, as ONNX has it. For models that name dimensions carelessly: false.</summary>
    public bool CheckDimensionNames { get; init; } = true;

    /// <summary>Sets what is not listed here, last, just before the session is made; may run again when a provider is skipped.</summary>
    public Action<SessionOptions>? Configure { get; init; }
}

/// <summary>How one call runs.</summary>
public sealed record LorqRunOptions
{
    /// <summary>Names of the outputs to compute, in this order; empty: all. What only other outputs need is not computed. Not for calls that write into buffers: they compute those.</summary>
    public IReadOnlyList<string> Outputs { get; init; } = [];

    /// <summary>Names of the adapters to apply: see <see cref="LorqSession.LoadAdapter(string, string)"/>.</summary>
    public IReadOnlyList<string> Adapters { get; init; } = [];
}
