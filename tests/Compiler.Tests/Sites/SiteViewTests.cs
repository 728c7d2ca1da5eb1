using System.Runtime.InteropServices;
using Lorq.Calibration;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Sites;
using Lorq.Specs;
using Lorq.Tests.Models;
using Lorq.Tests.Rewriting;
using Microsoft.ML.OnnxRuntime;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Sites;

/// <summary>y = xW with W the K×N view, for what ONNX Runtime computes: the contract of every room that follows.</summary>
public sealed class SiteViewTests : IDisposable
{
    private const int Rows = 5;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string, string, long[], long[], string> Products =>
        new()
        {
            { "MatMul", "x,W", [Rows, 32], [32, 48], "" },
            { "MatMul", "W,x", [32, Rows], [48, 32], "transposed" },
            { "Gemm", "x,W", [Rows, 32], [32, 48], "" },
            { "Gemm", "x,W", [Rows, 32], [48, 32], "transB" },
            { "Gemm", "x,W", [32, Rows], [32, 48], "transA" },
            { "Gemm", "x,W", [32, Rows], [48, 32], "transA transB" },
        };

    [Theory]
    [MemberData(nameof(Products))]
    public void A_product_is_rows_times_the_view(string operation, string inputs, long[] x, long[] weight, string how)
    {
        var attributes = how.Split(' ')
            .Where(a => a.StartsWith("trans", StringComparison.Ordinal) && a.Length == 6)
            .Select(a => Fixture.Int(a, 1));
        using OnnxModel model = new SmallModel(13)
            .Input("x", DataType.Float, x)
            .Weight("W", weight)
            .Node(operation, inputs, "y", [.. attributes])
            .Output("y")
            .Load(folder.Path);
        Site site = Only(model);
        float[] values = Fixture.Values((int)(x[0] * x[1]), 5);
        float[] y = Run(model, x, values);
        bool isTransposed = how.Contains("transA", StringComparison.Ordinal) || site.Uses[0].WeightOnLeft;
        float[] rows = isTransposed ? Transposed(values, 32, Rows) : values;
        float[] expected = Multiply(rows, site.ReadWeight(), Rows, site.K, site.N);
        // W'·x has the rows' outputs as its columns.
        Close(site.Uses[0].WeightOnLeft ? Transposed(expected, Rows, site.N) : expected, y);
    }

    [Fact]
    public void Scaled_Gemm_has_the_same_view()
    {
        using OnnxModel model = new SmallModel(13)
            .Input("x", DataType.Float, Rows, 32)
            .Weight("W", 48, 32)
            .Weight("b", 48)
            .Node("Gemm", "x,W,b", "y", Fixture.Int("transB", 1), Real("alpha", 0.5f), Real("beta", 2f))
            .Output("y")
            .Load(folder.Path);
        Site site = Only(model);
        float[] bias = model.ReadFloats(model.Proto.Graph.Initializer.Single(i => i.Name == "b"));
        float[] values = Fixture.Values(Rows * 32, 5);
        float[] product = Multiply(values, site.ReadWeight(), Rows, 32, 48);
        Close([.. product.Select((p, i) => 0.5f * p + 2f * bias[i % 48])], Run(model, [Rows, 32], values));
    }

    [Fact]
    public void Experts_are_runs_of_columns()
    {
        using OnnxModel model = new SmallModel(13)
            .Input("x", DataType.Float, 4, Rows, 32)
            .Weight("W", 4, 32, 24)
            .Node("MatMul", "x,W", "y")
            .Output("y")
            .Load(folder.Path);
        Site site = Only(model);
        Assert.Equal((SiteKind.Experts, 32, 96, 4), (site.Kind, site.K, site.N, site.Groups));
        float[] values = Fixture.Values(4 * Rows * 32, 5);
        float[] view = site.ReadWeight();
        float[] expected =
        [
            .. Enumerable
                .Range(0, 4)
                .SelectMany(e => Multiply(values[(e * Rows * 32)..((e + 1) * Rows * 32)], Columns(view, 32, 96, e * 24, 24), Rows, 32, 24)),
        ];
        Close(expected, Run(model, [4, Rows, 32], values));
    }

    [Fact]
    public void A_tied_table_is_looked_up_by_columns_and_projects_by_rows()
    {
        using OnnxModel model = new SmallModel(13)
            .Input("x", DataType.Float, Rows, 32)
            .Int64s("ids", 7, 0, 99, 7, -1)
            .Weight("W", 100, 32)
            .Node("Gather", "W,ids", "rows")
            .Node("Transpose", "W", "T", Fixture.Ints("perm", 1, 0))
            .Node("Add", "x,rows", "h")
            .Node("MatMul", "h,T", "y")
            .Output("y")
            .Load(folder.Path);
        Site site = Only(model);
        Assert.Equal([SiteKind.Gather, SiteKind.MatMul], site.Uses.Select(u => u.Kind));
        float[] view = site.ReadWeight();
        float[] values = Fixture.Values(Rows * 32, 5);
        int[] ids = [7, 0, 99, 7, 99];
        float[] h = [.. values.Select((v, i) => v + view[i % 32 * 100 + ids[i / 32]])];
        Close(Multiply(h, view, Rows, 32, 100), Run(model, [Rows, 32], values));
    }

    /// <summary>A convolution at one position: the whole patch, in the filter's order, times the columns of its group.</summary>
    [Theory]
    [InlineData(32, 32, 1, 1, 1)]
    [InlineData(48, 16, 3, 3, 1)]
    [InlineData(24, 32, 3, 5, 4)]
    [InlineData(64, 8, 1, 7, 2)]
    public void A_convolution_is_patches_times_the_view(int filters, int channels, int height, int width, int groups)
    {
        using OnnxModel model = new SmallModel(13)
            .Input("x", DataType.Float, 2, channels, height, width)
            .Weight("W", filters, channels / groups, height, width)
            .Node("Conv", "x,W", "y", Fixture.Int("group", groups))
            .Output("y")
            .Load(folder.Path);
        Site site = Only(model);
        Assert.Equal((SiteKind.Conv, channels / groups * height * width, filters, groups), (site.Kind, site.K, site.N, site.Groups));
        float[] values = Fixture.Values(2 * channels * height * width, 5);
        float[] y = Run(model, [2, channels, height, width], values);
        float[] view = site.ReadWeight();
        int perGroup = filters / groups;
        for (int g = 0; g < groups; g++)
        {
            // The image has the kernel's size, so the patches of a group are its channels as they lie.
            float[] patches = [.. values.Chunk(channels * height * width).SelectMany(v => v.Skip(g * site.K).Take(site.K))];
            float[] part = Multiply(patches, Columns(view, site.K, site.N, g * perGroup, perGroup), 2, site.K, perGroup);
            Close(part, Columns(y, 2, filters, g * perGroup, perGroup));
        }
    }

    [Fact]
    public void A_weight_behind_folded_operators_is_seen_as_its_node_sees_it()
    {
        using OnnxModel model = new SmallModel(13)
            .Input("x", DataType.Float, Rows, 32)
            .HalfWeight("W", 6, 8, 32)
            .Int64s("shape", 48, 32)
            .Node("Cast", "W", "floats", Fixture.Int("to", (long)DataType.Float))
            .Node("Reshape", "floats,shape", "matrix")
            .Node("Transpose", "matrix", "T", Fixture.Ints("perm", 1, 0))
            .Node("Identity", "T", "same")
            .Node("MatMul", "x,same", "y")
            .Output("y")
            .Load(folder.Path);
        Site site = Only(model);
        Assert.Equal(("W", 32, 48), (site.Name, site.K, site.N));
        Assert.Equal(2 * 32 * 48, site.StoredBytes);
        float[] values = Fixture.Values(Rows * 32, 5);
        Close(Multiply(values, site.ReadWeight(), Rows, 32, 48), Run(model, [Rows, 32], values));
    }

    private static Site Only(OnnxModel model) => Assert.Single(SiteFinder.Find(model, new CompressionSpec()).Sites);

    private static float[] Run(OnnxModel model, long[] shape, float[] x)
    {
        using var runner = new ModelRunner(model.Path);
        var tensor = new DataTensor(DataType.Float, shape, MemoryMarshal.AsBytes<float>(x).ToArray());
        using IDisposableReadOnlyCollection<OrtValue> outputs = runner.Run(new Dictionary<string, DataTensor> { ["x"] = tensor });
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }

    private static float[] Multiply(float[] x, float[] w, int rows, int k, int n)
    {
        var y = new float[rows * n];
        for (int i = 0; i < y.Length; i++)
        {
            double sum = 0;
            for (int j = 0; j < k; j++)
            {
                sum += (double)x[i / n * k + j] * w[j * n + i % n];
            }
            y[i] = (float)sum;
        }
        return y;
    }

    private static float[] Transposed(float[] x, int rows, int columns) =>
        [.. Enumerable.Range(0, x.Length).Select(i => x[i % rows * columns + i / rows])];

    private static float[] Columns(float[] x, int rows, int columns, int first, int count) =>
        [.. Enumerable.Range(0, rows * count).Select(i => x[i / count * columns + first + i % count])];

    private static void Close(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 2e-4f);
        }
    }

    private static AttributeProto Real(string name, float value) =>
        new()
        {
            Name = name,
            Type = AttributeProto.Types.AttributeType.Float,
            F = value,
        };
}
