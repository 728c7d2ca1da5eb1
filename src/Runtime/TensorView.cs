using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Lorq.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime;
using TensorElementType = Microsoft.ML.OnnxRuntime.Tensors.TensorElementType;

namespace Lorq.Runtime;

/// <summary>An input over memory of the caller's, which is read in place and pinned for the duration of the call only.</summary>
public readonly ref struct TensorView
{
    internal readonly ReadOnlySpan<byte> Bytes;
    internal readonly ReadOnlySpan<string> Strings;
    internal readonly OrtValue? Given;
    internal readonly TensorElementType ElementType;
    internal readonly int Length;
    internal readonly ReadOnlySpan<long> Dimensions;
    internal readonly ReadOnlySpan<nint> Lengths;

    private TensorView(
        string name,
        TensorElementType type,
        ReadOnlySpan<byte> bytes,
        int length,
        ReadOnlySpan<long> dimensions,
        ReadOnlySpan<nint> lengths
    )
    {
        Name = name;
        ElementType = type;
        Bytes = bytes;
        Length = length;
        Dimensions = dimensions;
        Lengths = lengths;
    }

    private TensorView(string name, ReadOnlySpan<string> strings, ReadOnlySpan<long> dimensions, ReadOnlySpan<nint> lengths)
    {
        Name = name;
        ElementType = TensorElementType.String;
        Strings = strings;
        Length = strings.Length;
        Dimensions = dimensions;
        Lengths = lengths;
    }

    private TensorView(string name, OrtValue given)
    {
        Name = name;
        Given = given;
    }

    /// <summary>Name of the input; null in <c>default</c>, which stands for no input.</summary>
    public string? Name { get; }

    /// <summary>An input over a span.</summary>
    /// <typeparam name="T">A number type, <see cref="bool"/>, <see cref="Half"/>, or ONNX Runtime's <see cref="Float16"/> or <see cref="BFloat16"/>.</typeparam>
    /// <param name="name">Name of the input.</param>
    /// <param name="values">The elements, row-major.</param>
    /// <param name="dimensions">The lengths of the dimensions; none for a scalar.</param>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> is no element type of ONNX.</exception>
    public static TensorView Of<T>(string name, ReadOnlySpan<T> values, ReadOnlySpan<long> dimensions)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(name);
        return new(name, ElementTypes.Of<T>(), MemoryMarshal.AsBytes(values), values.Length, dimensions, default);
    }

    /// <summary>An input over a tensor of <c>System.Numerics.Tensors</c>.</summary>
    /// <typeparam name="T">As in the overload over spans.</typeparam>
    /// <param name="name">Name of the input.</param>
    /// <param name="tensor">The tensor.</param>
    /// <exception cref="InvalidTensorException">The tensor is not dense: <c>ToDenseTensor</c> makes it so.</exception>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> is no element type of ONNX.</exception>
    public static TensorView Of<T>(string name, Tensor<T> tensor)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return Dense(name, tensor.IsDense, in tensor.GetPinnableReference(), tensor.FlattenedLength, tensor.Lengths);
    }

    /// <summary>An input over a tensor span.</summary>
    /// <inheritdoc cref="Of{T}(string, Tensor{T})"/>
    public static TensorView Of<T>(string name, in ReadOnlyTensorSpan<T> tensor)
        where T : unmanaged => Dense(name, tensor.IsDense, in tensor.GetPinnableReference(), tensor.FlattenedLength, tensor.Lengths);

    /// <summary>An input of strings, which are copied.</summary>
    /// <param name="name">Name of the input.</param>
    /// <param name="values">The elements, row-major.</param>
    /// <param name="dimensions">The lengths of the dimensions; none for a scalar.</param>
    public static TensorView Of(string name, ReadOnlySpan<string> values, ReadOnlySpan<long> dimensions)
    {
        ArgumentNullException.ThrowIfNull(name);
        return new(name, values, dimensions, default);
    }

    /// <summary>An input of strings in a tensor, which are copied.</summary>
    /// <param name="name">Name of the input.</param>
    /// <param name="tensor">The tensor.</param>
    /// <exception cref="InvalidTensorException">The tensor is not dense: <c>ToDenseTensor</c> makes it so.</exception>
    public static TensorView Of(string name, Tensor<string> tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return new(name, Elements(name, tensor.IsDense, in tensor.GetPinnableReference(), tensor.FlattenedLength), default, tensor.Lengths);
    }

    /// <summary>An input of strings in a tensor span, which are copied.</summary>
    /// <inheritdoc cref="Of(string, Tensor{string})"/>
    public static TensorView Of(string name, in ReadOnlyTensorSpan<string> tensor) =>
        new(name, Elements(name, tensor.IsDense, in tensor.GetPinnableReference(), tensor.FlattenedLength), default, tensor.Lengths);

    /// <summary>A value of ONNX Runtime's own: a sequence, a map, an output of another call, memory of a device.</summary>
    /// <param name="name">Name of the input.</param>
    /// <param name="value">The value, which stays the caller's.</param>
    public static TensorView Of(string name, OrtValue value)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(value);
        return new(name, value);
    }

    internal long[] Dims() => TensorBuffer.Dims(Dimensions, Lengths);

    private static TensorView Dense<T>(string name, bool dense, ref readonly T first, nint length, ReadOnlySpan<nint> lengths)
        where T : unmanaged
    {
        ReadOnlySpan<T> values = Elements(name, dense, in first, length);
        return new(name, ElementTypes.Of<T>(), MemoryMarshal.AsBytes(values), values.Length, default, lengths);
    }

    private static ReadOnlySpan<T> Elements<T>(string name, bool dense, ref readonly T first, nint length)
    {
        ArgumentNullException.ThrowIfNull(name);
        return dense
            ? MemoryMarshal.CreateReadOnlySpan(in first, checked((int)length))
            : throw new InvalidTensorException(
                length == 0
                    ? $"The tensor for input '{name}' is empty."
                    : $"The tensor for input '{name}' is not dense; ToDenseTensor() makes a dense copy.",
                name
            );
    }
}

/// <summary>Memory of the caller's for an output, which is written in place and pinned for the duration of the call only.</summary>
public readonly ref struct TensorBuffer
{
    internal readonly Span<byte> Bytes;
    internal readonly TensorElementType ElementType;
    internal readonly int Length;
    internal readonly ReadOnlySpan<long> Dimensions;
    internal readonly ReadOnlySpan<nint> Lengths;

    private TensorBuffer(
        string name,
        TensorElementType type,
        Span<byte> bytes,
        int length,
        ReadOnlySpan<long> dimensions,
        ReadOnlySpan<nint> lengths
    )
    {
        Name = name;
        ElementType = type;
        Bytes = bytes;
        Length = length;
        Dimensions = dimensions;
        Lengths = lengths;
    }

    /// <summary>Name of the output; null in <c>default</c>, which stands for no output.</summary>
    public string? Name { get; }

    /// <summary>An output into a span.</summary>
    /// <typeparam name="T">As for <see cref="TensorView"/>.</typeparam>
    /// <param name="name">Name of the output.</param>
    /// <param name="values">Where the elements go, row-major.</param>
    /// <param name="dimensions">The dimensions that the output will have.</param>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> is no element type of ONNX.</exception>
    public static TensorBuffer Of<T>(string name, Span<T> values, ReadOnlySpan<long> dimensions)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(name);
        return new(name, ElementTypes.Of<T>(), MemoryMarshal.AsBytes(values), values.Length, dimensions, default);
    }

    /// <summary>An output into a tensor of <c>System.Numerics.Tensors</c>.</summary>
    /// <typeparam name="T">As for <see cref="TensorView"/>.</typeparam>
    /// <param name="name">Name of the output.</param>
    /// <param name="tensor">The tensor, of the shape that the output will have.</param>
    /// <exception cref="InvalidTensorException">The tensor is not dense.</exception>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> is no element type of ONNX.</exception>
    public static TensorBuffer Of<T>(string name, Tensor<T> tensor)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return Dense(name, tensor.IsDense, ref tensor.GetPinnableReference(), tensor.FlattenedLength, tensor.Lengths);
    }

    /// <summary>An output into a tensor span.</summary>
    /// <inheritdoc cref="Of{T}(string, Tensor{T})"/>
    public static TensorBuffer Of<T>(string name, in TensorSpan<T> tensor)
        where T : unmanaged => Dense(name, tensor.IsDense, ref tensor.GetPinnableReference(), tensor.FlattenedLength, tensor.Lengths);

    internal long[] Dims() => Dims(Dimensions, Lengths);

    private static TensorBuffer Dense<T>(string name, bool dense, ref T first, nint length, ReadOnlySpan<nint> lengths)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(name);
        Span<T> values = dense
            ? MemoryMarshal.CreateSpan(ref first, checked((int)length))
            : throw new InvalidTensorException($"The tensor for output '{name}' is {(length == 0 ? "empty" : "not dense")}.", name);
        return new(name, ElementTypes.Of<T>(), MemoryMarshal.AsBytes(values), values.Length, default, lengths);
    }

    internal static long[] Dims(ReadOnlySpan<long> dimensions, ReadOnlySpan<nint> lengths)
    {
        long[] dims = new long[dimensions.Length + lengths.Length]; // one of the two is empty
        dimensions.CopyTo(dims);
        for (int i = 0; i < lengths.Length; i++)
        {
            dims[i] = lengths[i];
        }
        return dims;
    }
}

/// <summary>Inputs over spans, any number: a <c>ref struct</c> of the caller's, such as generated code has one per model.</summary>
public interface ITensorViews
{
    /// <summary>How many there are.</summary>
    int Count { get; }

    /// <summary>One of them; <c>default</c> for an optional input that is left out.</summary>
    TensorView this[int index] { get; }
}

/// <summary>Outputs into spans, any number: see <see cref="ITensorViews"/>.</summary>
public interface ITensorBuffers
{
    /// <summary>How many there are.</summary>
    int Count { get; }

    /// <summary>One of them; <c>default</c> for an output that is not wanted.</summary>
    TensorBuffer this[int index] { get; }
}
