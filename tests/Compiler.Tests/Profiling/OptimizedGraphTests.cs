using Lorq.Models;
using Lorq.Onnx;
using Lorq.Profiling;
using Lorq.Tests.Rewriting;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Tests.Profiling;

/// <summary>Nodes: 0 MatMul x·Q → q; 1 MatMul x·K → k; 2 Add k + b → kb; 3 Mul q·kb → y.</summary>
public sealed class OptimizedGraphTests : WorkFolder
{
    private static readonly SmallModel Model = new SmallModel(17)
        .Input("x", DataType.Float, -1, 4)
        .Weight("Q", 4, 4)
        .Weight("K", 4, 4)
        .Weight("b", 4)
        .Node("MatMul", "x,Q", "q")
        .Node("MatMul", "x,K", "k")
        .Node("Add", "k,b", "kb")
        .Node("Mul", "q,kb", "y")
        .Output("y");

    [Fact]
    public void ANodeStandsForWhatIsBehindItsOutput() =>
        Assert.Equal(["0", "1,2", "3"], Regions("MatMul x -> q", "Gemm x -> kb", "Mul q,kb -> y"));

    [Fact]
    public void NodesWithNewTensorsBetweenThemStandForOneTogether() =>
        Assert.Equal(
            ["0", "0", "0", "0", "1,2", "3"],
            Regions(
                "MatMulNBits x -> new1",
                "MatMul x -> new2",
                "MatMul new2 -> new3",
                "Add new1,new3 -> q",
                "Gemm x -> kb",
                "Mul q,kb -> y"
            )
        );

    [Fact]
    public void ASharedProjectionJoinsItsReaders() =>
        Assert.Equal(
            ["0,1", "0,1", "0,1", "2", "3"],
            Regions("MatMul x -> new", "Op x,new -> q", "Op x,new -> k", "Add k -> kb", "Mul q,kb -> y")
        );

    [Fact]
    public void ATensorThatIsGoneIsPassedThrough() => Assert.Equal(["0,1,2,3"], Regions("Fused x -> y"));

    [Fact]
    public void WhatLeadsNowhereStandsForNothing() => Assert.Equal(["", "0,1,2,3"], Regions("Op x -> lost", "Fused x -> y"));

    [Fact]
    public void BlockedConvolutionsAreKnownByTheirNames()
    {
        GraphProto graph = Graph("Conv x -> reorder", "ReorderOutput reorder -> q", "Gemm x -> kb", "Mul q,kb -> y");
        graph.Node[0].Name = "k_nchwc";
        Assert.Equal(["1", "0", "2", "3"], Regions(graph));
    }

    private string[] Regions(params string[] nodes) => Regions(Graph(nodes));

    private string[] Regions(GraphProto graph)
    {
        using OnnxModel model = Model.Load(Folder);
        return [.. OptimizedGraph.Of(graph, new OriginalGraph(model)).Regions.Select(r => string.Join(',', r.Order()))];
    }

    private static GraphProto Graph(params string[] nodes)
    {
        var graph = new GraphProto();
        graph.Input.Add(new ValueInfoProto { Name = "x" });
        foreach (string[] words in nodes.Select(n => n.Split(' ')))
        {
            var node = new NodeProto { OpType = words[0] };
            node.Input.AddRange(words[1].Split(','));
            node.Output.Add(words[3]);
            graph.Node.Add(node);
        }
        return graph;
    }
}
