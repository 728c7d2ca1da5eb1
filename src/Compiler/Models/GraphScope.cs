using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>
/// One list of nodes with its names: the main graph, a subgraph of If/Loop/Scan, or a model-local function.
/// Answers who produces and who reads a tensor, and which tensors are constants. Built once per model state; after
/// an edit of the nodes, ask the model for fresh scopes (<see cref="OnnxModel.Scopes"/>). Safe for concurrent reading.
/// </summary>
public sealed class GraphScope
{
    internal GraphScope(OnnxModel model, GraphScope? parent, string path, GraphProto? graph, FunctionProto? function)
    {
        Model = model;
        Parent = parent;
        Path = path;
        Graph = graph;
        Function = function;
        Nodes = graph?.Node ?? function!.Node;
    }

    /// <summary>The model this scope belongs to.</summary>
    public OnnxModel Model { get; }

    /// <summary>The scope around this one, whose tensors are visible here; null for the main graph and for functions.</summary>
    public GraphScope? Parent { get; }

    /// <summary>Empty for the main graph; for others the path, for example <c>If_3/then_branch</c> or <c>domain::Function</c>.</summary>
    public string Path { get; }

    /// <summary>The graph, or null when this scope is a function.</summary>
    public GraphProto? Graph { get; }

    /// <summary>The function, or null when this scope is a graph.</summary>
    public FunctionProto? Function { get; }

    /// <summary>The nodes in stored order; the protobuf list itself.</summary>
    public IList<NodeProto> Nodes { get; }

    /// <summary>Names of the sparse initializers of this scope. They are never resolved as constants.</summary>
    public IReadOnlyList<string> SparseInitializers =>
        Graph is null ? [] : [.. Graph.SparseInitializer.Select(sparse => sparse.Values?.Name ?? "")];

    /// <summary>Inputs of the graph that have no stored value: what a caller must give.</summary>
    internal IEnumerable<string> GivenInputs =>
        Graph is null ? [] : Graph.Input.Select(i => i.Name).Except(Graph.Initializer.Select(t => t.Name));

    internal HashSet<string> Definitions { get; } = new(StringComparer.Ordinal);

    internal Dictionary<string, NodeProto> Producers { get; } = new(StringComparer.Ordinal);

    internal HashSet<string> Outputs { get; } = new(StringComparer.Ordinal);

    internal Dictionary<string, TypeProto> Types { get; } = new(StringComparer.Ordinal);

    internal Dictionary<string, List<NodeUse>> Uses { get; } = new(StringComparer.Ordinal);

    internal Dictionary<string, ConstantTensor> Constants { get; } = new(StringComparer.Ordinal);

    /// <summary>The node of this scope that writes the tensor; null for inputs, initializers and tensors of outer scopes.</summary>
    public NodeProto? Producer(string tensor) => Producers.GetValueOrDefault(tensor);

    /// <summary>The scope that defines a tensor, seen from here: this one or one around it; null when none does.</summary>
    public GraphScope? Defining(string tensor)
    {
        for (GraphScope? scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope.Definitions.Contains(tensor))
            {
                return scope;
            }
        }
        return null;
    }

    /// <summary>All reads of a tensor that this scope defines, in this scope and in nested ones (by capture), in stored order.</summary>
    public IReadOnlyList<NodeUse> Consumers(string tensor) => Uses.GetValueOrDefault(tensor) is { } uses ? uses : [];

    /// <summary>True when the tensor is an output of this scope's graph or function, or of a nested graph that hands it out by capture.</summary>
    public bool IsOutput(string tensor) => Outputs.Contains(tensor);

    /// <summary>
    /// The constant behind a name, seen from this scope: an initializer, a Constant node's tensor (value, value_float(s),
    /// value_int(s)), or one of these behind any chain of Identity, Transpose, Reshape (constant shape), Cast (between
    /// float types), Squeeze, Unsqueeze. Null when it is not constant.
    /// </summary>
    public ConstantTensor? Constant(string tensor) => Defining(tensor)?.Constants.GetValueOrDefault(tensor);

    /// <summary>The static shape of a tensor where value_info, an input/output or a constant states it; −1 for unknown dimensions; null when unknown.</summary>
    public long[]? Shape(string tensor)
    {
        if (Constant(tensor) is { } constant)
        {
            return [.. constant.Shape];
        }
        return StatedType(tensor)?.Shape is { } shape
            ?
            [
                .. shape.Dim.Select(d =>
                    d.ValueCase == TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue ? Math.Max(d.DimValue, -1) : -1
                ),
            ]
            : null;
    }

    /// <summary>The element type where known (same sources as <see cref="Shape"/>).</summary>
    public TensorProto.Types.DataType? ElementType(string tensor)
    {
        if (Constant(tensor) is { } constant)
        {
            return constant.ElementType;
        }
        return StatedType(tensor) is { HasElemType: true } type ? (TensorProto.Types.DataType)type.ElemType : null;
    }

    private TypeProto.Types.Tensor? StatedType(string tensor) => (Defining(tensor) ?? this).Types.GetValueOrDefault(tensor)?.TensorType;
}

/// <summary>One read of a tensor: input <paramref name="Index"/> of <paramref name="Node"/>, which stands in <paramref name="Scope"/>.</summary>
public sealed record NodeUse(GraphScope Scope, NodeProto Node, int Index);
