using Lorq.Runtime.Cpu;
using Lorq.Runtime.Tests.Cpu;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Runtime.Tests.Operators;

/// <summary><c>LowRankQMatMul</c> through real sessions.</summary>
public sealed class MatMulNodeTests
{
    [Theory]
    [InlineData(2, 16)]
    [InlineData(3, 32)]
    [InlineData(4, 64)]
    [InlineData(5, 0)]
    [InlineData(6, 128)]
    [InlineData(8, 32)]
    public void A_session_runs_the_node(int bits, int block)
    {
        foreach (int threads in (int[])[1, 2])
        {
            for (int seed = 0; seed < 4; seed++)
            {
                var weights = new RandomWeights(
                    seed,
                    203,
                    301,
                    bits,
                    block,
                    seed % 2 == 0,
                    seed > 1 ? ScaleForm.Half : ScaleForm.Single,
                    (Factors)(seed % 3),
                    rank: 9
                );
                foreach (ActivationMode mode in Enum.GetValues<ActivationMode>())
                {
                    using InferenceSession session = StoredForm.Model("LowRankQMatMul", weights).Open(mode, threads);
                    foreach (int rows in (int[])[0, 1, 6, 40])
                    {
                        float[] x = RandomWeights.Normals(new Random(rows), rows * 203, 1);
                        using OrtValue input = OrtValue.CreateTensorValueFromMemory(x, [rows, 203]);
                        (float[] y, long[] dims) = OneNodeModel.Run<float>(session, ("x", input));
                        Assert.Equal([rows, 301], dims);
                        double[] used = mode == ActivationMode.Int8 ? weights.Rounded(x, rows) : [.. x.Select(v => (double)v)];
                        KernelTests.AssertClose(weights.Multiply(x, used, rows), y, 1e-5, $"{mode} M={rows}");
                    }
                }
            }
        }
    }

    [Fact]
    public void Shapes_of_any_rank_keep_their_leading_dims()
    {
        var weights = new RandomWeights(1, 24, 5, 4, 16, false, ScaleForm.Single, Factors.None, 0);
        using InferenceSession session = StoredForm.Model("LowRankQMatMul", weights).Open();
        foreach (
            long[] dims in (long[][])
                [
                    [24],
                    [2, 3, 24],
                    [2, 0, 24],
                    [1, 1, 1, 24],
                ]
        )
        {
            float[] x = new float[dims.Aggregate(1L, (a, b) => a * b)];
            using OrtValue input = OrtValue.CreateTensorValueFromMemory(x, dims);
            Assert.Equal([.. dims[..^1], 5], OneNodeModel.Run<float>(session, ("x", input)).Dims);
        }
    }

    [Fact]
    public void A_wrong_last_dim_is_refused_with_the_nodes_name()
    {
        var weights = new RandomWeights(1, 24, 5, 4, 16, false, ScaleForm.Single, Factors.None, 0);
        using InferenceSession session = StoredForm.Model("LowRankQMatMul", weights).Open();
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(new float[46], [2, 23]);
        var e = Assert.Throws<OnnxRuntimeException>(() => OneNodeModel.Run<float>(session, ("x", input)));
        Assert.Contains("layer 7", e.Message, StringComparison.Ordinal);
        Assert.Contains("K (24)", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_activations_give_half_results()
    {
        var weights = new RandomWeights(7, 70, 33, 4, 32, true, ScaleForm.Half, Factors.Single, 4);
        OneNodeModel model = StoredForm.Model("LowRankQMatMul", weights, DataType.Float16, DataType.Float16).Remove("bias");
        using InferenceSession session = model.Open();
        Half[] x = [.. RandomWeights.Normals(new Random(1), 210, 1).Select(v => (Half)v)];
        float[] exact = [.. x.Select(v => (float)v)];
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(
            Array.ConvertAll(x, v => new Float16(BitConverter.HalfToUInt16Bits(v))),
            [3, 70]
        );
        (Float16[] y, _) = OneNodeModel.Run<Float16>(session, ("x", input));
        double[] expected = weights.Multiply(exact, [.. exact.Select(v => (double)v)], 3);
        KernelTests.AssertClose(Unbiased(expected, weights.Tensors), [.. y.Select(v => v.ToFloat())], 2e-3, "float16");
    }

    [Fact]
    public void Int8_factors_and_double_quantized_scales_mean_their_products()
    {
        var weights = new RandomWeights(3, 40, 12, 3, 16, false, ScaleForm.Single, Factors.Single, 6);
        WeightTensors t = weights.Tensors;
        var random = new Random(1);
        sbyte[] l1 = [.. Enumerable.Range(0, 40 * 6).Select(_ => (sbyte)random.Next(-128, 128))];
        sbyte[] l2 = [.. Enumerable.Range(0, 6 * 12).Select(_ => (sbyte)random.Next(-128, 128))];
        Half[] scales1 = [.. Enumerable.Range(0, 40).Select(_ => (Half)(random.NextSingle() / 500))];
        float[] scales2 = [.. Enumerable.Range(0, 12).Select(_ => random.NextSingle() / 500)];
        sbyte[] scales = [.. Enumerable.Range(0, 12 * t.Blocks).Select(_ => (sbyte)random.Next(-128, 128))];
        float[] factors = [.. Enumerable.Range(0, 12).Select(_ => random.NextSingle() / 5000)];
        OneNodeModel model = StoredForm
            .Model("LowRankQMatMul", weights)
            .Constant("l1", DataType.Int8, l1, 40, 6)
            .Constant("l2", DataType.Int8, l2, 6, 12)
            .Constant("l1_scales", DataType.Float16, scales1, 40)
            .Constant("l2_scales", DataType.Float, scales2, 12)
            .Constant("scales", DataType.Int8, scales, 12, t.Blocks)
            .Constant("scale_factors", DataType.Float, factors, 12);
        float[] x = RandomWeights.Normals(random, 5 * 40, 1);
        double[] expected = new double[5 * 12];
        for (int m = 0; m < 5; m++)
        {
            for (int n = 0; n < 12; n++)
            {
                double sum = t.Bias?[n] ?? 0;
                for (int k = 0; k < 40; k++)
                {
                    double w = weights.Level(k, n) * scales[n * t.Blocks + k / 16] * factors[n];
                    for (int j = 0; j < 6; j++)
                    {
                        w += l1[k * 6 + j] * (double)scales1[k] * l2[j * 12 + n] * scales2[n];
                    }
                    sum += x[m * 40 + k] * w;
                }
                expected[m * 12 + n] = sum;
            }
        }
        using InferenceSession session = model.Open();
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(x, [5, 40]);
        KernelTests.AssertClose(expected, OneNodeModel.Run<float>(session, ("x", input)).Values, 1e-5, "int8 factors");
    }

    [Fact]
    public void Adapters_add_their_product_per_sample_too()
    {
        var weights = new RandomWeights(5, 30, 20, 4, 32, false, ScaleForm.Single, Factors.None, 0);
        float[] x = RandomWeights.Normals(new Random(2), 3 * 2 * 30, 1);
        float[] a = RandomWeights.Normals(new Random(3), 2 * 30 * 4, 1);
        float[] b = RandomWeights.Normals(new Random(4), 2 * 4 * 20, 1);
        long[] index = [1, -1, 0];
        double[] expected = weights.Multiply(x, [.. x.Select(v => (double)v)], 6);
        for (int row = 0; row < 6; row++)
        {
            long pair = index[row / 2];
            for (int j = 0; pair >= 0 && j < 4; j++)
            {
                double t = Enumerable.Range(0, 30).Sum(k => (double)x[row * 30 + k] * a[(pair * 30 + k) * 4 + j]);
                for (int n = 0; n < 20; n++)
                {
                    expected[row * 20 + n] += t * b[(pair * 4 + j) * 20 + n];
                }
            }
        }
        OneNodeModel model = StoredForm
            .Model("LowRankQMatMul", weights)
            .Input("adapter_a", DataType.Float)
            .Input("adapter_b", DataType.Float)
            .Input("adapter_index", DataType.Int64);
        using InferenceSession session = model.Open();
        using OrtValue vx = OrtValue.CreateTensorValueFromMemory(x, [3, 2, 30]);
        using OrtValue va = OrtValue.CreateTensorValueFromMemory(a, [2, 30, 4]);
        using OrtValue vb = OrtValue.CreateTensorValueFromMemory(b, [2, 4, 20]);
        using OrtValue vi = OrtValue.CreateTensorValueFromMemory(index, [3]);
        float[] y = OneNodeModel.Run<float>(session, ("x", vx), ("adapter_a", va), ("adapter_b", vb), ("adapter_index", vi)).Values;
        KernelTests.AssertClose(expected, y, 1e-5, "adapters");

        using OrtValue wrong = OrtValue.CreateTensorValueFromMemory(new long[] { 0, 1, 2 }, [3]);
        var e = Assert.Throws<OnnxRuntimeException>(() =>
            OneNodeModel.Run<float>(session, ("x", vx), ("adapter_a", va), ("adapter_b", vb), ("adapter_index", wrong))
        );
        Assert.Contains("layer 7", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sessions_run_on_several_threads_at_a_time()
    {
        var weights = new RandomWeights(5, 300, 200, 3, 32, true, ScaleForm.Half, Factors.Half, 8);
        using InferenceSession session = StoredForm.Model("LowRankQMatMul", weights).Open(ActivationMode.Int8, threads: 2);
        Parallel.For(
            0,
            32,
            i =>
            {
                float[] x = RandomWeights.Normals(new Random(i), (i % 5 + 1) * 300, 1);
                using OrtValue input = OrtValue.CreateTensorValueFromMemory(x, [i % 5 + 1, 300]);
                float[] y = OneNodeModel.Run<float>(session, ("x", input)).Values;
                KernelTests.AssertClose(weights.Multiply(x, weights.Rounded(x, i % 5 + 1), i % 5 + 1), y, 1e-5, $"{i}");
            }
        );
    }

    private static double[] Unbiased(double[] y, WeightTensors tensors) => [.. y.Select((v, i) => v - (tensors.Bias?[i % tensors.N] ?? 0))];
}
