using Lorq.Runtime.Cpu;
using Lorq.Runtime.Tests.Cpu;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Runtime.Tests.Operators;

/// <summary><c>QGather</c> through real sessions.</summary>
public sealed class GatherNodeTests
{
    [Theory]
    [InlineData(2, 16, false)]
    [InlineData(3, 32, false)]
    [InlineData(4, 64, true)]
    [InlineData(5, 0, false)]
    [InlineData(6, 128, false)]
    [InlineData(8, 32, false)]
    public void Gathers_rows(int bits, int block, bool codebook)
    {
        foreach (Factors factors in Enum.GetValues<Factors>())
        {
            var weights = new RandomWeights(bits, 101, 37, bits, block, bits % 2 == 0 && !codebook, ScaleForm.Half, factors, 5, codebook);
            using InferenceSession session = StoredForm.Model("QGather", weights, DataType.Int64).Open();
            long[] indices = [0, 36, -1, -37, 5, 5];
            using OrtValue input = OrtValue.CreateTensorValueFromMemory(indices, [3, 2]);
            (float[] y, long[] dims) = OneNodeModel.Run<float>(session, ("x", input));
            Assert.Equal([3, 2, 101], dims);
            for (int i = 0; i < indices.Length; i++)
            {
                int n = (int)(indices[i] < 0 ? indices[i] + 37 : indices[i]);
                KernelTests.AssertClose(Row(weights, n), y[(i * 101)..((i + 1) * 101)], 1e-6, $"row {n}");
            }
        }
    }

    [Fact]
    public void Scalars_empty_and_int32_indices_and_half_tables()
    {
        var weights = new RandomWeights(1, 20, 7, 4, 32, false, ScaleForm.Single, Factors.None, 0);
        OneNodeModel model = StoredForm.Model("QGather", weights, DataType.Int32, DataType.Float16);
        model.Attributes["dtype"] = 10;
        using InferenceSession session = model.Open();
        using OrtValue scalar = OrtValue.CreateTensorValueFromMemory(new[] { 3 }, []);
        (Float16[] y, long[] dims) = OneNodeModel.Run<Float16>(session, ("x", scalar));
        Assert.Equal([20], dims);
        KernelTests.AssertClose(Row(weights, 3), [.. y.Select(v => v.ToFloat())], 1e-3, "half");
        using OrtValue empty = OrtValue.CreateTensorValueFromMemory(Array.Empty<int>(), [0, 4]);
        Assert.Equal([0, 4, 20], OneNodeModel.Run<Float16>(session, ("x", empty)).Dims);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(-8)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void An_index_outside_is_refused_with_the_nodes_name(long index)
    {
        var weights = new RandomWeights(1, 20, 7, 4, 32, false, ScaleForm.Single, Factors.None, 0);
        using InferenceSession session = StoredForm.Model("QGather", weights, DataType.Int64).Open();
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(new[] { index }, [1]);
        var e = Assert.Throws<OnnxRuntimeException>(() => OneNodeModel.Run<float>(session, ("x", input)));
        Assert.Contains("layer 7", e.Message, StringComparison.Ordinal);
    }

    private static double[] Row(RandomWeights weights, int n)
    {
        WeightTensors t = weights.Tensors;
        return
        [
            .. Enumerable
                .Range(0, t.K)
                .Select(k =>
                    weights.Level(k, n) * weights.Scale(k, n)
                    + Enumerable.Range(0, t.Rank).Sum(j => (double)t.L1[k * t.Rank + j] * t.L2[j * t.N + n])
                ),
        ];
    }
}
