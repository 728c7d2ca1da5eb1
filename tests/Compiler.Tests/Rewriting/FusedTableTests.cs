using Lorq.Decomposition;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Runtime;
using Lorq.Sites;
using Lorq.Specs;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Rewriting;

/// <summary>Tables whose rows lie on several grids: one <c>QGather</c>, by its body and by Lorq.Runtime.</summary>
public sealed class FusedTableTests : WorkFolder
{
    private const int N = 37;

    private static readonly FusedEmission Emission = new();

    // First and last row of every run of the tests among them, from both ends.
    private static readonly long[] Rows = [3, -1, 0, 12, 3, -13, 36, -37, 9, 10, 11, 30, 31, 2, 22, 23];

    /// <summary>Runs of 10, 1, 12, 8 and 6 rows.</summary>
    private static (QuantizationGrid Grid, int Rows)[] Runs(ScaleType scales) =>
        [
            (new(GridKind.Integer, 6, 16, false, scales), 10),
            (new(GridKind.Integer, 4, 0, true, scales), 1),
            (new(GridKind.NormalFloat, 3, 32, true, scales), 12),
            (new(GridKind.Integer, 3, 32, false, scales), 8),
            (new(GridKind.NormalFloat, 4, 0, true, scales), 6),
        ];

    [Theory]
    [InlineData(64, ScaleType.Float16)]
    [InlineData(72, ScaleType.Float16)]
    [InlineData(45, ScaleType.Float32)]
    [InlineData(72, ScaleType.Int8)]
    public void Every_run_has_the_values_of_its_grid(int k, ScaleType scales)
    {
        using OnnxModel model = Lookup(k).Load(Folder);
        CompressedWeight weight = Weight(model, Runs(scales));
        Assert.True(Emission.SupportsSegments(weight.Site));
        string path = Reference.Write(Folder, model, Emission, [weight], out _, slack: 4);
        float[] table = Samples.Transpose(Reference.Values(weight), k, N);
        float[] expected = [.. Rows.SelectMany(r => table.Skip((int)(r < 0 ? r + N : r) * k).Take(k))];
        Assert.Equal(expected, Gathered(path, null, Rows, 2, Rows.Length / 2));
        Assert.Empty(Gathered(path, null, [], 0, 3));
        using SessionOptions options = new SessionOptions { OptimizedModelFilePath = path + ".loaded" }.AddLorqOperators();
        Assert.Equal(expected, Gathered(path, options, Rows, 2, Rows.Length / 2));
        Assert.Equal("QGather", Assert.Single(ModelProto.Parser.ParseFrom(File.ReadAllBytes(path + ".loaded")).Graph.Node).OpType);
        // Tables are cut and shaped when the session is created, not at every call: every node that is left computes with the indices.
        IReadOnlyList<NodeProto> loaded = Reference.LoadedNodes(path);
        HashSet<string> computed = ["i", .. loaded.SelectMany(n => n.Output)];
        Assert.All(loaded, n => Assert.Contains(n.Input, computed.Contains));
    }

    [Theory]
    [InlineData(37)]
    [InlineData(-38)]
    [InlineData(long.MaxValue)]
    public void Rows_outside_the_table_are_refused_by_the_body(long row)
    {
        using OnnxModel model = Lookup(64).Load(Folder);
        string path = Reference.Write(Folder, model, Emission, [Weight(model, Runs(ScaleType.Float16))], out _, slack: 4);
        Assert.Throws<OnnxRuntimeException>(() => Gathered(path, null, [0, row], 1, 2));
    }

    [Theory]
    [InlineData(FactorType.Float16)]
    [InlineData(FactorType.Int8)]
    public void A_pair_is_added_to_all_runs(FactorType type)
    {
        using OnnxModel model = Lookup(45).Load(Folder);
        CompressedWeight weight = Weight(model, Runs(ScaleType.Float16));
        weight = weight with { Factors = Samples.Pair(new FactorShape(5, type), 45, N, 3) };
        string path = Reference.Write(Folder, model, Emission, [weight], out _, slack: 4);
        float[] stock = Gathered(path, null, Rows, 2, Rows.Length / 2);
        using SessionOptions options = new SessionOptions().AddLorqOperators();
        float[] fused = Gathered(path, options, Rows, 2, Rows.Length / 2);
        float[] table = Samples.Transpose(Reference.Values(weight), 45, N);
        float[] expected = [.. Rows.SelectMany(r => table.Skip((int)(r < 0 ? r + N : r) * 45).Take(45))];
        Assert.All(expected.Zip(stock), p => Assert.Equal(p.First, p.Second, 1e-5));
        Assert.All(expected.Zip(fused), p => Assert.Equal(p.First, p.Second, 1e-5));
    }

    [Fact]
    public void Two_tables_that_are_cut_differently_have_a_body_each()
    {
        using OnnxModel model = new SmallModel(18)
            .Input("i", DataType.Int64, -1)
            .Weight("t", N, 64)
            .Weight("u", N, 64)
            .Node("Gather", "t, i", "a")
            .Node("Gather", "u, i", "b")
            .Node("Sub", "a, b", "g")
            .Output("g")
            .Load(Folder);
        (QuantizationGrid Grid, int Rows)[] runs = Runs(ScaleType.Float16);
        (QuantizationGrid Grid, int Rows)[] others = [runs[0], .. runs[2..4], (runs[4].Grid, 7)];
        List<CompressedWeight> weights =
        [
            .. SiteFinder.Find(model, new CompressionSpec()).Sites.Select(s => Weight(s, s.Name == "t" ? runs : others)),
        ];
        string path = Reference.Write(Folder, model, Emission, weights, out _, slack: 4);
        float[][] tables = [.. weights.Select(w => Samples.Transpose(Reference.Values(w), 64, N))];
        int[] rows = [.. Rows.Select(r => (int)(r < 0 ? r + N : r))];
        float[] expected = [.. rows.SelectMany(r => Enumerable.Range(r * 64, 64)).Select(i => tables[0][i] - tables[1][i])];
        Assert.Equal(expected, Gathered(path, null, Rows, Rows.Length));
    }

    [Fact]
    public void Half_tables_give_half_rows()
    {
        using OnnxModel model = new SmallModel(18)
            .Input("i", DataType.Int64, -1)
            .HalfWeight("t", N, 64)
            .Node("Gather", "t, i", "g")
            .Output("g", DataType.Float16)
            .Load(Folder);
        CompressedWeight weight = Weight(model, Runs(ScaleType.Float16));
        string path = Reference.Write(Folder, model, Emission, [weight], out _, slack: 4);
        float[] table = Samples.Transpose(Reference.Values(weight), 64, N);
        using SessionOptions options = new SessionOptions().AddLorqOperators();
        foreach (SessionOptions? chosen in new[] { null, options })
        {
            using InferenceSession session = chosen is null ? new(path) : new(path, chosen);
            using OrtValue rows = OrtValue.CreateTensorValueFromMemory(Rows, [Rows.Length]);
            using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(new RunOptions(), ["i"], [rows], ["g"]);
            Half[] expected = [.. Rows.SelectMany(r => table.Skip((int)(r < 0 ? r + N : r) * 64).Take(64)).Select(v => (Half)v)];
            Half[] got = [.. outputs[0].GetTensorDataAsSpan<Float16>().ToArray().Select(v => BitConverter.UInt16BitsToHalf(v.value))];
            Assert.Equal(expected, got);
        }
    }

    [Fact]
    public void A_table_that_is_an_output_projection_too_stays_whole()
    {
        using OnnxModel model = new SmallModel(18)
            .Input("i", DataType.Int64, 2)
            .Weight("t", N, 64)
            .Node("Gather", "t, i", "g")
            .Node(
                "Gemm",
                "g, t",
                "y",
                new AttributeProto
                {
                    Name = "transB",
                    I = 1,
                    Type = AttributeProto.Types.AttributeType.Int,
                }
            )
            .Output("y")
            .Load(Folder);
        Site site = Assert.Single(SiteFinder.Find(model, new CompressionSpec()).Sites);
        Assert.Equal(SiteKind.Gather, site.Kind);
        Assert.False(Emission.SupportsSegments(site));
    }

    private static SmallModel Lookup(int k) =>
        new SmallModel(18).Input("i", DataType.Int64, -1, -2).Weight("t", N, k).Node("Gather", "t, i", "g").Output("g");

    private static CompressedWeight Weight(OnnxModel model, (QuantizationGrid Grid, int Rows)[] runs) =>
        Weight(Assert.Single(SiteFinder.Find(model, new CompressionSpec()).Sites), runs);

    private static CompressedWeight Weight(Site site, (QuantizationGrid Grid, int Rows)[] runs) =>
        new(site, new Encoding.Quantized(runs[0].Grid), [.. runs.Select((r, i) => Samples.Random(r.Grid, site.K, r.Rows, i))]);

    private static float[] Gathered(string path, SessionOptions? options, long[] rows, params long[] dims)
    {
        using InferenceSession session = options is null ? new(path) : new(path, options);
        using OrtValue indices = OrtValue.CreateTensorValueFromMemory(rows, dims);
        using IDisposableReadOnlyCollection<OrtValue> outputs = session.Run(new RunOptions(), ["i"], [indices], ["g"]);
        Assert.Equal(dims, outputs[0].GetTensorTypeAndShape().Shape[..^1]);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
