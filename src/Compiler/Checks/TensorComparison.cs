using Microsoft.ML.OnnxRuntime;

namespace Lorq.Checks;

/// <summary>Compares one output of a batch with the original's.</summary>
internal static class TensorComparison
{
    /// <summary>One outcome per row that counts. Where the shapes differ, the compressed output counts as all zeros.</summary>
    public static RowOutcome[] Rows(
        FloatReference reference,
        OrtValue compressed,
        int threads,
        out bool sameShape,
        CancellationToken cancellationToken
    )
    {
        OrtTensorTypeAndShapeInfo info = compressed.GetTensorTypeAndShape();
        FloatTensor? other =
            FloatTensor.IsFloat(info.ElementDataType) && info.Shape.AsSpan().SequenceEqual(reference.Shape)
                ? FloatTensor.Of(compressed)
                : null;
        sameShape = other is not null;
        int width = reference.Width;
        var outcomes = new RowOutcome[reference.Count];
        RowBlocks.Run(
            reference.Count,
            width,
            reference.Axis,
            threads,
            (kernel, first, end) =>
            {
                ReadOnlySpan<float> a = reference.Values.Span;
                ReadOnlySpan<float> b = other is null ? [] : other.Span;
                ReadOnlySpan<float> zeros = other is null ? new float[width] : [];
                for (int i = first; i < end; i++)
                {
                    ReadOnlySpan<float> row = other is null ? zeros : b.Slice(reference.Position(i) * width, width);
                    outcomes[i] = kernel.Compare(reference.Row(a, i), row, reference.Statistics[i]);
                }
            },
            cancellationToken
        );
        return outcomes;
    }

    /// <summary>Per element that counts whether it is equal; none is where the shapes differ.</summary>
    public static bool[] Elements(ExactReference reference, OrtValue compressed, out bool sameShape)
    {
        var same = new bool[reference.Count];
        sameShape = compressed.GetTensorTypeAndShape().Shape.AsSpan().SequenceEqual(reference.Shape);
        if (sameShape)
        {
            var other = ExactTensor.Of(compressed);
            for (int i = 0; i < same.Length; i++)
            {
                same[i] = reference.Values.SameAt(other, reference.Position(i));
            }
        }
        return same;
    }
}
