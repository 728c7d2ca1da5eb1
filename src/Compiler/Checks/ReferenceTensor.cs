using Microsoft.ML.OnnxRuntime;

namespace Lorq.Checks;

/// <summary>One output of the original model for one batch.</summary>
internal abstract class ReferenceTensor(long[] shape, int units, int[]? kept)
{
    /// <summary>The output's shape.</summary>
    public long[] Shape { get; } = shape;

    /// <summary>Rows (floating-point) or elements (others) in the tensor, masked ones included.</summary>
    public int Units { get; } = units;

    /// <summary>The units that count, in order; null when all do.</summary>
    public int[]? Kept { get; } = kept;

    /// <summary>Number of units that count.</summary>
    public int Count => Kept?.Length ?? Units;

    /// <summary>Where the i-th unit that counts stands in the tensor.</summary>
    public int Position(int i) => Kept is null ? i : Kept[i];

    /// <summary>Bytes that <see cref="Own"/> holds.</summary>
    public abstract long Bytes { get; }

    /// <summary>The same, independent of ONNX Runtime's memory; masked units are dropped.</summary>
    public abstract ReferenceTensor Own();
}

/// <summary>A floating-point output.</summary>
internal sealed class FloatReference(
    long[] shape,
    int width,
    int rows,
    int[]? kept,
    ClassAxis axis,
    FloatTensor values,
    bool compact,
    RowStatistics[] statistics
) : ReferenceTensor(shape, rows, kept)
{
    /// <summary>Length of a row.</summary>
    public int Width { get; } = width;

    /// <summary>What a row means.</summary>
    public ClassAxis Axis { get; } = axis;

    /// <summary>Statistics of the i-th row that counts.</summary>
    public RowStatistics[] Statistics { get; } = statistics;

    /// <summary>The values; rows are found by <see cref="Row"/>.</summary>
    public FloatTensor Values { get; } = values;

    /// <inheritdoc />
    public override unsafe long Bytes =>
        (long)Count * (Width * sizeof(float) + sizeof(RowStatistics)) + (Kept?.LongLength ?? 0) * sizeof(int);

    /// <summary>The i-th row that counts, out of <see cref="Values"/>.</summary>
    public ReadOnlySpan<float> Row(ReadOnlySpan<float> values, int i) => values.Slice((compact ? i : Position(i)) * Width, Width);

    /// <inheritdoc />
    public override FloatReference Own()
    {
        var copy = new float[Count * Width];
        ReadOnlySpan<float> values = Values.Span;
        for (int i = 0; i < Count; i++)
        {
            Row(values, i).CopyTo(copy.AsSpan(i * Width));
        }
        return new(Shape, Width, Units, Kept, Axis, FloatTensor.Owned(copy), compact: true, Statistics);
    }
}

/// <summary>An output of integers, booleans or strings: its elements are equal or not.</summary>
internal sealed class ExactReference(long[] shape, int elements, int[]? kept, ExactTensor values) : ReferenceTensor(shape, elements, kept)
{
    /// <summary>All elements, masked ones included.</summary>
    public ExactTensor Values { get; } = values;

    /// <inheritdoc />
    public override long Bytes => Values.Bytes + (Kept?.LongLength ?? 0) * sizeof(int);

    /// <inheritdoc />
    public override ReferenceTensor Own() => this;
}

/// <summary>Elements that are compared as they are: a copy of the raw bytes, or of the strings.</summary>
internal sealed class ExactTensor
{
    private readonly byte[] raw;
    private readonly string[]? strings;
    private readonly int size;

    private ExactTensor(byte[] raw, string[]? strings, int size)
    {
        this.raw = raw;
        this.strings = strings;
        this.size = size;
    }

    /// <summary>Bytes held.</summary>
    public long Bytes => strings?.Sum(s => 2L * s.Length) ?? raw.LongLength;

    /// <summary>Copies the elements of an output.</summary>
    public static ExactTensor Of(OrtValue value)
    {
        OrtTensorTypeAndShapeInfo info = value.GetTensorTypeAndShape();
        if (info.ElementDataType == Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.String)
        {
            return new([], value.GetStringTensorAsArray(), 0);
        }
        byte[] raw = value.GetTensorMutableRawData().ToArray();
        return new(raw, null, info.ElementCount == 0 ? 1 : (int)(raw.Length / info.ElementCount));
    }

    /// <summary>True when element <paramref name="i"/> is the same in both.</summary>
    public bool SameAt(ExactTensor other, int i) =>
        strings is null
            ? raw.AsSpan(i * size, size).SequenceEqual(other.raw.AsSpan(i * size, size))
            : other.strings is not null && strings[i] == other.strings[i];
}
