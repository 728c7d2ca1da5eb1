using Lorq.Checks;
using Lorq.Numerics;

namespace Lorq.Calibration;

/// <summary>Receives rows: <paramref name="partner"/> holds the same rows of the second tensor, or is empty when there is none.</summary>
internal delegate void RowBlock(int group, float[] rows, float[] partner, int count);

/// <summary>
/// Turns an activation tensor into the rows that meet a weight, as a <see cref="MomentKey"/> says; and a second tensor of the same shape
/// into the same rows beside it. Not thread-safe: its arrays are used again.
/// </summary>
internal sealed class RowReader(MomentKey key)
{
    /// <summary>Rows of a feature map used per batch: neighbouring pixels say little that is new.</summary>
    private const int RowsPerBatch = 8192;

    /// <summary>Patches held at once: a 3×3 convolution's rows are nine times its feature map.</summary>
    private const int RowsPerBlock = 1024;

    private float[] selected = [];
    private float[] besideSelected = [];

    /// <summary>Reads a batch.</summary>
    /// <param name="values">The tensor.</param>
    /// <param name="partner">A tensor of the same shape, or empty.</param>
    /// <param name="shape">The shape.</param>
    /// <param name="mask">Which rows count; null for all.</param>
    /// <param name="receive">Called for every block of rows; the arrays are its own until it returns.</param>
    public void Read(ReadOnlySpan<float> values, ReadOnlySpan<float> partner, long[] shape, RowMask? mask, RowBlock receive)
    {
        if (key.Geometry is { } geometry)
        {
            Patches(values, partner, shape, geometry, receive);
        }
        else if (key.PerExpert > 0)
        {
            Experts(values, partner, shape, receive);
        }
        else if (key.Transposed)
        {
            receive(0, TransposeLast(values, shape), TransposeLast(partner, shape), values.Length / key.K);
        }
        else
        {
            int count = Select(values, shape, mask, ref selected);
            Select(partner, shape, mask, ref besideSelected);
            receive(0, selected, partner.IsEmpty ? [] : besideSelected, count);
        }
    }

    private void Patches(ReadOnlySpan<float> values, ReadOnlySpan<float> partner, long[] shape, ConvGeometry geometry, RowBlock receive)
    {
        RowPlan plan = geometry.Plan(shape, RowsPerBatch);
        var block = new float[(long)Math.Min(RowsPerBlock, plan.Rows) * key.K];
        float[] beside = partner.IsEmpty ? [] : new float[block.Length];
        for (int g = 0; g < geometry.Groups; g++)
        {
            for (int first = 0; first < plan.Rows; first += RowsPerBlock)
            {
                int count = Math.Min(RowsPerBlock, plan.Rows - first);
                geometry.Fill(values, plan, g, first, count, block);
                if (!partner.IsEmpty)
                {
                    geometry.Fill(partner, plan, g, first, count, beside);
                }
                receive(g, block, beside, count);
            }
        }
    }

    /// <summary>[…, E, T, K] has a slab per expert; without that axis (or where it is 1, as MatMul broadcasts it) every expert meets all rows.</summary>
    private void Experts(ReadOnlySpan<float> values, ReadOnlySpan<float> partner, long[] shape, RowBlock receive)
    {
        bool isSplit = shape.Length >= 3 && shape[^3] == key.PerExpert;
        int size = isSplit ? (int)(shape[^2] * shape[^1]) : values.Length;
        for (int slab = 0; slab * size < values.Length; slab++)
        {
            float[] x = values.Slice(slab * size, size).ToArray();
            float[] y = partner.IsEmpty ? [] : partner.Slice(slab * size, size).ToArray();
            int first = isSplit ? slab % key.PerExpert : 0;
            for (int e = first; e < (isSplit ? first + 1 : key.PerExpert); e++)
            {
                receive(e, x, y, size / key.K);
            }
        }
    }

    private int Select(ReadOnlySpan<float> values, long[] shape, RowMask? mask, ref float[] rows)
    {
        int[]? kept = values.IsEmpty ? null : mask?.Rows(shape, values.Length / key.K);
        int count = kept?.Length ?? values.Length / key.K;
        if (rows.Length < count * key.K)
        {
            rows = GC.AllocateUninitializedArray<float>(count * key.K);
        }
        if (kept is null)
        {
            values.CopyTo(rows);
        }
        for (int i = 0; i < (kept?.Length ?? 0); i++)
        {
            values.Slice(kept![i] * key.K, key.K).CopyTo(rows.AsSpan(i * key.K));
        }
        return count;
    }

    private static float[] TransposeLast(ReadOnlySpan<float> values, long[] shape)
    {
        (int rows, int columns) = shape.Length > 1 ? ((int)shape[^2], (int)shape[^1]) : (values.Length, 1);
        var x = new float[values.Length];
        for (int at = 0; at < values.Length; at += rows * columns)
        {
            Transposition.Transpose(values.Slice(at, rows * columns), rows, columns, x.AsSpan(at, rows * columns));
        }
        return x;
    }
}
