using System.Numerics.Tensors;
using Lorq.Quantization;
using Lorq.Sites;

namespace Lorq.Menu;

/// <summary>
/// Evenly spaced columns of a run of columns. The columns of a matrix are quantized independently, whatever the second moment of their
/// common input, so the relative error of the sample stands for the run.
/// </summary>
internal sealed class ColumnSample
{
    private readonly WeightProblem problem;
    private readonly double share;
    private readonly Lazy<double> energy;

    /// <summary>Takes a sample.</summary>
    /// <param name="quantizer">The weight and what is known about its input.</param>
    /// <param name="site">A site without groups.</param>
    /// <param name="start">First column of the run.</param>
    /// <param name="count">Its columns.</param>
    /// <param name="limit">Columns of the sample at most.</param>
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
        problem = new WeightProblem(weight, site.K, columns, quantizer.Moment, null);
        share = quantizer.EnergyShare(start, count);
        energy = new(() => problem.Moment!.Energy(weight, columns));
    }

    /// <summary>Relative output error of the whole site when this run of columns is quantized.</summary>
    public double Loss(IQuantizer method, QuantizationGrid grid, CancellationToken cancellationToken)
    {
        float[] values = method.Quantize(problem, grid, cancellationToken).Dequantize();
        if (problem.Moment is not { } moment)
        {
            return share * SecondMoment.RelativeErrorWithoutMoment(problem.Weight, values, problem.K, problem.N, null);
        }
        TensorPrimitives.Subtract(problem.Weight, values, values);
        return energy.Value > 0 ? share * moment.Energy(values, problem.N) / energy.Value : 0;
    }
}
