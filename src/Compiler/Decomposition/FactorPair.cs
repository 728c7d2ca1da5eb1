namespace Lorq.Decomposition;

/// <summary>The product A·C that stands beside (or in place of) a weight's codes: A is K×r, C is r×N.</summary>
/// <param name="Shape">Rank and storage.</param>
/// <param name="Left">A: K×r; int8 scales per row.</param>
/// <param name="Right">C: r×N; int8 scales per column.</param>
public sealed record FactorPair(FactorShape Shape, Factor Left, Factor Right)
{
    /// <summary>Rounds a pair to its storage.</summary>
    /// <param name="shape">Rank and storage.</param>
    /// <param name="left">Row-major K×r.</param>
    /// <param name="right">Row-major r×N.</param>
    public static FactorPair Store(FactorShape shape, ReadOnlySpan<float> left, ReadOnlySpan<float> right) =>
        new(
            shape,
            Factor.Store(shape.Type, left, left.Length / shape.Rank, shape.Rank, scalePerRow: true),
            Factor.Store(shape.Type, right, shape.Rank, right.Length / shape.Rank, scalePerRow: false)
        );
}

/// <summary>One stored factor.</summary>
/// <param name="Type">How it is stored.</param>
/// <param name="Rows">Rows.</param>
/// <param name="Columns">Columns.</param>
/// <param name="Values">Row-major Rows×Columns: exactly what the file stands for, as fp32.</param>
/// <param name="Codes">int8 codes, row-major; null for fp16.</param>
/// <param name="Scales">One per row (left factor) or column (right factor), rounded to fp16; null for fp16 factors.</param>
public sealed record Factor(FactorType Type, int Rows, int Columns, float[] Values, sbyte[]? Codes, float[]? Scales)
{
    private const int LargestCode = 127;

    /// <summary>Rounds values to their storage.</summary>
    /// <param name="type">The storage.</param>
    /// <param name="values">Row-major rows×columns.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="scalePerRow">int8: one scale per row, else one per column.</param>
    public static Factor Store(FactorType type, ReadOnlySpan<float> values, int rows, int columns, bool scalePerRow)
    {
        var rounded = new float[values.Length];
        if (type == FactorType.Float16)
        {
            for (int i = 0; i < rounded.Length; i++)
            {
                rounded[i] = (float)(Half)values[i];
            }
            return new Factor(type, rows, columns, rounded, null, null);
        }
        var scales = new float[scalePerRow ? rows : columns];
        for (int i = 0; i < values.Length; i++)
        {
            int line = scalePerRow ? i / columns : i % columns;
            scales[line] = Math.Max(scales[line], Math.Abs(values[i]));
        }
        for (int i = 0; i < scales.Length; i++)
        {
            // Rounded up, so that the largest value keeps the largest code.
            var scale = (Half)(scales[i] / LargestCode);
            scales[i] = (float)((float)scale * LargestCode < scales[i] ? Half.BitIncrement(scale) : scale);
        }
        var codes = new sbyte[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            float scale = scales[scalePerRow ? i / columns : i % columns];
            codes[i] = scale == 0 ? (sbyte)0 : (sbyte)Math.Clamp(MathF.Round(values[i] / scale), -LargestCode, LargestCode);
            rounded[i] = codes[i] * scale;
        }
        return new Factor(type, rows, columns, rounded, codes, scales);
    }
}
