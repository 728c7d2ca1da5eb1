using System.Collections;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Lorq.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;
using TensorElementType = Microsoft.ML.OnnxRuntime.Tensors.TensorElementType;

namespace Lorq.Runtime;

/// <summary>The outputs of a call, in memory that ONNX Runtime owns until this is disposed. They outlive the session.</summary>
public sealed class LorqOutputs : IReadOnlyList<LorqOutput>, IDisposable
{
    private readonly LorqOutput[] outputs;
    private readonly OwnedValues values;

    internal LorqOutputs(OwnedValues values, IReadOnlyList<TensorInfo> infos)
    {
        this.values = values;
        outputs = [.. values.Values.Select((v, i) => new LorqOutput(this, infos[i].Name, v))];
    }

    /// <summary>How many there are.</summary>
    public int Count => outputs.Length;

    /// <summary>An output by its place.</summary>
    public LorqOutput this[int index] => outputs[index];

    /// <summary>An output by its name.</summary>
    /// <exception cref="InvalidTensorException">The call computed no output of this name.</exception>
    public LorqOutput this[string name] =>
        Array.Find(outputs, o => string.Equals(o.Name, name, StringComparison.Ordinal))
        ?? throw new InvalidTensorException(
            $"The call has no output '{name}'. Its outputs: {string.Join(", ", outputs.Select(o => $"'{o.Name}'"))}.",
            name
        );

    internal bool IsDisposed { get; private set; }

    /// <inheritdoc/>
    public IEnumerator<LorqOutput> GetEnumerator() => ((IEnumerable<LorqOutput>)outputs).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Frees the outputs: spans over them must not be used any more.</summary>
    public void Dispose()
    {
        if (!IsDisposed)
        {
            IsDisposed = true;
            values.Dispose();
        }
    }
}

/// <summary>An output of a call.</summary>
public sealed class LorqOutput
{
    private readonly LorqOutputs owner;
    private readonly OrtValue value;
    private readonly long[] dimensions;
    private readonly TensorElementType type;

    internal LorqOutput(LorqOutputs owner, string name, OrtValue value)
    {
        this.owner = owner;
        this.value = value;
        Name = name;
        if (value.IsTensor)
        {
            OrtTensorTypeAndShapeInfo info = value.GetTensorTypeAndShape();
            type = info.ElementDataType;
            dimensions = info.Shape;
        }
        else
        {
            type = TensorElementType.DataTypeMax;
            dimensions = [];
        }
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Type of the elements; <c>DataTypeMax</c> for sequences and maps.</summary>
    public TensorElementType ElementType => type;

    /// <summary>The lengths of the dimensions; none for a scalar, a sequence or a map.</summary>
    public ReadOnlySpan<long> Dimensions => dimensions;

    /// <summary>ONNX Runtime's own value, for sequences and maps and for whatever is not offered here. It lives as long as the <see cref="LorqOutputs"/>.</summary>
    /// <exception cref="ObjectDisposedException">The outputs are disposed.</exception>
    public OrtValue Value
    {
        get
        {
            ObjectDisposedException.ThrowIf(owner.IsDisposed, owner);
            return value;
        }
    }

    /// <summary>The elements in place, row-major; valid until the <see cref="LorqOutputs"/> are disposed, which must be kept (by <c>using</c>) as long.</summary>
    /// <typeparam name="T">The element type, <see cref="Half"/> for float16.</typeparam>
    /// <exception cref="InvalidTensorException">The output has another element type.</exception>
    /// <exception cref="ObjectDisposedException">The outputs are disposed.</exception>
    public ReadOnlySpan<T> AsSpan<T>()
        where T : unmanaged
    {
        OrtValue live = Value;
        if (ElementTypes.Of<T>() != type)
        {
            throw new InvalidTensorException($"Output '{Name}' has element type {type}, not {ElementTypes.Of<T>()}.", Name);
        }
        return MemoryMarshal.Cast<byte, T>(live.GetTensorMutableRawData());
    }

    /// <summary>The elements in place, with their dimensions, a scalar with one; valid as long as those of <see cref="AsSpan{T}"/>.</summary>
    /// <inheritdoc cref="AsSpan{T}"/>
    public ReadOnlyTensorSpan<T> AsTensorSpan<T>()
        where T : unmanaged
    {
        ReadOnlySpan<T> elements = AsSpan<T>();
        // ONNX Runtime has no address for what has no elements, and tensor spans with dimensions want one.
        return new(elements.IsEmpty ? new ReadOnlySpan<T>(Array.Empty<T>()) : elements, Lengths());
    }

    /// <summary>A copy of the elements.</summary>
    /// <inheritdoc cref="AsSpan{T}"/>
    public T[] ToArray<T>()
        where T : unmanaged => AsSpan<T>().ToArray();

    /// <summary>A copy of the elements with their dimensions, a scalar with one.</summary>
    /// <inheritdoc cref="AsSpan{T}"/>
    public Tensor<T> ToTensor<T>()
        where T : unmanaged => Tensor.Create(ToArray<T>(), Lengths());

    /// <summary>The elements of an output of strings.</summary>
    /// <exception cref="InvalidTensorException">The output has another element type.</exception>
    /// <exception cref="ObjectDisposedException">The outputs are disposed.</exception>
    public string[] ToStrings() =>
        type == TensorElementType.String
            ? Value.GetStringTensorAsArray()
            : throw new InvalidTensorException($"Output '{Name}' has element type {type}, not String.", Name);

    /// <summary>The elements of an output of strings with their dimensions.</summary>
    /// <inheritdoc cref="ToStrings"/>
    public Tensor<string> ToStringTensor() => Tensor.Create(ToStrings(), Lengths());

    /// <summary>Of a scalar: one dimension of one element, because tensors of .NET without dimensions have no elements.</summary>
    private nint[] Lengths() => dimensions.Length == 0 ? [1] : Array.ConvertAll(dimensions, d => (nint)d);
}
