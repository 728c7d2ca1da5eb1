using Lorq.Onnx;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Rewriting.Encodings;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Rewriting;

/// <summary>Every encoding, expanded by stock ONNX Runtime: folded to nothing and equal bit by bit to its definition.</summary>
public sealed class EncodingTests
{
    public static TheoryData<int, int, bool, int> PlaneCases()
    {
        var data = new TheoryData<int, int, bool, int>();
        foreach (int bits in new[] { 2, 3, 4, 5, 6, 8 })
        {
            foreach (int lane in new[] { 4, 8 })
            {
                foreach (int count in new[] { 64, 61, 1, 4096 })
                {
                    if (bits <= lane)
                    {
                        data.Add(bits, lane, true, count);
                        data.Add(bits, lane, false, count);
                    }
                }
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(PlaneCases))]
    public void Bit_planes_take_b_bits_per_code_and_expand_to_lanes(int bits, int lane, bool high, int count)
    {
        var random = new Random(bits + lane + count);
        int perByte = 8 / lane;
        byte[] codes = [.. Enumerable.Range(0, count * perByte).Select(_ => (byte)random.Next(1 << bits))];
        var graph = new ChainGraph();
        string result = BitPlanes.Emit(
            graph.Builder,
            bits,
            lane,
            high ? Justify.High : Justify.Low,
            [1, count],
            () => BitPlanes.PackLanes(codes, codes.Length, codes.Length, lane)
        );
        long stored = graph.Builder.Tensors.Sum(t => t.Length);
        long ideal = (codes.Length * bits + 7) / 8;
        Assert.InRange(stored, ideal, ideal + 8);

        (byte[] bytes, string[] operators) = ChainGraph.Run<byte>(
            graph.Model([Reader("BitwiseOr", result)], [("x", DataType.Uint8)], [("y", DataType.Uint8)]),
            ("x", ChainGraph.Tensor<byte>([0], 1))
        );
        Assert.Equal(["BitwiseOr"], operators);
        int shift = high ? lane - bits : 0;
        for (int i = 0; i < codes.Length; i++)
        {
            int got = (bytes[i / perByte] >> (i % perByte * lane)) & ((1 << lane) - 1);
            Assert.Equal(codes[i] << shift, got);
        }
    }

    public static TheoryData<int, int, bool, ScaleType, int> ValueCases()
    {
        var data = new TheoryData<int, int, bool, ScaleType, int>();
        foreach (int bits in new[] { 2, 3, 4, 5, 6, 8 })
        {
            foreach (int block in new[] { 0, 16, 32 })
            {
                foreach (bool symmetric in new[] { true, false })
                {
                    data.Add(bits, block, symmetric, ScaleType.Float16, 64);
                    data.Add(bits, block, symmetric, ScaleType.Float32, 72);
                    data.Add(bits, block, symmetric, ScaleType.Int8, 72);
                }
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(ValueCases))]
    public void Values_decode_bit_equal_in_every_order(int bits, int block, bool symmetric, ScaleType scales, int k)
    {
        const int N = 12;
        var grid = new QuantizationGrid(GridKind.Integer, bits, block, symmetric, scales);
        QuantizedMatrix matrix = Samples.Random(grid, k, N, bits * 100 + block);
        float[] expected = Samples.Values(matrix);
        foreach (
            (StorageOrder order, long[] dims, float[] values) in new (StorageOrder, long[], float[])[]
            {
                (new(true, 1), [N, k / 4, 2, 2], Samples.Transpose(expected, k, N)),
                (new(false, 1), [k, N], expected),
                (new(false, 3), [3, k, N / 3], new StorageOrder(false, 3).Apply(expected, k, N)),
            }
        )
        {
            var graph = new ChainGraph();
            string result = DecodedValues.Emit(graph.Builder, Samples.Segment(matrix), order, dims, DataType.Float);
            (float[] got, string[] operators) = ChainGraph.Run<float>(
                graph.Model([Reader("Mul", result)], [("x", DataType.Float)], [("y", DataType.Float)]),
                ("x", ChainGraph.Tensor([1f], 1))
            );
            Assert.Equal(["Mul"], operators);
            Assert.Equal(values, got);
        }
    }

    [Theory]
    [InlineData(2, 16)]
    [InlineData(3, 0)]
    [InlineData(4, 64)]
    public void Codebooks_decode_bit_equal(int bits, int block)
    {
        var grid = new QuantizationGrid(GridKind.NormalFloat, bits, block, true, ScaleType.Float16);
        QuantizedMatrix matrix = Samples.Random(grid, 72, 10, bits);
        var graph = new ChainGraph();
        string result = DecodedValues.Emit(graph.Builder, Samples.Segment(matrix), new StorageOrder(false, 1), [72, 10], DataType.Float);
        (float[] got, string[] operators) = ChainGraph.Run<float>(
            graph.Model([Reader("Mul", result)], [("x", DataType.Float)], [("y", DataType.Float)]),
            ("x", ChainGraph.Tensor([1f], 1))
        );
        Assert.Equal(["Mul"], operators);
        Assert.Equal(Samples.Values(matrix), got);
    }

    [Theory]
    [MemberData(nameof(ValueCases))]
    public void DequantizeLinear_gives_the_values_of_the_definition(int bits, int block, bool symmetric, ScaleType scales, int k)
    {
        var grid = new QuantizationGrid(GridKind.Integer, bits, block, symmetric, scales);
        QuantizedMatrix matrix = Samples.Random(grid, k, 12, bits * 10 + block);
        var graph = new ChainGraph();
        string result = BlockedCodes.Emit(graph.Builder, Samples.Segment(matrix), DataType.Float, out NodeProto dequantize);
        (float[] got, string[] operators) = ChainGraph.Run<float>(
            graph.Model([dequantize, Reader("Mul", result)], [("x", DataType.Float)], [("y", DataType.Float)]),
            ("x", ChainGraph.Tensor([1f], 1))
        );
        Assert.Equal(["DequantizeLinear", "Mul"], operators);
        Assert.Equal(Samples.Values(matrix), got);
    }

    private static NodeProto Reader(string operation, string tensor)
    {
        var node = new NodeProto { OpType = operation };
        node.Input.Add([tensor, "x"]);
        node.Output.Add("y");
        return node;
    }
}
