namespace Lorq.Quantization;

/// <summary>
/// Round to nearest: the baseline. Asymmetric: scale (max − min)/(2^b − 1) of a range that includes zero, whole zero point. Symmetric: the
/// weight of largest magnitude divided by −2^(b−1), so that it gets code 0 exactly; this is the rule of ONNX Runtime's own
/// quantizer, and half a step finer than max|w|/(2^(b−1) − ½) for the price of clipping the far end of the other sign by at most one step.
/// </summary>
internal sealed class RoundToNearest : IQuantizer
{
    /// <inheritdoc />
    public string Name => "rtn";

    /// <inheritdoc />
    public string Summary => "Round to nearest on the full range of each block; needs no data.";

    /// <inheritdoc />
    public bool NeedsCalibration => false;

    /// <inheritdoc />
    public bool Supports(QuantizationGrid grid) => true;

    /// <inheritdoc />
    public QuantizedMatrix Quantize(WeightProblem problem, QuantizationGrid grid, CancellationToken cancellationToken)
    {
        var builder = new CodeBuilder(problem, grid);
        builder.FitBlocks(problem.Weight, [], cancellationToken);
        return builder.RoundAll(problem.Weight, cancellationToken);
    }
}
