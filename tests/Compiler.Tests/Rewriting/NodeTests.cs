using Lorq.Quantization;
using Lorq.Rewriting.Encodings;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Rewriting;

/// <summary>Packed codes in front of the nodes that read them.</summary>
public sealed class NodeTests
{
    public static TheoryData<int, int, bool, int> Cases()
    {
        var data = new TheoryData<int, int, bool, int>();
        foreach (int bits in new[] { 2, 3, 4, 5, 6, 8 })
        {
            foreach (int block in new[] { 0, 16, 32, 128 })
            {
                data.Add(bits, block, true, 128);
                data.Add(bits, block, false, 128);
                data.Add(bits, block, false, 72);
                data.Add(bits, block, true, 200);
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void MatMulNBits_multiplies_by_the_values_of_the_definition(int bits, int block, bool symmetric, int k)
    {
        const int N = 20;
        var grid = new QuantizationGrid(GridKind.Integer, bits, block, symmetric, ScaleType.Float16);
        QuantizedMatrix matrix = Samples.Random(grid, k, N, bits * 1000 + block);
        var graph = new ChainGraph();
        PackedWeight weight = PackedCodes.Emit(graph.Builder, [Samples.Segment(matrix)], DataType.Float, rows: false);
        // The identity as input reads every weight alone: the product must be bit-equal.
        var identity = new float[k * k];
        for (int i = 0; i < k; i++)
        {
            identity[(i * k) + i] = 1;
        }
        (float[] got, string[] operators) = ChainGraph.Run<float>(
            graph.Model([Kernels.MatMulNBits(weight, "x", "y", k, N, null, 0)], [("x", DataType.Float)], [("y", DataType.Float)]),
            ("x", ChainGraph.Tensor(identity, k, k))
        );
        Assert.Equal(["MatMulNBits"], operators);
        Assert.Equal(Samples.Values(matrix), got);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void GatherBlockQuantized_reads_the_rows_of_the_definition(int bits, int block, bool symmetric, int k)
    {
        const int N = 20;
        var grid = new QuantizationGrid(GridKind.Integer, bits, block, symmetric, ScaleType.Float16);
        QuantizedMatrix matrix = Samples.Random(grid, k, N, bits * 1000 + block);
        var graph = new ChainGraph();
        PackedWeight weight = PackedCodes.Emit(graph.Builder, [Samples.Segment(matrix)], DataType.Float, rows: true);
        long[] rows = [3, 0, 19, 3];
        (float[] got, string[] operators) = ChainGraph.Run<float>(
            graph.Model([Kernels.GatherBlockQuantized(weight, "x", "y")], [("x", DataType.Int64)], [("y", DataType.Float)]),
            ("x", ChainGraph.Tensor(rows, 2, 2))
        );
        Assert.Equal(["GatherBlockQuantized"], operators);
        float[] byColumn = Samples.Transpose(Samples.Values(matrix), k, N);
        Assert.Equal([.. rows.SelectMany(r => byColumn.Skip((int)r * k).Take(k))], got);
    }

    [Fact]
    public void Segments_of_different_grids_meet_in_one_container()
    {
        const int K = 96;
        QuantizationGrid[] grids =
        [
            new(GridKind.Integer, 2, 32, true, ScaleType.Float16),
            new(GridKind.Integer, 3, 64, false, ScaleType.Float16),
            new(GridKind.Integer, 4, 16, true, ScaleType.Float32),
            new(GridKind.Integer, 3, 0, false, ScaleType.Float16),
            new(GridKind.Integer, 4, 16, false, ScaleType.Int8),
        ];
        foreach (
            QuantizationGrid[] chosen in new[]
            {
                grids,
                [grids[0], grids[2]],
                [.. grids, new(GridKind.Integer, 6, 32, false, ScaleType.Float16)],
            }
        )
        {
            QuantizedMatrix[] parts = [.. chosen.Select((g, i) => Samples.Random(g, K, 5 + (3 * i), i))];
            var graph = new ChainGraph();
            PackedWeight weight = PackedCodes.Emit(graph.Builder, [.. parts.Select(Samples.Segment)], DataType.Float, rows: true);
            long[] rows = [.. Enumerable.Range(0, parts.Sum(p => p.N)).Select(i => (long)i)];
            (float[] got, string[] operators) = ChainGraph.Run<float>(
                graph.Model([Kernels.GatherBlockQuantized(weight, "x", "y")], [("x", DataType.Int64)], [("y", DataType.Float)]),
                ("x", ChainGraph.Tensor(rows, rows.Length))
            );
            Assert.Equal(["GatherBlockQuantized"], operators);
            Assert.Equal([.. parts.SelectMany(p => Samples.Transpose(Samples.Values(p), K, p.N))], got);
        }
    }
}
