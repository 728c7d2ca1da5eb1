using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Lorq.Runtime.Sessions;

/// <summary>
/// One call of a session. Spans can be pinned by <c>fixed</c> only, and any number of them only by recursion: each tensor is checked and pinned, then the next,
/// and innermost the model runs.
/// </summary>
internal sealed unsafe class NativeCall(InferenceSession session, Signature signature, NamedDimensions? named, RunOptions options)
    : IDisposable
{
    private readonly List<string> inputNames = [];
    private readonly List<OrtValue> inputs = [];
    private readonly List<string> outputNames = [];
    private readonly List<OrtValue> outputs = [];
    private readonly List<long[]> bufferDims = [];
    private readonly List<OrtValue> owned = [];
    private OwnedValues? results;
    private byte* empty;

    /// <summary>Runs and gives outputs that ONNX Runtime allocates.</summary>
    public LorqOutputs Run<TInputs>(scoped ref TInputs views, IReadOnlyList<string> wanted)
        where TInputs : ITensorViews, allows ref struct
    {
        signature.CheckDistinct(wanted, "output");
        foreach (string name in wanted)
        {
            signature.Output(name);
        }
        outputNames.AddRange(wanted.Count > 0 ? wanted : signature.OutputNames);
        var none = new NoBuffers();
        Start(ref views, ref none);
        return new(results!, [.. outputNames.Select(signature.Output)]);
    }

    /// <summary>Runs into buffers.</summary>
    public void RunInto<TInputs, TOutputs>(scoped ref TInputs views, scoped ref TOutputs buffers)
        where TInputs : ITensorViews, allows ref struct
        where TOutputs : ITensorBuffers, allows ref struct => Start(ref views, ref buffers);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (OrtValue value in owned)
        {
            value.Dispose();
        }
    }

    private void Start<TInputs, TOutputs>(scoped ref TInputs views, scoped ref TOutputs buffers)
        where TInputs : ITensorViews, allows ref struct
        where TOutputs : ITensorBuffers, allows ref struct
    {
        byte* address = stackalloc byte[16]; // what has no elements needs an address all the same
        empty = address;
        PinInput(ref views, ref buffers, 0);
    }

    private void PinInput<TInputs, TOutputs>(scoped ref TInputs views, scoped ref TOutputs buffers, int index)
        where TInputs : ITensorViews, allows ref struct
        where TOutputs : ITensorBuffers, allows ref struct
    {
        if (index == views.Count)
        {
            signature.CheckComplete(inputNames);
            PinOutput(ref buffers, 0);
            return;
        }
        TensorView view = views[index];
        if (view.Name is null)
        {
            PinInput(ref views, ref buffers, index + 1);
            return;
        }
        long[]? dims = signature.Check(view, named);
        inputNames.Add(view.Name);
        fixed (byte* bytes = view.Bytes)
        {
            inputs.Add(
                view.Given
                    ?? Own(
                        view.ElementType == TensorElementType.String
                            ? Copy(view, dims!)
                            : Over(bytes, view.Bytes.Length, view.ElementType, dims!)
                    )
            );
            PinInput(ref views, ref buffers, index + 1);
        }
    }

    private void PinOutput<TOutputs>(scoped ref TOutputs buffers, int index)
        where TOutputs : ITensorBuffers, allows ref struct
    {
        if (index == buffers.Count)
        {
            RunPinned();
            return;
        }
        TensorBuffer buffer = buffers[index];
        if (buffer.Name is null)
        {
            PinOutput(ref buffers, index + 1);
            return;
        }
        long[] dims = signature.Check(buffer);
        outputNames.Add(buffer.Name);
        bufferDims.Add(dims);
        fixed (byte* bytes = buffer.Bytes)
        {
            outputs.Add(Own(Over(bytes, buffer.Bytes.Length, buffer.ElementType, dims)));
            PinOutput(ref buffers, index + 1);
        }
    }

    private void RunPinned()
    {
        try
        {
            RunNodes();
        }
        catch (OnnxRuntimeException) when (Misfit() is { } misfit)
        {
            throw misfit;
        }
        catch (OnnxRuntimeException e) when (FirstEmpty() is { } empty)
        {
            // Many models run on nothing, so that it is not refused beforehand.
            throw new InvalidTensorException($"Input '{empty}' has no elements, and a node of the model failed: {e.Message}", empty);
        }
    }

    private void RunNodes()
    {
        if (outputs.Count > 0)
        {
            signature.CheckDistinct(outputNames, "output");
            session.Run(options, inputNames, inputs, outputNames, outputs);
        }
        else if (outputNames.Count > 0)
        {
            IDisposableReadOnlyCollection<OrtValue> values = session.Run(options, inputNames, inputs, outputNames);
            OrtValue[] read = [.. inputs.Where(HasBytes)];
            results = new OwnedValues(values, [.. values.Select(v => LiesInOneOf(read, v) ? Copy(v) : v)]);
        }
        else
        {
            throw new ArgumentException("No output is given a buffer: there is nothing to compute.");
        }
    }

    /// <summary>
    /// The buffer that cannot have had the shape of its output, by the names of dimensions; null: none. Looked for once a call has failed, because the names of outputs are the exporter's word,
    /// which may be careless where the buffer is right.
    /// </summary>
    private InvalidTensorException? Misfit() =>
        named is null || options.Terminate || bufferDims.Count == 0
            ? null
            : outputNames
                .Select((name, i) => named.Contradiction(signature.Buffer(name), signature.Output(name), bufferDims[i]))
                .FirstOrDefault(e => e is not null);

    private string? FirstEmpty() =>
        options.Terminate
            ? null
            : inputNames.Where((_, i) => inputs[i].IsTensor && inputs[i].GetTensorTypeAndShape().ElementCount == 0).FirstOrDefault();

    /// <summary>An output that is an input of the graph comes back as the caller's own memory, which is pinned during the call only.</summary>
    private static bool LiesInOneOf(OrtValue[] read, OrtValue output) =>
        HasBytes(output) && Array.Exists(read, i => output.GetTensorMutableRawData().Overlaps(i.GetTensorMutableRawData()));

    private static bool HasBytes(OrtValue value) => value.IsTensor && !value.GetTensorTypeAndShape().IsString;

    private static OrtValue Copy(OrtValue value)
    {
        OrtTensorTypeAndShapeInfo info = value.GetTensorTypeAndShape();
        OrtValue copy = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, info.ElementDataType, info.Shape);
        value.GetTensorMutableRawData().CopyTo(copy.GetTensorMutableRawData());
        return copy;
    }

    private OrtValue Own(OrtValue value)
    {
        owned.Add(value);
        return value;
    }

    private OrtValue Over(byte* bytes, int length, TensorElementType type, long[] dims) =>
        OrtValue.CreateTensorValueWithData(OrtMemoryInfo.DefaultInstance, type, dims, (nint)(bytes is null ? empty : bytes), length);

    private static OrtValue Copy(TensorView view, long[] dims)
    {
        OrtValue value = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, dims);
        for (int i = 0; i < view.Strings.Length; i++)
        {
            value.StringTensorSetElementAt(view.Strings[i].AsSpan(), i);
        }
        return value;
    }

    private readonly struct NoBuffers : ITensorBuffers
    {
        public int Count => 0;

        public TensorBuffer this[int index] => default;
    }
}
