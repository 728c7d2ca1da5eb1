using System.Numerics.Tensors;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Runtime;

/// <summary>An input over memory of the caller's that can be kept in lists and used by <see cref="LorqSession.RunAsync"/>; the memory is read in place and pinned for the duration of a call only.</summary>
public abstract class InputTensor
{
    private InputTensor(string name) => Name = name;

    /// <summary>Name of the input.</summary>
    public string Name { get; }

    /// <summary>An input over memory; an array converts to it.</summary>
    /// <typeparam name="T">A number type, <see cref="bool"/>, <see cref="Half"/>, or ONNX Runtime's <see cref="Float16"/> or <see cref="BFloat16"/>.</typeparam>
    /// <param name="name">Name of the input.</param>
    /// <param name="values">The elements, row-major. They must not change during a call.</param>
    /// <param name="dimensions">The lengths of the dimensions; none for a scalar.</param>
    public static InputTensor Of<T>(string name, ReadOnlyMemory<T> values, params ReadOnlySpan<long> dimensions)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(name);
        return new OverMemory<T>(name, values, dimensions.ToArray());
    }

    /// <summary>An input over an array.</summary>
    /// <inheritdoc cref="Of{T}(string, ReadOnlyMemory{T}, ReadOnlySpan{long})"/>
    public static InputTensor Of<T>(string name, T[] values, params ReadOnlySpan<long> dimensions)
        where T : unmanaged => Of(name, values.AsMemory(), dimensions);

    /// <inheritdoc cref="Of{T}(string, ReadOnlyMemory{T}, ReadOnlySpan{long})"/>
    public static InputTensor Of<T>(string name, Memory<T> values, params ReadOnlySpan<long> dimensions)
        where T : unmanaged => Of(name, (ReadOnlyMemory<T>)values, dimensions);

    /// <summary>An input over a tensor of <c>System.Numerics.Tensors</c>, with its dimensions.</summary>
    /// <typeparam name="T">As in the overload over memory.</typeparam>
    /// <param name="name">Name of the input.</param>
    /// <param name="tensor">The tensor, dense.</param>
    public static InputTensor Of<T>(string name, Tensor<T> tensor)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(tensor);
        return new OverTensor<T>(name, tensor);
    }

    /// <summary>An input of strings, which are copied at each call.</summary>
    /// <param name="name">Name of the input.</param>
    /// <param name="values">The elements, row-major.</param>
    /// <param name="dimensions">The lengths of the dimensions; none for a scalar.</param>
    public static InputTensor Of(string name, ReadOnlyMemory<string> values, params ReadOnlySpan<long> dimensions)
    {
        ArgumentNullException.ThrowIfNull(name);
        return new OfStrings(name, values, dimensions.ToArray());
    }

    /// <inheritdoc cref="Of(string, ReadOnlyMemory{string}, ReadOnlySpan{long})"/>
    public static InputTensor Of(string name, string[] values, params ReadOnlySpan<long> dimensions) =>
        Of(name, values.AsMemory(), dimensions);

    /// <summary>An input of strings in a tensor, which are copied at each call.</summary>
    /// <param name="name">Name of the input.</param>
    /// <param name="tensor">The tensor, dense.</param>
    public static InputTensor Of(string name, Tensor<string> tensor)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(tensor);
        return new OfStringTensor(name, tensor);
    }

    /// <summary>A value of ONNX Runtime's own: a sequence, a map, an output of another call, memory of a device.</summary>
    /// <param name="name">Name of the input.</param>
    /// <param name="value">The value, which stays the caller's and must live until the call has ended.</param>
    public static InputTensor Of(string name, OrtValue value)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(value);
        return new OfValue(name, value);
    }

    internal abstract TensorView View();

    private sealed class OverMemory<T>(string name, ReadOnlyMemory<T> values, long[] dimensions) : InputTensor(name)
        where T : unmanaged
    {
        internal override TensorView View() => TensorView.Of(Name, values.Span, dimensions);
    }

    private sealed class OverTensor<T>(string name, Tensor<T> tensor) : InputTensor(name)
        where T : unmanaged
    {
        internal override TensorView View() => TensorView.Of(Name, tensor);
    }

    private sealed class OfStrings(string name, ReadOnlyMemory<string> values, long[] dimensions) : InputTensor(name)
    {
        internal override TensorView View() => TensorView.Of(Name, values.Span, dimensions);
    }

    private sealed class OfStringTensor(string name, Tensor<string> tensor) : InputTensor(name)
    {
        internal override TensorView View() => TensorView.Of(Name, tensor);
    }

    private sealed class OfValue(string name, OrtValue value) : InputTensor(name)
    {
        internal override TensorView View() => TensorView.Of(Name, value);
    }
}

/// <summary>Memory of the caller's for an output that can be kept in lists; written in place and pinned for the duration of a call only.</summary>
public abstract class OutputTensor
{
    private OutputTensor(string name) => Name = name;

    /// <summary>Name of the output.</summary>
    public string Name { get; }

    /// <summary>An output into memory.</summary>
    /// <typeparam name="T">As for <see cref="InputTensor"/>.</typeparam>
    /// <param name="name">Name of the output.</param>
    /// <param name="values">Where the elements go, row-major.</param>
    /// <param name="dimensions">The dimensions that the output will have.</param>
    public static OutputTensor Of<T>(string name, Memory<T> values, params ReadOnlySpan<long> dimensions)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(name);
        return new IntoMemory<T>(name, values, dimensions.ToArray());
    }

    /// <inheritdoc cref="Of{T}(string, Memory{T}, ReadOnlySpan{long})"/>
    public static OutputTensor Of<T>(string name, T[] values, params ReadOnlySpan<long> dimensions)
        where T : unmanaged => Of(name, values.AsMemory(), dimensions);

    /// <summary>An output into a tensor of <c>System.Numerics.Tensors</c>.</summary>
    /// <typeparam name="T">As for <see cref="InputTensor"/>.</typeparam>
    /// <param name="name">Name of the output.</param>
    /// <param name="tensor">The tensor, dense, of the shape that the output will have.</param>
    public static OutputTensor Of<T>(string name, Tensor<T> tensor)
        where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(tensor);
        return new IntoTensor<T>(name, tensor);
    }

    internal abstract TensorBuffer Buffer();

    private sealed class IntoMemory<T>(string name, Memory<T> values, long[] dimensions) : OutputTensor(name)
        where T : unmanaged
    {
        internal override TensorBuffer Buffer() => TensorBuffer.Of(Name, values.Span, dimensions);
    }

    private sealed class IntoTensor<T>(string name, Tensor<T> tensor) : OutputTensor(name)
        where T : unmanaged
    {
        internal override TensorBuffer Buffer() => TensorBuffer.Of(Name, tensor);
    }
}
