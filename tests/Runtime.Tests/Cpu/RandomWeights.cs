using Lorq.Runtime.Cpu;

namespace Lorq.Runtime.Tests.Cpu;

internal enum Factors
{
    None,
    Single,
    Half,
}

internal enum ScaleForm
{
    Single,
    Half,
    Byte,
}

/// <summary>Random weights of any shape, and what they decode to in double precision.</summary>
internal sealed class RandomWeights : ICodeColumns
{
    private readonly byte[] codes;

    public RandomWeights(
        int seed,
        int k,
        int n,
        int bits,
        int block,
        bool zeros,
        ScaleForm scales,
        Factors factors,
        int rank,
        bool codebook = false
    )
    {
        var random = new Random(seed);
        codes = new byte[k * n];
        for (int i = 0; i < codes.Length; i++)
        {
            codes[i] = (byte)random.Next(1 << bits);
        }
        // Extremes everywhere in the first column: the worst case for 16-bit sums.
        Array.Fill(codes, (byte)((1 << bits) - 1), 0, k);
        int blocks = block == 0 ? 1 : (k + block - 1) / block;
        float[] values =
        [
            .. Enumerable.Range(0, n * blocks).Select(_ => (random.NextSingle() + 0.1f) * (random.Next(8) == 0 ? -0.02f : 0.02f)),
        ];
        Tensors = new WeightTensors
        {
            K = k,
            N = n,
            Bits = bits,
            Block = block,
            Codes = this,
            Scales = scales == ScaleForm.Byte ? default : Stored(values, scales == ScaleForm.Half),
            ByteScales = scales == ScaleForm.Byte ? [.. values.Select(v => (sbyte)(v * 5000))] : null,
            ScaleFactors = scales == ScaleForm.Byte ? [.. Enumerable.Range(0, n).Select(_ => random.NextSingle() / 5000)] : null,
            Zeros = zeros ? [.. Enumerable.Range(0, n * blocks).Select(_ => (byte)random.Next(1 << bits))] : null,
            Codebook = codebook ? [.. Enumerable.Range(0, 1 << bits).Select(_ => Normal(random))] : null,
            Rank = factors == Factors.None ? 0 : rank,
            L1 = factors == Factors.None ? default : Stored(Normals(random, k * rank, 0.1f), factors == Factors.Half),
            L2 = factors == Factors.None ? default : Stored(Normals(random, rank * n, 0.1f), factors == Factors.Half),
            Bias = random.Next(2) == 0 ? Normals(random, n, 1) : null,
        };
    }

    public WeightTensors Tensors { get; }

    public void Read(int column, Span<byte> target) => codes.AsSpan(column * Tensors.K, target.Length).CopyTo(target);

    /// <summary>The code less its zero point, or the codebook's level.</summary>
    public double Level(int k, int n)
    {
        int code = codes[n * Tensors.K + k];
        if (Tensors.Codebook is { } codebook)
        {
            return codebook[code];
        }
        return code - (Tensors.Zeros is { } zeros ? zeros[n * Tensors.Blocks + BlockOf(k)] : 1 << (Tensors.Bits - 1));
    }

    public double Scale(int k, int n) => Tensors.ScaleAt(n * Tensors.Blocks + BlockOf(k));

    public static float[] Normals(Random random, int count, float deviation) =>
        [.. Enumerable.Range(0, count).Select(_ => Normal(random) * deviation)];

    /// <summary><c>y = x·W + (x·L1)·L2 + bias</c> in double precision; activations of the quantized product from <paramref name="quantized"/>.</summary>
    public double[] Multiply(float[] x, double[] quantized, int rows)
    {
        (int k, int n, int rank) = (Tensors.K, Tensors.N, Tensors.Rank);
        double[] weights = new double[k * n];
        for (int j = 0; j < n; j++)
        {
            for (int i = 0; i < k; i++)
            {
                weights[j * k + i] = Level(i, j) * Scale(i, j);
            }
        }
        double[] y = new double[rows * n];
        double[] t = new double[rank];
        for (int m = 0; m < rows; m++)
        {
            for (int r = 0; r < rank; r++)
            {
                t[r] = 0;
                for (int i = 0; i < k; i++)
                {
                    t[r] += (double)x[m * k + i] * Tensors.L1[i * rank + r];
                }
            }
            for (int j = 0; j < n; j++)
            {
                double sum = Tensors.Bias?[j] ?? 0;
                for (int i = 0; i < k; i++)
                {
                    sum += quantized[m * k + i] * weights[j * k + i];
                }
                for (int r = 0; r < rank; r++)
                {
                    sum += t[r] * Tensors.L2[r * n + j];
                }
                y[m * n + j] = sum;
            }
        }
        return y;
    }

    /// <summary>Activations after rounding to int8 per row and run, as the specification defines it with runs of 32 (16 for blocks of 16).</summary>
    public double[] Rounded(float[] x, int rows)
    {
        int run = Tensors.Block == 16 ? 16 : 32;
        double[] rounded = new double[x.Length];
        for (int m = 0; m < rows; m++)
        {
            for (int from = 0; from < Tensors.K; from += run)
            {
                int to = Math.Min(from + run, Tensors.K);
                float max = 0;
                for (int i = from; i < to; i++)
                {
                    max = Math.Max(max, Math.Abs(x[m * Tensors.K + i]));
                }
                for (int i = from; i < to; i++)
                {
                    rounded[m * Tensors.K + i] = max == 0 ? 0 : Math.Round((double)(x[m * Tensors.K + i] * (127f / max))) * (max / 127.0);
                }
            }
        }
        return rounded;
    }

    private int BlockOf(int k) => Tensors.Block == 0 ? 0 : k / Tensors.Block;

    private static FloatArray Stored(float[] values, bool half) => half ? new(null, [.. values.Select(v => (Half)v)]) : new(values, null);

    private static float Normal(Random random) =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
}
