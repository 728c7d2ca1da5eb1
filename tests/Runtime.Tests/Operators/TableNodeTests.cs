using Lorq.Runtime.Cpu;
using Lorq.Runtime.Tests.Cpu;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Runtime.Tests.Operators;

/// <summary><c>QGather</c> from tables whose rows lie on several grids, run by run.</summary>
public sealed class TableNodeTests
{
    private const int K = 37;
    private const int Rank = 3;

    // Rows, bits, weights per block, levels.
    private static readonly long[] Runs = [5, 4, 32, 1, 1, 3, 16, 0, 4, 2, K, 2, 3, 8, K, 1];

    private static readonly Dictionary<string, (Action<OneNodeModel> Spoil, string Says)> Faults = new()
    {
        ["no runs"] = (m => m.Lists["runs"] = [], ""),
        ["half a run"] = (m => m.Lists["runs"] = [13, 4], "has 2 numbers"),
        ["bits too"] = (m => m.Attributes["bits"] = 4, "excludes 'bits'"),
        ["no rows"] = (m => m.Lists["runs"][0] = 0, "run 0 has 0 rows"),
        ["fewer than no rows"] = (m => m.Lists["runs"][4] = -1, "run 1 has -1 rows"),
        ["rows beyond an int"] = (m => m.Lists["runs"][4] = 1L << 40, "rows"),
        ["all rows beyond an int"] = (m => m.Lists["runs"][4] = int.MaxValue, "too large"),
        ["more rows than stored"] = (m => m.Lists["runs"][4] = 2, "'codes' has shape"),
        ["bits 7"] = (m => m.Lists["runs"][5] = 7, "bits is 7"),
        ["bits beyond an int"] = (m => m.Lists["runs"][5] = 4 + (1L << 32), "bits is -1"),
        ["block 24"] = (m => m.Lists["runs"][2] = 24, "block_size is 24"),
        ["other blocks"] = (m => m.Lists["runs"][2] = 16, "'scales' has shape"),
        ["levels 3"] = (m => m.Lists["runs"][3] = 3, "says 3"),
        ["levels -1"] = (m => m.Lists["runs"][3] = -1, "says -1"),
        ["no zero points wanted"] = (m => (m.Lists["runs"][3], m.Lists["runs"][15]) = (0, 0), "'zero_points'"),
        ["zero points missing"] = (m => m.Remove("zero_points"), "'zero_points'"),
        ["zero points short"] = (m => m.Constant("zero_points", DataType.Uint8, new byte[8], 8), "'zero_points' has shape"),
        ["no codebook wanted"] = (m => m.Lists["runs"][11] = 0, "'codebook'"),
        ["codebook missing"] = (m => m.Remove("codebook"), "'codebook'"),
        ["codebook with two dims"] = (m => m.Constant("codebook", DataType.Float, new float[4], 2, 2), "'codebook' has shape"),
        ["codes with two dims"] = (m => m.Constant("codes", DataType.Uint8, new byte[13 * 20], 13, 20), "'codes' has shape"),
        ["scales NaN"] = (m => m.Constant("scales", DataType.Float, [.. new float[19], float.NaN], 20), "NaN or infinity"),
        ["scale factors alone"] = (m => m.Constant("scale_factors", DataType.Float, new float[13], 13), "need each other"),
        ["l2 of one run"] = (
            m =>
            {
                m.Constant("l1", DataType.Float, new float[K], K, 1);
                m.Constant("l2", DataType.Float, new float[5], 1, 5);
            },
            "'l2' has shape"
        ),
    };

    public static TheoryData<string> Names => [.. Faults.Keys];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gathers_rows_of_every_run(bool pair)
    {
        RandomWeights[] runs = Weights();
        int n = runs.Sum(r => r.Tensors.N);
        var random = new Random(3);
        float[] l1 = pair ? RandomWeights.Normals(random, K * Rank, 1) : [];
        float[] l2 = pair ? RandomWeights.Normals(random, Rank * n, 1) : [];
        using InferenceSession session = StoredForm.Table(runs, new FloatArray(l1, null), new FloatArray(l2, null)).Open();
        long[] indices = [.. Enumerable.Range(-n, 2 * n).Select(i => (long)i)];
        random.Shuffle(indices);
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(indices, [2, n]);
        (float[] y, long[] dims) = OneNodeModel.Run<float>(session, ("x", input));
        Assert.Equal([2, n, K], dims);
        for (int i = 0; i < indices.Length; i++)
        {
            int row = (int)(indices[i] < 0 ? indices[i] + n : indices[i]);
            int local = row;
            int run = 0;
            while (local >= runs[run].Tensors.N)
            {
                local -= runs[run++].Tensors.N;
            }
            double[] expected =
            [
                .. Enumerable
                    .Range(0, K)
                    .Select(k =>
                        (runs[run].Level(k, local) * runs[run].Scale(k, local))
                        + (pair ? Enumerable.Range(0, Rank).Sum(j => (double)l1[(k * Rank) + j] * l2[(j * n) + row]) : 0)
                    ),
            ];
            KernelTests.AssertClose(expected, y[(i * K)..((i + 1) * K)], 1e-6, $"row {row}");
        }
    }

    [Theory]
    [InlineData(13)]
    [InlineData(-14)]
    public void An_index_outside_all_runs_is_refused(long index)
    {
        using InferenceSession session = StoredForm.Table(Weights()).Open();
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(new[] { index }, [1]);
        var e = Assert.Throws<OnnxRuntimeException>(() => OneNodeModel.Run<float>(session, ("x", input)));
        Assert.Contains("layer 7", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Is_refused_with_the_nodes_name(string fault)
    {
        OneNodeModel model = StoredForm.Table(Weights());
        Assert.Equal(Runs, model.Lists["runs"]);
        Faults[fault].Spoil(model);
        var e = Assert.Throws<OnnxRuntimeException>(() => model.Open().Dispose());
        Assert.Contains("layer 7", e.Message, StringComparison.Ordinal);
        Assert.Contains(Faults[fault].Says, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Random_runs_never_do_more_than_be_refused()
    {
        var random = new Random(5);
        for (int i = 0; i < 300; i++)
        {
            OneNodeModel model = StoredForm.Table(Weights());
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                model.Lists["runs"][random.Next(16)] = random.Next(3) switch
                {
                    0 => random.Next(-2, 40),
                    1 => 1L << random.Next(63),
                    _ => -random.NextInt64(),
                };
            }
            try
            {
                using InferenceSession session = model.Open();
                using OrtValue input = OrtValue.CreateTensorValueFromMemory(new long[] { 0, 12 }, [2]);
                OneNodeModel.Run<float>(session, ("x", input));
            }
            catch (OnnxRuntimeException e)
            {
                Assert.Contains("layer 7", e.Message, StringComparison.Ordinal);
            }
        }
    }

    private static RandomWeights[] Weights() =>
        [
            new(1, K, 5, 4, 32, true, ScaleForm.Single, Factors.None, 0),
            new(2, K, 1, 3, 16, false, ScaleForm.Single, Factors.None, 0),
            new(3, K, 4, 2, 0, false, ScaleForm.Single, Factors.None, 0, codebook: true),
            new(4, K, 3, 8, 0, true, ScaleForm.Single, Factors.None, 0),
        ];
}
