using System.Runtime.InteropServices;
using Lorq.Diagnostics;
using Lorq.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Calibration;

/// <summary>An input or output of a model as ONNX Runtime states it; −1 for symbolic dimensions.</summary>
public sealed record TensorSignature(string Name, TensorProto.Types.DataType ElementType, long[] Shape, string[] DimensionNames);

/// <summary>
/// A model in stock ONNX Runtime on the CPU, with no custom library unless the caller's options add one. The one way this compiler
/// runs models: calibration, probes, checks and comparisons all go through it.
/// </summary>
public sealed class ModelRunner : IDisposable
{
    private readonly InferenceSession session;
    private readonly string path;

    /// <summary>Loads a model file.</summary>
    /// <param name="path">The model file.</param>
    /// <param name="threads">Threads inside one operator; 0 for one per core.</param>
    /// <param name="configure">Further session options.</param>
    /// <param name="shownAs">What errors call the model, when the file is a temporary copy of it.</param>
    /// <exception cref="LorqException">ONNX Runtime refuses the model.</exception>
    public ModelRunner(string path, int threads = 0, Action<SessionOptions>? configure = null, string? shownAs = null)
    {
        this.path = shownAs ?? path;
        using var options = new SessionOptions
        {
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        SharedArena.Use(options);
        configure?.Invoke(options);
        try
        {
            session = new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException e)
        {
            throw Catalogue.RuntimeRefusesModel.With(this.path, e.Message);
        }
        Inputs = [.. session.InputMetadata.Where(i => !IsOptional(i.Value)).Select(Signature)];
        OptionalInputs =
        [
            .. session.InputMetadata.Where(i => IsOptional(i.Value)).Concat(session.OverridableInitializerMetadata).Select(Signature),
        ];
        Outputs = [.. session.OutputMetadata.Select(Signature)];
    }

    /// <summary>The inputs a caller must give.</summary>
    public IReadOnlyList<TensorSignature> Inputs { get; }

    /// <summary>The inputs a caller may leave out: those of an optional type, and those with a value in the model.</summary>
    public IReadOnlyList<TensorSignature> OptionalInputs { get; }

    /// <summary>The outputs.</summary>
    public IReadOnlyList<TensorSignature> Outputs { get; }

    /// <summary>Runs one batch. The caller disposes the values; they come in the order of <paramref name="outputs"/> (all outputs when null).</summary>
    public IDisposableReadOnlyCollection<OrtValue> Run(
        IReadOnlyDictionary<string, DataTensor> inputs,
        IReadOnlyList<string>? outputs = null,
        CancellationToken cancellationToken = default
    )
    {
        var names = inputs.Keys.ToArray();
        var handles = new List<GCHandle>(names.Length);
        var values = new List<OrtValue>(names.Length);
        using var options = new RunOptions();
        using CancellationTokenRegistration stop = cancellationToken.Register(() => options.Terminate = true);
        try
        {
            foreach (string name in names)
            {
                values.Add(ToValue(inputs[name], handles));
            }
            return session.Run(options, names, values, outputs ?? [.. Outputs.Select(o => o.Name)]);
        }
        catch (OnnxRuntimeException e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Catalogue.RunFailed.With(path, e.Message);
        }
        finally
        {
            values.ForEach(v => v.Dispose());
            handles.ForEach(h => h.Free());
        }
    }

    /// <summary>Ends the profile of a session whose options enabled it; the answer is the file.</summary>
    internal string EndProfiling() => session.EndProfiling();

    /// <inheritdoc />
    public void Dispose() => session.Dispose();

    private static OrtValue ToValue(DataTensor tensor, List<GCHandle> handles)
    {
        var handle = GCHandle.Alloc(tensor.Bytes, GCHandleType.Pinned);
        handles.Add(handle);
        return OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance,
            (Microsoft.ML.OnnxRuntime.Tensors.TensorElementType)(int)tensor.ElementType,
            tensor.Shape,
            handle.AddrOfPinnedObject(),
            tensor.Bytes.Length
        );
    }

    private static bool IsOptional(NodeMetadata input) => input.OnnxValueType == OnnxValueType.ONNX_TYPE_OPTIONAL;

    private static TensorSignature Signature(KeyValuePair<string, NodeMetadata> pair)
    {
        NodeMetadata m = IsOptional(pair.Value) ? pair.Value.AsOptionalMetadata().ElementMeta : pair.Value;
        return m.IsTensor
            ? new(
                pair.Key,
                (TensorProto.Types.DataType)(int)m.ElementDataType,
                [.. m.Dimensions.Select(d => (long)d)],
                [.. m.SymbolicDimensions]
            )
            : new(pair.Key, TensorProto.Types.DataType.Undefined, [], []);
    }
}
