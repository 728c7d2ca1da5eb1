namespace Lorq.Generators.Emission;

/// <summary>How generated code writes the types of others: by their simple names with <c>using</c> directives, or by full names where a simple one means something else.</summary>
/// <param name="full">Whether by full names.</param>
internal sealed class TypeNames(bool full)
{
    private readonly HashSet<string> used = new(StringComparer.Ordinal);

    private static readonly (string Namespace, string[] Types)[] known =
    [
        (
            "System",
            [
                "AppContext",
                "ArgumentException",
                "ArgumentNullException",
                "ArgumentOutOfRangeException",
                "Half",
                "IDisposable",
                "NotSupportedException",
                "ObjectDisposedException",
                "OperationCanceledException",
            ]
        ),
        ("System.CodeDom.Compiler", ["GeneratedCode"]),
        ("System.Collections.Generic", ["IEnumerable", "IReadOnlyList", "List"]),
        ("System.IO", ["FileNotFoundException", "Path", "Stream"]),
        ("System.Numerics.Tensors", ["ReadOnlyTensorSpan", "Tensor"]),
        ("System.Threading", ["CancellationToken"]),
        ("System.Threading.Tasks", ["Task"]),
        (
            "Lorq.Runtime",
            [
                "BatchSample",
                "InputTensor",
                "InvalidTensorException",
                "ITensorViews",
                "LorqBatchOptions",
                "LorqOutputs",
                "LorqRunOptions",
                "LorqSession",
                "LorqSessionOptions",
                "ManifestException",
                "OutputTensor",
                "PadValue",
                "ProviderException",
                "TensorView",
            ]
        ),
        ("Microsoft.Extensions.DependencyInjection", ["IServiceCollection", "ServiceCollectionServiceExtensions"]),
        ("Microsoft.ML.OnnxRuntime", ["BFloat16", "OnnxRuntimeException", "OrtValue"]),
    ];

    /// <summary>All names that generated code may use.</summary>
    public static IEnumerable<string> All => known.SelectMany(k => k.Types);

    /// <summary>The namespaces of the types that were asked for, for <c>using</c> directives; those of the framework first.</summary>
    public IEnumerable<string> Usings => full ? [] : known.Where(k => k.Types.Any(used.Contains)).Select(k => k.Namespace);

    /// <summary>A type as generated code writes it.</summary>
    public string this[string name]
    {
        get
        {
            used.Add(name);
            return full ? $"global::{known.First(k => k.Types.Contains(name)).Namespace}.{name}" : name;
        }
    }
}
