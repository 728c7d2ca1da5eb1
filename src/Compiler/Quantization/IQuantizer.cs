namespace Lorq.Quantization;

/// <summary>One weight to quantize: the matrix and what is known about its input.</summary>
/// <param name="Weight">Row-major K×N.</param>
/// <param name="K">Rows.</param>
/// <param name="N">Columns.</param>
/// <param name="Moment">Second moment of the input; null without calibration (then the metric is the identity).</param>
/// <param name="ColumnWeights">How often each column matters (token counts of an embedding); null means equally.</param>
public sealed record WeightProblem(float[] Weight, int K, int N, SecondMoment? Moment, float[]? ColumnWeights);

/// <summary>A rule that maps a matrix onto a grid. One file per published method; all of them in <see cref="Quantizers.All"/>.</summary>
public interface IQuantizer
{
    /// <summary>As written in the spec: <c>rtn</c>, <c>mse</c>, <c>hqq</c>, <c>gptq</c>.</summary>
    string Name { get; }

    /// <summary>One sentence for docs and <c>--help</c>.</summary>
    string Summary { get; }

    /// <summary>True when it is pointless without a second moment.</summary>
    bool NeedsCalibration { get; }

    /// <summary>The same rule with more work, for weights that are written: as good as what menus measure, or better.</summary>
    IQuantizer Thorough => this;

    /// <summary>True when it can round onto this grid.</summary>
    bool Supports(QuantizationGrid grid);

    /// <summary>Computes what <see cref="Quantize"/> asks of a second moment and keeps with it: nothing changes but where the time goes.</summary>
    void Prepare(SecondMoment moment) { }

    /// <summary>Quantizes. Deterministic; single-threaded (sites run in parallel).</summary>
    QuantizedMatrix Quantize(WeightProblem problem, QuantizationGrid grid, CancellationToken cancellationToken);
}
