using Lorq.Calibration;
using Lorq.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Checks;

/// <summary>All outputs of the original for one batch, with what comparisons need of them.</summary>
/// <param name="Samples">Length of the first axis that all inputs share; 1 when they share none.</param>
/// <param name="Tensors">Per output; null for one that is not a tensor.</param>
internal sealed record ReferenceBatch(int Samples, IReadOnlyList<ReferenceTensor?> Tensors)
{
    /// <summary>Bytes that <see cref="Own"/> holds.</summary>
    public long Bytes => Tensors.Sum(t => t?.Bytes ?? 0);

    /// <summary>The same, independent of ONNX Runtime's memory.</summary>
    public ReferenceBatch Own() => this with { Tensors = [.. Tensors.Select(t => t?.Own())] };

    /// <summary>Looks at the outputs of a batch. The result reads ONNX Runtime's memory: see <see cref="Own"/>.</summary>
    /// <param name="outputs">The outputs' signatures.</param>
    /// <param name="axes">Per output what its last axis means; null entries are decided here, from the first batch that has rows.</param>
    /// <param name="maskInput">The input whose zeros mark padding, or null.</param>
    /// <param name="inputs">The batch.</param>
    /// <param name="values">The outputs, in the order of <paramref name="outputs"/>.</param>
    /// <param name="threads">Threads; 0 for one per core.</param>
    /// <param name="cancellationToken">Stops.</param>
    public static ReferenceBatch Of(
        IReadOnlyList<TensorSignature> outputs,
        ClassAxis?[] axes,
        string? maskInput,
        IReadOnlyDictionary<string, DataTensor> inputs,
        IReadOnlyList<OrtValue> values,
        int threads,
        CancellationToken cancellationToken
    )
    {
        if (values.Count != outputs.Count)
        {
            throw new ArgumentException($"{values.Count} values for {outputs.Count} outputs.", nameof(values));
        }
        var mask = RowMask.Of(inputs, maskInput);
        var tensors = new ReferenceTensor?[outputs.Count];
        for (int o = 0; o < tensors.Length; o++)
        {
            if (outputs[o].ElementType == TensorProto.Types.DataType.Undefined)
            {
                continue;
            }
            OrtTensorTypeAndShapeInfo info = values[o].GetTensorTypeAndShape();
            if (FloatTensor.IsFloat(info.ElementDataType))
            {
                tensors[o] = Floats(outputs[o].Name, ref axes[o], mask, values[o], info.Shape, threads, cancellationToken);
            }
            else
            {
                int elements = checked((int)info.ElementCount);
                int[]? kept = mask?.Rows([.. info.Shape, 1], elements);
                tensors[o] = new ExactReference(info.Shape, elements, kept, ExactTensor.Of(values[o]));
            }
        }
        return new(SampleCount(inputs), tensors);
    }

    private static FloatReference Floats(
        string name,
        ref ClassAxis? axis,
        RowMask? mask,
        OrtValue value,
        long[] shape,
        int threads,
        CancellationToken cancellationToken
    )
    {
        var values = FloatTensor.Of(value);
        int width = shape.Length == 0 ? 1 : (int)shape[^1];
        int rows = width == 0 ? 0 : values.Span.Length / width;
        int[]? kept = mask?.Rows(shape, rows);
        int count = kept?.Length ?? rows;
        if (axis is null && count > 0)
        {
            axis = ClassAxisDetection.Detect(name, width, count, i => values.Span.Slice((kept is null ? i : kept[i]) * width, width));
        }
        var statistics = new RowStatistics[count];
        var reference = new FloatReference(shape, width, rows, kept, axis ?? ClassAxis.None, values, compact: false, statistics);
        RowBlocks.Run(
            count,
            width,
            reference.Axis,
            threads,
            (kernel, first, end) =>
            {
                ReadOnlySpan<float> span = values.Span;
                for (int i = first; i < end; i++)
                {
                    statistics[i] = kernel.Prepare(reference.Row(span, i));
                }
            },
            cancellationToken
        );
        return reference;
    }

    private static int SampleCount(IReadOnlyDictionary<string, DataTensor> inputs)
    {
        long[] first = [.. inputs.Values.Select(t => t.Shape.Length == 0 ? 1 : t.Shape[0]).Distinct()];
        return first.Length == 1 && first[0] > 0 ? checked((int)first[0]) : 1;
    }
}
