using Lorq.Runtime.Tests.Cpu;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Runtime.Tests.Operators;

/// <summary>What a hand-edited model could carry: refused when the session is created, with the node's name.</summary>
public sealed class RefusedNodeTests
{
    private const int K = 40;
    private const int N = 6;
    private const int Blocks = 2;

    private static readonly Dictionary<string, (Action<OneNodeModel> Spoil, string Says)> Faults = new()
    {
        ["no K"] = (m => m.Attributes.Remove("K"), "'K' is missing"),
        ["K 0"] = (m => m.Attributes["K"] = 0, "K is 0"),
        ["K huge"] = (m => m.Attributes["K"] = 1L << 40, "out of range"),
        ["K times N huge"] = (
            m =>
            {
                m.Attributes["K"] = int.MaxValue - 8;
                m.Attributes["block_size"] = 32;
            },
            "too large"
        ),
        ["bits 1"] = (m => m.Attributes["bits"] = 1, "bits is 1"),
        ["bits 7"] = (m => m.Attributes["bits"] = 7, "bits is 7"),
        ["bits 9"] = (m => m.Attributes["bits"] = 9, "bits is 9"),
        ["block 24"] = (m => m.Attributes["block_size"] = 24, "block_size is 24"),
        ["block 0"] = (m => m.Attributes["block_size"] = 0, "block_size is 0"),
        ["activation bits"] = (m => m.Attributes["activation_bits"] = 4, "activation_bits is 4"),
        ["short codes"] = (m => m.Constant("codes", DataType.Uint8, new byte[N * 19], N, 19), "'codes' has shape"),
        ["flat codes"] = (m => m.Constant("codes", DataType.Uint8, new byte[N * 20], N * 20), "'codes' has 1 dims"),
        ["no columns"] = (m => m.Constant("codes", DataType.Uint8, Array.Empty<byte>(), 0, 20), "no rows"),
        ["scales short"] = (m => m.Constant("scales", DataType.Float, new float[N], N, 1), "'scales' has shape"),
        ["scales NaN"] = (
            m => m.Constant("scales", DataType.Float, [.. new float[N * Blocks - 1], float.NaN], N, Blocks),
            "NaN or infinity"
        ),
        ["scales infinite"] = (
            m => m.Constant("scales", DataType.Float16, [Half.PositiveInfinity, .. new Half[N * Blocks - 1]], N, Blocks),
            "NaN or infinity"
        ),
        ["scales int32"] = (m => m.Constant("scales", DataType.Int32, new int[N * Blocks], N, Blocks), "element type Int32"),
        ["scales int8 alone"] = (m => m.Constant("scales", DataType.Int8, new sbyte[N * Blocks], N, Blocks), "need each other"),
        ["scale factors alone"] = (m => m.Constant("scale_factors", DataType.Float, new float[N], N), "need each other"),
        ["zero points long"] = (m => m.Constant("zero_points", DataType.Uint8, new byte[9], 9), "'zero_points' has shape"),
        ["l1 alone"] = (m => m.Constant("l1", DataType.Float, new float[K * 2], K, 2), "need each other"),
        ["rank 0"] = (
            m =>
            {
                m.Constant("l1", DataType.Float, Array.Empty<float>(), K, 0);
                m.Constant("l2", DataType.Float, Array.Empty<float>(), 0, N);
            },
            "ranks differ or are 0"
        ),
        ["ranks differ"] = (
            m =>
            {
                m.Constant("l1", DataType.Float, new float[K * 2], K, 2);
                m.Constant("l2", DataType.Float, new float[3 * N], 3, N);
            },
            "ranks differ"
        ),
        ["l1 int8 without scales"] = (
            m =>
            {
                m.Constant("l1", DataType.Int8, new sbyte[K * 2], K, 2);
                m.Constant("l2", DataType.Float, new float[2 * N], 2, N);
            },
            "int8 factors"
        ),
        ["l1 infinite"] = (
            m =>
            {
                m.Constant("l1", DataType.Float, [.. new float[K * 2 - 1], float.NegativeInfinity], K, 2);
                m.Constant("l2", DataType.Float, new float[2 * N], 2, N);
            },
            "'l1' holds NaN or infinity"
        ),
        ["codebook short"] = (m => m.Constant("codebook", DataType.Float, new float[15], 15), "'codebook' has shape"),
        ["codebook and zero points"] = (
            m =>
            {
                m.Constant("codebook", DataType.Float, new float[16], 16);
                m.Constant("zero_points", DataType.Uint8, new byte[8], 8);
            },
            "exclude each other"
        ),
        ["bias long"] = (m => m.Constant("bias", DataType.Float, new float[N + 1], N + 1), "'bias' has shape"),
        ["codes fed"] = (m => m.Remove("codes").Input("codes", DataType.Uint8), "'codes' is no constant"),
        ["adapter a alone"] = (m => m.Input("adapter_a", DataType.Float), "need each other"),
    };

    public static TheoryData<string> Names => [.. Faults.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Is_refused_with_the_nodes_name(string fault)
    {
        var weights = new RandomWeights(1, K, N, 4, 32, false, ScaleForm.Single, Factors.None, 0);
        OneNodeModel model = StoredForm.Model("LowRankQMatMul", weights);
        Faults[fault].Spoil(model);
        var e = Assert.Throws<OnnxRuntimeException>(() => model.Open().Dispose());
        Assert.Contains("layer 7", e.Message, StringComparison.Ordinal);
        Assert.Contains(Faults[fault].Says, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Random_attributes_and_shapes_never_do_more_than_be_refused()
    {
        var random = new Random(11);
        for (int i = 0; i < 300; i++)
        {
            var weights = new RandomWeights(1, K, N, 4, 32, i % 2 == 0, ScaleForm.Single, i % 3 == 0 ? Factors.Single : Factors.None, 3);
            OneNodeModel model = StoredForm.Model("LowRankQMatMul", weights);
            string[] attributes = ["K", "bits", "block_size"];
            model.Attributes[attributes[random.Next(3)]] = random.Next(4) switch
            {
                0 => random.Next(-2, 70),
                1 => 1L << random.Next(63),
                2 => -(1L << random.Next(63)),
                _ => random.Next(),
            };
            if (random.Next(2) == 0)
            {
                int rows = random.Next(0, 9);
                int columns = random.Next(0, 40);
                model.Constant("codes", DataType.Uint8, new byte[rows * columns], rows, columns);
            }
            try
            {
                using InferenceSession session = model.Open();
                using OrtValue x = OrtValue.CreateTensorValueFromMemory(new float[2 * K], [2, K]);
                OneNodeModel.Run<float>(session, ("x", x));
            }
            catch (OnnxRuntimeException e)
            {
                Assert.Contains("layer 7", e.Message, StringComparison.Ordinal);
            }
        }
    }
}
