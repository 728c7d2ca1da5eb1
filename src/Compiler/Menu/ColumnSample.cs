using Lorq.Quantization;
using Lorq.Sites;

namespace Lorq.Menu;

/// <summary>
/// Evenly spaced columns of a run of columns. Without a second moment the columns of a matrix are quantized independently, so
/// the relative error of the sample stands for the run.
/// </summary>
internal sealed class ColumnSample
{
    private readonly WeightProblem problem;
    private readonly double share;

    public ColumnSample(WeightQuantizer quantizer, Site site, int start, int count, int limit)
    {
        int columns = Math.Min(limit, count);
        float[] all = quantizer.Slice(start, count);
        var weight = new float[site.K * columns];
        for (int row = 0; row < site.K; row++)
        {
            for (int n = 0; n < columns; n++)
            {
                weight[row * columns + n] = all[row * count + (int)((long)n * count / columns)];
            }
        }
        problem = new WeightProblem(weight, site.K, columns, null, null);
        share = quantizer.EnergyShare(start, count);
    }

    /// <summary>Relative output error of the whole site when this run of columns is quantized.</summary>
    public double Loss(IQuantizer method, QuantizationGrid grid, CancellationToken cancellationToken)
    {
        QuantizedMatrix codes = method.Quantize(problem, grid, cancellationToken);
        return share * SecondMoment.RelativeErrorWithoutMoment(problem.Weight, codes.Dequantize(), problem.K, problem.N, null);
    }
}
