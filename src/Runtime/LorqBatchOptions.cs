using System.Runtime.InteropServices;
using Lorq.Runtime.Sessions;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Lorq.Runtime;

/// <summary>How <see cref="LorqSession.RunBatches"/> makes batches of samples.</summary>
public sealed record LorqBatchOptions
{
    private readonly int maxSize = 32;

    /// <summary>The most rows that a batch has. A sample that alone has more runs alone.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is below 1.</exception>
    public int MaxSize
    {
        get => maxSize;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, nameof(MaxSize));
            maxSize = value;
        }
    }

    /// <summary>Name of the dimension that rows lie along; null: the first dimension of the first input that has any.</summary>
    public string? Dimension { get; init; }

    /// <summary>
    /// What fills up inputs that are shorter than others of the batch, behind their own elements, one per input. Samples whose lengths differ in an input that has none go into different batches.
    /// </summary>
    public IReadOnlyList<PadValue> Padding { get; init; } = [];
}

/// <summary>What one call would take, to be run in a batch with others.</summary>
/// <param name="Inputs">The inputs; a row, mostly, is 1 along the dimension of the batch. Their memory must not change until the result is there.</param>
/// <param name="Options">Which outputs and adapters; null: all outputs, no adapter.</param>
public sealed record BatchSample(IReadOnlyList<InputTensor> Inputs, LorqRunOptions? Options = null);

/// <summary>What fills up an input that is shorter than others of its batch.</summary>
public sealed class PadValue
{
    private readonly byte[] bytes;
    private readonly string text;

    private PadValue(string input, TensorElementType type, byte[] bytes, string text)
    {
        ArgumentNullException.ThrowIfNull(input);
        Input = input;
        ElementType = type;
        this.bytes = bytes;
        this.text = text;
    }

    /// <summary>Name of the input.</summary>
    public string Input { get; }

    /// <summary>Type of the value.</summary>
    public TensorElementType ElementType { get; }

    /// <summary>A number.</summary>
    /// <typeparam name="T">The element type of the input.</typeparam>
    /// <param name="input">Name of the input.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> is no element type of ONNX.</exception>
    public static PadValue Of<T>(string input, T value)
        where T : unmanaged => new(input, ElementTypes.Of<T>(), MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray(), "");

    /// <summary>A text.</summary>
    /// <param name="input">Name of the input.</param>
    /// <param name="value">The value.</param>
    public static PadValue Of(string input, string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new(input, TensorElementType.String, [], value);
    }

    internal void Fill(Span<byte> elements)
    {
        for (; elements.Length > 0; elements = elements[bytes.Length..])
        {
            bytes.CopyTo(elements);
        }
    }

    internal void Fill(Span<string> elements) => elements.Fill(text);
}
