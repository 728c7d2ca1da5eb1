using Lorq.Numerics;
using Lorq.Quantization;

namespace Lorq.Tests.Quantization;

/// <summary>Random problems with known properties, the same on every run.</summary>
internal static class Synthetic
{
    public static QuantizationGrid Grid(int bits, int block, bool symmetric = false, ScaleType scale = ScaleType.Float32) =>
        new(GridKind.Integer, bits, block, symmetric, scale);

    public static QuantizationGrid NormalFloatGrid(int bits, int block, ScaleType scale = ScaleType.Float32) =>
        new(GridKind.NormalFloat, bits, block, true, scale);

    public static IQuantizer Quantizer(string name) => Quantizers.All.Single(q => q.Name == name);

    public static float[] Gaussian(int count, int seed, float scale = 1)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = scale * (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        }
        return values;
    }

    /// <summary>Weights N(0, 1/K), 0.5 % of them times 8.</summary>
    public static float[] Weights(int k, int n, int seed)
    {
        float[] weights = Gaussian(k * n, seed, 1 / MathF.Sqrt(k));
        var random = new Random(seed + 1);
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] *= random.NextDouble() < 0.005 ? 8 : 1;
        }
        return weights;
    }

    /// <summary>Inputs whose covariance has the spectrum i^-0.7 in a random orthonormal basis, each feature then times exp(unevenness·gaussian).</summary>
    public static float[] Inputs(int rows, int k, int seed, float unevenness = 0)
    {
        float[] latent = Gaussian(rows * k, seed);
        float[] basis = Orthonormal(k, seed + 1);
        float[] feature = Gaussian(k, seed + 2);
        for (int i = 0; i < latent.Length; i++)
        {
            latent[i] *= MathF.Pow(i % k + 1, -0.35f);
        }
        var inputs = new float[rows * k];
        Linear.Multiply(new MatrixView<float>(latent, rows, k), new MatrixView<float>(basis, k, k), new MatrixView<float>(inputs, rows, k));
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] *= MathF.Exp(unevenness * feature[i % k]);
        }
        return inputs;
    }

    public static SecondMoment Moment(float[] inputs, int rows, int k)
    {
        var sum = new double[k * k];
        Linear.AccumulateGram(inputs, rows, k, sum);
        for (int i = 0; i < sum.Length; i++)
        {
            sum[i] /= rows;
        }
        return new SecondMoment(k, sum, rows);
    }

    public static SecondMoment Moment(int k, int seed, float unevenness = 0) => Moment(Inputs(4 * k, k, seed, unevenness), 4 * k, k);

    public static SecondMoment Identity(int k)
    {
        var values = new double[k * k];
        for (int i = 0; i < k; i++)
        {
            values[i * k + i] = 1;
        }
        return new SecondMoment(k, values, k);
    }

    /// <summary>√ of the relative error in the output metric.</summary>
    public static double Error(float[] weight, int k, int n, SecondMoment moment, string quantizer, QuantizationGrid grid)
    {
        QuantizedMatrix quantized = Quantizer(quantizer).Quantize(new WeightProblem(weight, k, n, moment, null), grid, default);
        return Math.Sqrt(moment.RelativeError(weight, quantized.Dequantize(), n));
    }

    /// <summary>Rows of a random orthonormal matrix, by Gram–Schmidt done twice.</summary>
    private static float[] Orthonormal(int k, int seed)
    {
        float[] random = Gaussian(k * k, seed);
        var basis = new float[k * k];
        for (int i = 0; i < k; i++)
        {
            double[] row = [.. random.AsSpan(i * k, k).ToArray().Select(x => (double)x)];
            for (int pass = 0; pass < 2; pass++)
            {
                for (int j = 0; j < i; j++)
                {
                    double dot = 0;
                    for (int c = 0; c < k; c++)
                    {
                        dot += row[c] * basis[j * k + c];
                    }
                    for (int c = 0; c < k; c++)
                    {
                        row[c] -= dot * basis[j * k + c];
                    }
                }
            }
            double norm = Math.Sqrt(row.Sum(x => x * x));
            for (int c = 0; c < k; c++)
            {
                basis[i * k + c] = (float)(row[c] / norm);
            }
        }
        return basis;
    }
}
