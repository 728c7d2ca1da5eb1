using System.Runtime.InteropServices;
using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Sites;
using Lorq.Specs;
using Lorq.Tests.Models;
using Lorq.Tests.Rewriting;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Sites;

/// <summary>What is no site, and whether the reason says what to do.</summary>
public sealed class SiteReasonTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string, string, string, long[], string> Single =>
        new()
        {
            { "Gemm", "W,x", "", [64, 64], "swap the operands" },
            { "MatMul", "W,x", "", [4, 64, 64], "3 dimensions on the left" },
            { "MatMul", "x,W", "", [2, 2, 64, 64], "4 dimensions" },
            { "MatMul", "x,W", "", [1024], "1 dimensions" },
            { "Gather", "W,ids", "axis=1", [64, 64], "look-up of rows" },
            { "Gather", "W,ids", "", [2, 64, 64], "look-up of rows" },
            { "Conv", "W,x", "", [4, 8, 64, 64], "input of Conv is constant" },
            { "Conv", "x,W", "group=3", [64, 8, 3, 3], "malformed" },
            { "Conv", "x,W", "group=64", [64, 1, 5, 5], "depthwise" },
            { "ConvTranspose", "x,W", "", [64, 8, 3, 3], "Resize and Conv" },
            { "LSTM", "x,W", "", [1, 64, 64], "unrolled into MatMul" },
            { "Add", "x,W", "", [64, 64], "Operand 1 of Add" },
            { "MatMul", "x,W", "", [33, 31], "Only 1023 weights" },
        };

    [Theory]
    [MemberData(nameof(Single))]
    public void Says_why(string operation, string inputs, string attribute, long[] shape, string part)
    {
        AttributeProto[] attributes =
            attribute.Length == 0 ? [] : [Fixture.Int(attribute.Split('=')[0], long.Parse(attribute.Split('=')[1]))];
        SiteTable table = Find(Start().Weight("W", shape).Node(operation, inputs, "y", attributes).Output("y"));
        Assert.Empty(table.Sites);
        LeftAlone alone = Assert.Single(table.LeftAlone);
        Assert.Equal(("W", operation + "_0"), (alone.Name, alone.Node));
        Assert.Equal(shape, alone.Shape);
        Assert.Equal(4 * shape.Aggregate(1L, (a, b) => a * b), alone.Bytes);
        Assert.Contains(part, alone.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_smallest_site_has_1024_weights() =>
        Assert.Single(Find(Start().Weight("W", 32, 32).Node("MatMul", "x,W", "y").Output("y")).Sites);

    [Fact]
    public void Double_precision_sparse_and_output_weights_are_left_alone()
    {
        SmallModel model = Start()
            .Node("MatMul", "x,wide", "a")
            .Node("MatMul", "x,shown", "b")
            .Node("MatMul", "x,W", "c")
            .Weight("W", 64, 64);
        double[] wide = [.. Fixture.Values(64 * 64).Select(v => (double)v)];
        model.Proto.Graph.Initializer.Add(Fixture.Raw("wide", DataType.Double, [64, 64], MemoryMarshal.AsBytes<double>(wide)));
        model.Weight("shown", 64, 64).Output("a").Output("b").Output("c").Output("shown");
        model.Proto.Graph.SparseInitializer.Add(
            new SparseTensorProto
            {
                Values = Fixture.Floats("sparse", [2], 1, 2),
                Indices = Fixture.Longs("", 5, 9),
                Dims = { 64, 64 },
            }
        );
        SiteTable table = Find(model);
        Assert.Equal("W", Assert.Single(table.Sites).Name);
        Assert.Contains("fp64", Reason(table, "wide"), StringComparison.Ordinal);
        Assert.Contains("output of the graph", Reason(table, "shown"), StringComparison.Ordinal);
        Assert.Contains("sparse initializer", Reason(table, "sparse"), StringComparison.Ordinal);
    }

    [Fact]
    public void Biases_and_operators_of_other_domains_are_left_alone()
    {
        SmallModel model = Start()
            .Weight("W", 64, 64)
            .Weight("bias", 64)
            .Weight("foreign", 64, 64)
            .Node("Gemm", "x,W,bias", "a")
            .Node("MatMul", "x,foreign", "b")
            .Output("a")
            .Output("b");
        model.Proto.Graph.Node[1].Domain = "com.example";
        SiteTable table = Find(model);
        Assert.Equal("W", Assert.Single(table.Sites).Name);
        Assert.Contains("bias of Gemm", Reason(table, "bias"), StringComparison.Ordinal);
        Assert.Contains("com.example::MatMul", Reason(table, "foreign"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_square_weight_read_both_ways_round_is_not_one_matrix()
    {
        SiteTable table = Find(
            Start()
                .Weight("W", 64, 64)
                .Node("MatMul", "x,W", "a")
                .Node("Gemm", "x,W", "b", Fixture.Int("transB", 1))
                .Output("a")
                .Output("b")
        );
        Assert.Empty(table.Sites);
        Assert.Contains("different matrices", Reason(table, "W"), StringComparison.Ordinal);
        // The table itself (not transposed) as a projection: the same trap.
        table = Find(Start().Weight("W", 64, 64).Node("Gather", "W,ids", "a").Node("MatMul", "a,W", "b").Output("b"));
        Assert.Empty(table.Sites);
        Assert.Contains("different matrices", Reason(table, "W"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_product_of_constants_is_left_alone()
    {
        SiteTable table = Find(
            Start()
                .Weight("A", 64, 64)
                .Weight("B", 64, 64)
                .Weight("table", 64, 64)
                .Int64s("rows", 1, 2)
                .Node("MatMul", "A,B", "W")
                .Node("MatMul", "x,W", "y")
                .Node("Gather", "table,rows", "p")
                .Output("y")
                .Output("p")
        );
        Assert.Equal("table", Assert.Single(table.Sites).Name);
        Assert.Contains("Both operands of MatMul are constant", Reason(table, "A"), StringComparison.Ordinal);
        Assert.Contains("Both operands of MatMul are constant", Reason(table, "B"), StringComparison.Ordinal);
    }

    [Fact]
    public void One_unsuitable_reader_is_enough()
    {
        SiteTable table = Find(Start().Weight("W", 64, 64).Node("MatMul", "x,W", "a").Node("Add", "a,W", "b").Output("b"));
        Assert.Empty(table.Sites);
        Assert.Contains("Operand 1 of Add", Reason(table, "W"), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_readers_in_the_same_view_are_one_site()
    {
        Site site = Assert.Single(
            Find(
                Start()
                    .Weight("W", 64, 64)
                    .Node("Transpose", "W", "T", Fixture.Ints("perm", 1, 0))
                    .Node("MatMul", "x,W", "a")
                    .Node("Gemm", "a,T", "b", Fixture.Int("transB", 1))
                    .Output("b")
            ).Sites
        );
        Assert.Equal(["x", "a"], site.Uses.Select(u => u.InputTensor));
        Assert.Equal([WeightLayout.KByN, WeightLayout.NByK], site.Uses.Select(u => u.Layout));
    }

    [Theory]
    [InlineData("second", null)]
    [InlineData("MatMul_1", null)]
    [InlineData("*_1", null)]
    [InlineData(null, "sec*d")]
    [InlineData(null, "MatMul_?")]
    public void Patterns_name_weights_and_nodes(string? exclude, string? keep)
    {
        var spec = new CompressionSpec
        {
            Exclude = exclude is null ? [] : [exclude],
            Overrides = keep is null ? [] : [new SiteOverride { Match = keep, Keep = true }],
        };
        SmallModel model = Start()
            .Weight("first", 64, 64)
            .Weight("second", 64, 64)
            .Node("MatMul", "x,first", "a")
            .Node("MatMul", "a,second", "b");
        model.Proto.Graph.Node[0].Name = "begin";
        SiteTable table = Find(model.Output("b"), spec);
        Assert.Equal("first", Assert.Single(table.Sites).Name);
        Assert.Contains("Excluded", Reason(table, "second"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_pattern_that_names_nothing_is_an_error(bool isExclusion)
    {
        var spec = isExclusion
            ? new CompressionSpec { Exclude = ["W", "layer.*"] }
            : new CompressionSpec { Overrides = [new SiteOverride { Match = "layer.*", Bits = [4] }] };
        var e = Assert.Throws<LorqException>(() => Find(Start().Weight("W", 64, 64).Node("MatMul", "x,W", "y").Output("y"), spec));
        Assert.Equal("LORQ0301", e.Diagnostic.Id);
        Assert.Contains("'layer.*'", e.Message, StringComparison.Ordinal);
    }

    private static SmallModel Start() => new SmallModel(13).Input("x", DataType.Float, -1, 64).Input("ids", DataType.Int64, -1);

    private SiteTable Find(SmallModel model, CompressionSpec? spec = null)
    {
        using OnnxModel loaded = model.Load(folder.Path);
        return SiteFinder.Find(loaded, spec ?? new CompressionSpec());
    }

    private static string Reason(SiteTable table, string name) => Assert.Single(table.LeftAlone, a => a.Name == name).Reason;
}
