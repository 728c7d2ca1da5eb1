using Lorq.Diagnostics;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Sites;
using Lorq.Specs;
using Lorq.Tests.Models;
using Lorq.Tests.Rewriting;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Sites;

public sealed class SiteFinderTests
{
    [Fact]
    public void Each_operator_gives_its_view()
    {
        using var folder = new TemporaryFolder();
        var model = new SmallModel(17)
            .Input("x", DataType.Float, -1, 32)
            .Input("image", DataType.Float, 1, 8, 9, 9)
            .Input("ids", DataType.Int64, -1)
            .Weight("right", 32, 64)
            .Weight("left", 48, 32)
            .Weight("gemm", 32, 40)
            .Weight("gemmT", 40, 32)
            .Weight("experts", 4, 32, 16)
            .Weight("filter", 32, 4, 3, 3)
            .Weight("table", 100, 32)
            .Node("MatMul", "x,right", "a")
            .Node("Transpose", "x", "xt")
            .Node("MatMul", "left,xt", "b")
            .Node("Gemm", "x,gemm", "c")
            .Node("Gemm", "x,gemmT", "d", Fixture.Int("transB", 1))
            .Node("MatMul", "x,experts", "e")
            .Node("Conv", "image,filter", "f", Fixture.Int("group", 2))
            .Node("Gather", "table,ids", "g");
        foreach (string output in "abcdefg".Select(c => c.ToString()))
        {
            model.Output(output);
        }
        using OnnxModel loaded = model.Load(folder.Path);
        SiteTable table = SiteFinder.Find(loaded, new CompressionSpec());
        Assert.Empty(table.LeftAlone);
        var sites = table.Sites.ToDictionary(s => s.Name);
        Assert.Equal((SiteKind.MatMul, 32, 64, 1), Shape("right"));
        Assert.Equal((SiteKind.MatMul, 32, 48, 1), Shape("left"));
        Assert.True(sites["left"].Uses[0].WeightOnLeft);
        Assert.Equal((SiteKind.Gemm, 32, 40, 1), Shape("gemm"));
        Assert.Equal((SiteKind.Gemm, 32, 40, 1), Shape("gemmT"));
        Assert.Equal((SiteKind.Experts, 32, 64, 4), Shape("experts"));
        Assert.Equal((SiteKind.Conv, 36, 32, 2), Shape("filter"));
        Assert.Equal((SiteKind.Gather, 32, 100, 1), Shape("table"));
        // The view puts the contraction axis first: element (k, n) of each, straight from the stored tensor.
        float[] stored = loaded.ReadFloats(loaded.Proto.Graph.Initializer.Single(i => i.Name == "experts"));
        Assert.Equal(stored[((2 * 32) + 5) * 16 + 7], sites["experts"].ReadWeight()[(5 * 64) + (2 * 16) + 7]);
        stored = loaded.ReadFloats(loaded.Proto.Graph.Initializer.Single(i => i.Name == "filter"));
        Assert.Equal(stored[(11 * 36) + 17], sites["filter"].ReadWeight()[(17 * 32) + 11]);
        foreach (Site site in table.Sites)
        {
            float[] view = site.ReadWeight();
            Assert.Equal(site.Weight.ReadFloats(), Site.FromView(view, site.K, site.N, site.Groups, site.Layout));
        }

        (SiteKind, int, int, int) Shape(string name) => (sites[name].Kind, sites[name].K, sites[name].N, sites[name].Groups);
    }

    [Fact]
    public void A_table_that_is_also_the_output_projection_is_one_site()
    {
        using var folder = new TemporaryFolder();
        using OnnxModel model = new SmallModel(17)
            .Input("ids", DataType.Int64, -1)
            .Weight("table", 100, 32)
            .Node("Gather", "table,ids", "h")
            .Node("Transpose", "table", "tableT")
            .Node("MatMul", "h,tableT", "y")
            .Output("y")
            .Load(folder.Path);
        Site site = Assert.Single(SiteFinder.Find(model, new CompressionSpec()).Sites);
        Assert.Equal([SiteKind.Gather, SiteKind.MatMul], site.Uses.Select(u => u.Kind));
        Assert.Equal((32, 100), (site.K, site.N));
    }

    [Fact]
    public void What_is_left_alone_has_a_reason()
    {
        using var folder = new TemporaryFolder();
        var model = new SmallModel(17)
            .Input("x", DataType.Float, -1, 64)
            .Input("image", DataType.Float, 1, 128, 5, 5)
            .Weight("open", 64, 64)
            .Weight("depthwise", 128, 1, 3, 3)
            .Weight("small", 64, 8)
            .Weight("bias", 64)
            .Weight("excluded", 64, 64)
            .Node("MatMul", "x,open", "a")
            .Node("Conv", "image,depthwise", "b", Fixture.Int("group", 128))
            .Node("MatMul", "x,small", "c")
            .Node("Add", "a,bias", "d")
            .Node("MatMul", "x,excluded", "e")
            .Output("b")
            .Output("c")
            .Output("d")
            .Output("e");
        model.Input("open", DataType.Float, 64, 64);
        using OnnxModel loaded = model.Load(folder.Path);
        SiteTable table = SiteFinder.Find(loaded, new CompressionSpec { Exclude = ["exc*"] });
        Assert.Empty(table.Sites);
        var reasons = table.LeftAlone.ToDictionary(a => a.Name, a => a.Reason);
        Assert.Contains("also a graph input", reasons["open"]);
        Assert.Contains("depthwise", reasons["depthwise"]);
        Assert.Contains("512 weights", reasons["small"]);
        Assert.Contains("Add", reasons["bias"]);
        Assert.Contains("Excluded", reasons["excluded"]);
        var e = Assert.Throws<LorqException>(() => SiteFinder.Find(loaded, new CompressionSpec { Exclude = ["nothing*"] }));
        Assert.Equal("LORQ0301", e.Diagnostic.Id);
    }

    [Fact]
    public void A_weight_read_inside_a_subgraph_is_left_alone()
    {
        using var folder = new TemporaryFolder();
        GraphProto Branch(string node) =>
            new()
            {
                Name = node,
                Node = { Fixture.Node(node, node == "MatMul" ? ["x", "w"] : ["x"], ["out"]) },
                Output = { new ValueInfoProto { Name = "out" } },
            };
        SmallModel model = new SmallModel(17).Input("x", DataType.Float, 64, 64).Input("which", DataType.Bool).Weight("w", 64, 64);
        model
            .Node("If", "which", "y", Fixture.Graph("then_branch", Branch("MatMul")), Fixture.Graph("else_branch", Branch("Identity")))
            .Output("y");
        using OnnxModel loaded = model.Load(folder.Path);
        SiteTable table = SiteFinder.Find(loaded, new CompressionSpec());
        Assert.Empty(table.Sites);
        Assert.Contains("then_branch", Assert.Single(table.LeftAlone).Reason);
    }
}
