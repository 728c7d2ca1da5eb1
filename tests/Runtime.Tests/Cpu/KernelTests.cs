using Lorq.Runtime.Cpu;

namespace Lorq.Runtime.Tests.Cpu;

/// <summary>Every kernel against a plain reference in double precision.</summary>
public sealed unsafe class KernelTests
{
    private static readonly int[] Widths = [2, 3, 4, 5, 6, 8];
    private static readonly int[] Blocks = [16, 32, 64, 128, 256, 0];
    private static readonly int[] RowCounts = [0, 1, 2, 3, 4, 5, 16, 33];

    /// <summary>K and N that are multiples of nothing, of a unit, of a panel; below a unit, and over several chunks.</summary>
    private static readonly (int K, int N)[] Shapes = [(1, 1), (31, 17), (32, 16), (100, 33), (577, 47), (1100, 19)];

    public static TheoryData<string, int, int> Cases()
    {
        var cases = new TheoryData<string, int, int>();
        foreach (InstructionSet isa in CpuKernels.Supported)
        {
            foreach (int bits in Widths)
            {
                foreach (int block in Blocks)
                {
                    cases.Add(isa.ToString(), bits, block);
                }
            }
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Agrees_with_the_reference(string isa, int bits, int block)
    {
        int seed = 0;
        foreach ((int k, int n) in Shapes)
        {
            foreach (bool zeros in (bool[])[false, true])
            {
                Factors factors = (Factors)(seed % 3);
                ScaleForm scales = (ScaleForm)(seed / 2 % 3);
                var weights = new RandomWeights(++seed, k, n, bits, block, zeros, scales, factors, rank: 1 + seed * 7 % 37);
                foreach (ActivationMode mode in Enum.GetValues<ActivationMode>())
                {
                    using MatMulKernel kernel = CpuKernels.Create(weights.Tensors, mode, Enum.Parse<InstructionSet>(isa));
                    foreach (int rows in RowCounts)
                    {
                        AssertExact(weights, kernel, rows, $"{mode} {k}x{n} M={rows} zeros={zeros} scales={scales} factors={factors}");
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(8)]
    public void Int8_activations_are_within_one_percent(int bits)
    {
        const int K = 768;
        const int N = 96;
        const int Rows = 7;
        foreach (int block in Blocks)
        {
            var weights = new RandomWeights(bits, K, N, bits, block, zeros: false, ScaleForm.Half, Factors.Half, rank: 16);
            using MatMulKernel kernel = CpuKernels.Create(weights.Tensors, ActivationMode.Int8, CpuKernels.Best);
            float[] x = RandomWeights.Normals(new Random(1), Rows * K, 1);
            double[] exact = weights.Multiply(x, [.. x.Select(v => (double)v)], Rows);
            float[] y = Run(kernel, x, Rows);
            double error = Math.Sqrt(exact.Zip(y, (e, a) => (e - a) * (e - a)).Sum() / exact.Sum(e => e * e));
            Assert.True(error <= 0.01, $"block {block}: {error}");
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Codebooks_are_looked_up(int bits)
    {
        foreach (InstructionSet isa in CpuKernels.Supported)
        {
            foreach (int block in (int[])[16, 32])
            {
                var weights = new RandomWeights(
                    bits,
                    100,
                    21,
                    bits,
                    block,
                    zeros: false,
                    ScaleForm.Half,
                    Factors.Single,
                    rank: 5,
                    codebook: true
                );
                using MatMulKernel kernel = CpuKernels.Create(weights.Tensors, ActivationMode.Int8, isa);
                Assert.Equal(ActivationMode.Exact, kernel.Mode);
                foreach (int rows in (int[])[1, 3, 97])
                {
                    AssertExact(weights, kernel, rows, $"{isa} block {block} M={rows}");
                }
            }
        }
    }

    /// <summary>Zero points far from the middle, codes near them, activations of one sign: nothing cancels what a rounded <c>zero·scale</c> would add for every k.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void Exact_activations_are_exact_far_from_the_middle_of_the_grid(int rows)
    {
        const int K = 4096;
        const int N = 24;
        var random = new Random(3);
        var tensors = new WeightTensors
        {
            K = K,
            N = N,
            Bits = 8,
            Block = 0,
            Codes = new NearCode(200),
            Scales = new FloatArray([.. Enumerable.Range(0, N).Select(_ => random.NextSingle() / 100)], null),
            Zeros = [.. Enumerable.Repeat((byte)201, N)],
        };
        float[] x = [.. Enumerable.Range(0, rows * K).Select(_ => random.NextSingle())];
        byte[] codes = new byte[K];
        tensors.Codes.Read(0, codes);
        double[] expected =
        [
            .. Enumerable
                .Range(0, rows * N)
                .Select(i => Enumerable.Range(0, K).Sum(k => (double)x[i / N * K + k] * (codes[k] - 201) * tensors.Scales[i % N])),
        ];
        foreach (InstructionSet isa in CpuKernels.Supported)
        {
            using MatMulKernel kernel = CpuKernels.Create(tensors, ActivationMode.Exact, isa);
            AssertClose(expected, Run(kernel, x, rows), 1e-5, $"{isa}");
        }
    }

    private sealed class NearCode(byte code) : ICodeColumns
    {
        public void Read(int column, Span<byte> codes)
        {
            for (int k = 0; k < codes.Length; k++)
            {
                codes[k] = (byte)(code + k % 5 - 2);
            }
        }
    }

    [Fact]
    public void Three_bits_read_at_most_four_fifths_of_the_bytes_of_four()
    {
        Assert.True(QuantizedBytes(3, ScaleForm.Half) <= 0.8 * QuantizedBytes(4, ScaleForm.Half));
    }

    [Fact]
    public void Scales_of_8_bits_stay_bytes()
    {
        Assert.Equal(256 / 32 * 64, QuantizedBytes(4, ScaleForm.Half) - QuantizedBytes(4, ScaleForm.Byte));
    }

    /// <summary>What one pass over a weight of 256×64 reads.</summary>
    private static long QuantizedBytes(int bits, ScaleForm scales)
    {
        var weights = new RandomWeights(1, 256, 64, bits, 32, zeros: false, scales, Factors.None, 0);
        using MatMulKernel kernel = CpuKernels.Create(weights.Tensors, ActivationMode.Int8, CpuKernels.Best);
        return kernel.Weights.QuantizedBytes;
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Activations_that_are_no_numbers_spoil_their_row_only(float bad)
    {
        foreach (InstructionSet isa in CpuKernels.Supported)
        {
            var weights = new RandomWeights(1, 70, 20, 4, 32, zeros: false, ScaleForm.Single, Factors.None, 0);
            using MatMulKernel kernel = CpuKernels.Create(weights.Tensors, ActivationMode.Int8, isa);
            float[] x = RandomWeights.Normals(new Random(1), 140, 1);
            x[69] = bad;
            float[] y = Run(kernel, x, 2);
            Assert.All(y[..20], v => Assert.True(float.IsNaN(v)));
            Assert.All(y[20..], v => Assert.True(float.IsFinite(v)));
        }
    }

    /// <summary>The largest and the smallest code everywhere, activations of one sign or of two: sums of 16 bits are at their ends.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(8)]
    public void Sums_hold_the_largest_products(int bits)
    {
        const int K = 96;
        const int N = 40;
        const int Rows = 5;
        int center = 1 << (bits - 1);
        foreach (int block in (int[])[16, 32])
        {
            foreach (byte code in (byte[])[0, (byte)(2 * center - 1)])
            {
                var tensors = new WeightTensors
                {
                    K = K,
                    N = N,
                    Bits = bits,
                    Block = block,
                    Codes = new SameCode(code),
                    Scales = new FloatArray([.. Enumerable.Repeat(1f, N * K / block)], null),
                };
                // 1: all positive; more than there are: all negative.
                foreach (int period in (int[])[1, 2, 3, 8, int.MaxValue])
                {
                    float[] x = [.. Enumerable.Range(0, Rows * K).Select(i => (i + 1) % period == 0 ? 1f : -1f)];
                    double[] expected =
                    [
                        .. Enumerable.Range(0, Rows * N).Select(i => x.Skip(i / N * K).Take(K).Sum(v => (double)v * (code - center))),
                    ];
                    foreach (InstructionSet isa in CpuKernels.Supported)
                    {
                        using MatMulKernel kernel = CpuKernels.Create(tensors, ActivationMode.Int8, isa);
                        for (int rows = 1; rows <= Rows; rows++)
                        {
                            string what = $"{isa} block {block} code {code} period {period} M={rows}";
                            AssertClose(expected[..(rows * N)], Run(kernel, x[..(rows * K)], rows), 1e-5, what);
                        }
                    }
                }
            }
        }
    }

    private sealed class SameCode(byte code) : ICodeColumns
    {
        public void Read(int column, Span<byte> codes) => codes.Fill(code);
    }

    [Theory]
    [InlineData(ActivationMode.Int8)]
    [InlineData(ActivationMode.Exact)]
    public void Rows_beyond_those_that_share_an_unpacked_chunk_are_right(ActivationMode mode)
    {
        foreach (int bits in (int[])[4, 6])
        {
            foreach (int block in (int[])[16, 32, 0])
            {
                var weights = new RandomWeights(1, 600, 40, bits, block, zeros: true, ScaleForm.Byte, Factors.Half, 20);
                foreach (InstructionSet isa in CpuKernels.Supported)
                {
                    using MatMulKernel kernel = CpuKernels.Create(weights.Tensors, mode, isa);
                    foreach (int rows in (int[])[96, 97, 205])
                    {
                        AssertExact(weights, kernel, rows, $"{isa} {bits} bits block {block} M={rows}");
                    }
                }
            }
        }
    }

    /// <summary>Pairs too large to be widened at load; with more than one row widened panel by panel, but for the larger rank. K is cut into parts for one tile of rows.</summary>
    [Theory]
    [InlineData(ActivationMode.Int8, 200)]
    [InlineData(ActivationMode.Int8, 300)]
    [InlineData(ActivationMode.Exact, 200)]
    [InlineData(ActivationMode.Exact, 300)]
    public void Large_pairs_stay_float16(ActivationMode mode, int rank)
    {
        var weights = new RandomWeights(1, 1537, 300, 4, 32, zeros: false, ScaleForm.Half, Factors.Half, rank);
        foreach (InstructionSet isa in CpuKernels.Supported)
        {
            using MatMulKernel kernel = CpuKernels.Create(weights.Tensors, mode, isa);
            foreach (int rows in (int[])[1, 4, 7, 97])
            {
                AssertExact(weights, kernel, rows, $"{isa} M={rows}");
            }
        }
    }

    [Theory]
    [InlineData(ActivationMode.Int8, 3)]
    [InlineData(ActivationMode.Int8, 5)]
    [InlineData(ActivationMode.Int8, 6)]
    [InlineData(ActivationMode.Exact, 3)]
    [InlineData(ActivationMode.Exact, 6)]
    public void Results_do_not_depend_on_threads(ActivationMode mode, int bits)
    {
        var weights = new RandomWeights(1, 1537, 300, bits, 32, zeros: true, ScaleForm.Half, Factors.Half, 200);
        foreach (InstructionSet isa in CpuKernels.Supported)
        {
            using MatMulKernel kernel = CpuKernels.Create(weights.Tensors, mode, isa);
            foreach (int rows in (int[])[1, 2, 4, 40])
            {
                float[] y = AssertExact(weights, kernel, rows, $"{isa} M={rows}");
                Assert.Equal(y, Run(kernel, RandomWeights.Normals(new Random(rows), rows * 1537, 1), rows, new Threads()));
            }
        }
    }

    /// <summary>Checks a kernel against the reference, whose activations are rounded where the kernel's are.</summary>
    private static float[] AssertExact(RandomWeights weights, MatMulKernel kernel, int rows, string what)
    {
        float[] x = RandomWeights.Normals(new Random(rows), rows * kernel.Weights.K, 1);
        double[] used = kernel.Mode == ActivationMode.Int8 ? weights.Rounded(x, rows) : [.. x.Select(v => (double)v)];
        float[] y = Run(kernel, x, rows);
        AssertClose(weights.Multiply(x, used, rows), y, 1e-5, what);
        return y;
    }

    internal static float[] Run(MatMulKernel kernel, float[] x, int rows, IParallel? parallel = null)
    {
        float[] y = new float[rows * kernel.Weights.N];
        Array.Fill(y, float.NaN);
        using var call = new MatMulCall();
        fixed (
            float* px = x,
                py = y
        )
        {
            kernel.Multiply(call, px, py, rows, parallel ?? new Serial());
        }
        return y;
    }

    internal static void AssertClose(double[] expected, float[] actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        double largest = expected.Length == 0 ? 0 : expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(
                Math.Abs(expected[i] - actual[i]) <= tolerance * Math.Max(largest, 1e-3),
                $"{what}: element {i} is {actual[i]}, expected {expected[i]}"
            );
        }
    }

    private sealed class Threads : IParallel
    {
        public void For(MatMulCall call, int tasks) => Parallel.For(0, tasks, call.Run);
    }
}
