namespace Lorq.Quantization;

/// <summary>
/// Round to nearest on a clipped range: for each block the scale (of either sign where the grid has no zero point) with the least
/// squared error, each row weighted by H_kk (equally without calibration).
/// </summary>
internal sealed class ClipSearch : IQuantizer
{
    /// <inheritdoc />
    public string Name => "mse";

    /// <inheritdoc />
    public string Summary => "Round to nearest with the clipped range of least squared error per block; data only weights the rows.";

    /// <inheritdoc />
    public bool NeedsCalibration => false;

    /// <inheritdoc />
    public bool Supports(QuantizationGrid grid) => true;

    /// <inheritdoc />
    public QuantizedMatrix Quantize(WeightProblem problem, QuantizationGrid grid, CancellationToken cancellationToken)
    {
        var builder = new CodeBuilder(problem, grid);
        builder.FitBlocks(problem.Weight, RowWeights(problem), cancellationToken);
        return builder.RoundAll(problem.Weight, cancellationToken);
    }

    private static float[] RowWeights(WeightProblem problem)
    {
        if (problem.Moment is { } moment)
        {
            return moment.Diagonal;
        }
        var equal = new float[problem.K];
        Array.Fill(equal, 1);
        return equal;
    }
}
