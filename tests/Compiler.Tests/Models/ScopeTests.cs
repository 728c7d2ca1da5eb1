using Lorq.Models;
using Lorq.Onnx;
using static Lorq.Onnx.TensorProto.Types;

namespace Lorq.Tests.Models;

/// <summary>Who writes and who reads a tensor, across nested graphs and functions; shapes and types; what a caller may override.</summary>
public sealed class ScopeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void NestedGraphsAndFunctionsAreScopes()
    {
        using OnnxModel model = folder.Load(Nested());
        Assert.Equal(
            ["", "choose/then_branch", "choose/then_branch/If_1/then_branch", "choose/else_branch", "local::Double"],
            model.Scopes.Select(s => s.Path)
        );
        GraphScope main = model.Scopes[0];
        GraphScope then = model.Scopes[1];
        GraphScope inner = model.Scopes[2];
        GraphScope function = model.Scopes[4];
        Assert.Same(main, then.Parent);
        Assert.Same(then, inner.Parent);
        Assert.Null(function.Parent);
        Assert.Null(function.Graph);
        Assert.Same(model.Proto.Functions[0].Node, function.Nodes);
        Assert.Same(model.Proto.Graph.Node, main.Nodes);
    }

    [Fact]
    public void CapturesAreReadsOfTheOuterTensor()
    {
        using OnnxModel model = folder.Load(Nested());
        GraphScope main = model.Scopes[0];
        GraphScope then = model.Scopes[1];
        GraphScope inner = model.Scopes[2];
        IReadOnlyList<NodeUse> uses = main.Consumers("W");
        Assert.Equal(
            ["", "choose/then_branch", "choose/then_branch/If_1/then_branch", "choose/else_branch"],
            uses.Select(u => u.Scope.Path)
        );
        Assert.Equal([1, 1, 1, 0], uses.Select(u => u.Index));
        Assert.Equal("Gather", uses[3].Node.OpType);
        Assert.Empty(inner.Consumers("W"));
        // "y" of the main graph is hidden by the else branch's own "y".
        Assert.Equal(["MatMul"], main.Consumers("y").Select(u => u.Node.OpType));
        Assert.Equal(["Neg"], model.Scopes[3].Consumers("y").Select(u => u.Node.OpType));
        // The innermost graph hands out a tensor of the branch around it.
        Assert.True(then.IsOutput("t"));
        Assert.True(then.IsOutput("handed out"));
        Assert.False(main.IsOutput("y"));
        Assert.True(main.IsOutput("z"));
        Assert.Same(then.Nodes[0], then.Producer("handed out"));
        Assert.Null(inner.Producer("handed out"));
        Assert.Same(then, inner.Defining("handed out"));
        Assert.Same(main, inner.Constant("W")!.OriginScope);
        Assert.Null(inner.Defining("nowhere"));
    }

    [Fact]
    public void FunctionsSeeOnlyTheirOwn()
    {
        using OnnxModel model = folder.Load(Nested());
        GraphScope function = model.Scopes[4];
        Assert.Null(function.Constant("W"));
        Assert.Equal([2f], function.Constant("two")!.ReadFloats());
        Assert.Null(function.Constant("by reference"));
        Assert.True(function.IsOutput("doubled"));
        Assert.Equal(["Mul"], function.Consumers("two").Select(u => u.Node.OpType));
    }

    [Fact]
    public void ShapesAndTypesComeFromWhatTheModelStates()
    {
        ModelProto proto = Fixture.Linear();
        proto.Graph.ValueInfo.Add(Fixture.Info("xW", DataType.Float, -1, 16));
        proto.Graph.ValueInfo.Add(new ValueInfoProto { Name = "untyped" });
        proto.Graph.Node.Add(Fixture.Node("Identity", ["y"], ["untyped"]));
        using OnnxModel model = folder.Load(proto);
        GraphScope scope = model.Scopes[0];
        Assert.Equal([-1, 24], scope.Shape("x")!);
        Assert.Equal([-1, 16], scope.Shape("xW")!);
        Assert.Equal([-1, 16], scope.Shape("y")!);
        Assert.Equal([24, 16], scope.Shape("W")!);
        Assert.Null(scope.Shape("untyped"));
        Assert.Null(scope.Shape("nowhere"));
        Assert.Equal(DataType.Float, scope.ElementType("x"));
        Assert.Equal(DataType.Float, scope.ElementType("W"));
        Assert.Null(scope.ElementType("untyped"));
    }

    [Theory]
    [InlineData(8, true)]
    [InlineData(4, true)]
    [InlineData(3, false)]
    public void InitializersThatAreInputsAreOverridableSinceIrVersion4(long irVersion, bool overridable)
    {
        ModelProto proto = Fixture.Linear();
        proto.IrVersion = irVersion;
        proto.Graph.Input.Add(Fixture.Info("W", DataType.Float, 24, 16));
        proto.Graph.Node.Add(Fixture.Node("Transpose", ["W"], ["Wt"]));
        using OnnxModel model = folder.Load(proto);
        Assert.Equal(overridable, model.Scopes[0].Constant("W")!.IsOverridable);
        Assert.Equal(overridable, model.Scopes[0].Constant("Wt")!.IsOverridable);
        Assert.False(model.Scopes[0].Constant("b")!.IsOverridable);
        Assert.Null(model.Scopes[0].Constant("x"));
    }

    [Fact]
    public void SparseInitializersAreListedAndNotResolved()
    {
        ModelProto proto = Fixture.Linear();
        proto.Graph.SparseInitializer.Add(
            new SparseTensorProto
            {
                Values = Fixture.Floats("S", [2], 1, 2),
                Indices = Fixture.Longs("", 0, 5),
                Dims = { 9 },
            }
        );
        proto.Graph.Node.Add(Fixture.Node("Identity", ["S"], ["S2"]));
        using OnnxModel model = folder.Load(proto);
        Assert.Equal(["S"], model.Scopes[0].SparseInitializers);
        Assert.Null(model.Scopes[0].Constant("S"));
        Assert.Null(model.Scopes[0].Constant("S2"));
        Assert.Single(model.Scopes[0].Consumers("S"));
    }

    [Fact]
    public void EditsShowAfterInvalidate()
    {
        using OnnxModel model = folder.Load(Fixture.Linear());
        IReadOnlyList<GraphScope> before = model.Scopes;
        model.Proto.Graph.Node.Add(Fixture.Node("Relu", ["y"], ["r"]));
        Assert.Same(before, model.Scopes);
        Assert.Empty(model.Scopes[0].Consumers("y"));
        model.Invalidate();
        Assert.Single(model.Scopes[0].Consumers("y"));
    }

    [Fact]
    public void OpsetsAreFoundUnderBothNamesOfTheDefaultDomain()
    {
        ModelProto proto = Fixture.Linear();
        proto.OpsetImport[0].Domain = "ai.onnx";
        proto.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
        using OnnxModel model = folder.Load(proto);
        Assert.Equal(17, model.Opset());
        Assert.Equal(17, model.Opset("ai.onnx"));
        Assert.Equal(1, model.Opset("com.microsoft"));
        Assert.Equal(0, model.Opset("other"));
    }

    [Fact]
    public void AHundredThousandIdentitiesAreNoProblem()
    {
        ModelProto proto = Fixture.Linear();
        const int Length = 100_000;
        for (int i = 0; i < Length; i++)
        {
            proto.Graph.Node.Add(Fixture.Node("Identity", [i == 0 ? "b" : $"i{i - 1}"], [$"i{i}"]));
        }
        using OnnxModel model = folder.Load(proto);
        ConstantTensor constant = model.Scopes[0].Constant($"i{Length - 1}")!;
        Assert.Equal("b", constant.OriginName);
        Assert.Equal(Length, constant.Chain.Count);
        Assert.Equal(Fixture.Values(16, 2), constant.ReadFloats());
    }

    /// <summary>An If with a nested If and captures on every level, and a function.</summary>
    private static ModelProto Nested()
    {
        var inner = new GraphProto
        {
            Name = "inner",
            Node = { Fixture.Node("MatMul", ["x", "W"], ["i"]) },
            Output = { Fixture.Info("i", DataType.Float, -1, 16), Fixture.Info("handed out", DataType.Float, -1, 16) },
        };
        var then = new GraphProto
        {
            Name = "then",
            Node =
            {
                Fixture.Node("MatMul", ["x", "W"], ["handed out"]),
                Fixture.Node("If", ["c"], ["t", "t2"], Fixture.Graph("then_branch", inner)),
            },
            Output = { Fixture.Info("t", DataType.Float, -1, 16) },
        };
        var otherwise = new GraphProto
        {
            Name = "else",
            Node = { Fixture.Node("Gather", ["W", "c"], ["y"]), Fixture.Node("Neg", ["y"], ["e"]) },
            Output = { Fixture.Info("e", DataType.Float, -1, 16) },
        };
        NodeProto choose = Fixture.Node("If", ["c"], ["z"], Fixture.Graph("then_branch", then), Fixture.Graph("else_branch", otherwise));
        choose.Name = "choose";
        NodeProto reference = Fixture.Node("Constant", [], ["by reference"], new AttributeProto { Name = "value", RefAttrName = "given" });
        ModelProto proto = Fixture.Linear();
        proto.Graph.Output.Clear();
        proto.Graph.Output.Add(Fixture.Info("z", DataType.Float, -1, 16));
        proto.Graph.Input.Add(Fixture.Info("c", DataType.Bool, 1));
        proto.Graph.Node.Add([choose, Fixture.Node("MatMul", ["y", "z"], ["last"])]);
        proto.Functions.Add(
            new FunctionProto
            {
                Domain = "local",
                Name = "Double",
                Input = { "a" },
                Output = { "doubled" },
                Attribute = { "given" },
                OpsetImport = { new OperatorSetIdProto { Version = 17 } },
                Node =
                {
                    Fixture.Node(
                        "Constant",
                        [],
                        ["two"],
                        new AttributeProto
                        {
                            Name = "value_float",
                            F = 2,
                            Type = AttributeProto.Types.AttributeType.Float,
                        }
                    ),
                    reference,
                    Fixture.Node("Mul", ["a", "two"], ["doubled"]),
                },
            }
        );
        return proto;
    }
}
