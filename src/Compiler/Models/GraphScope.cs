using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>
/// One list of nodes with its names: the main graph, a subgraph of If/Loop/Scan, or a model-local function.
/// Answers who produces and who reads a tensor, and which tensors are constants. Built once per model state; after
/// an edit of the nodes, ask the model for fresh scopes (<see cref="OnnxModel.Scopes"/>).
/// </summary>
public sealed class GraphScope
{
    /// <summary>The model this scope belongs to.</summary>
    public OnnxModel Model => throw new NotImplementedException();

    /// <summary>The scope around this one, whose tensors are visible here; null for the main graph and for functions.</summary>
    public GraphScope? Parent => throw new NotImplementedException();

    /// <summary>Empty for the main graph; for others the path, for example <c>If_3/then_branch</c> or <c>domain::Function</c>.</summary>
    public string Path => throw new NotImplementedException();

    /// <summary>The graph, or null when this scope is a function.</summary>
    public GraphProto? Graph => throw new NotImplementedException();

    /// <summary>The function, or null when this scope is a graph.</summary>
    public FunctionProto? Function => throw new NotImplementedException();

    /// <summary>The nodes in stored order; the protobuf list itself.</summary>
    public IList<NodeProto> Nodes => throw new NotImplementedException();

    /// <summary>The node of this scope that writes the tensor; null for inputs, initializers and tensors of outer scopes.</summary>
    public NodeProto? Producer(string tensor) => throw new NotImplementedException();

    /// <summary>All reads of a tensor that this scope defines, in this scope and in nested ones (by capture), in stored order.</summary>
    public IReadOnlyList<NodeUse> Consumers(string tensor) => throw new NotImplementedException();

    /// <summary>True when the tensor is an output of this scope's graph or function.</summary>
    public bool IsOutput(string tensor) => throw new NotImplementedException();

    /// <summary>
    /// The constant behind a name, seen from this scope: an initializer, a Constant node's tensor (value, value_float(s),
    /// value_int(s)), or one of these behind any chain of Identity, Transpose, Reshape (constant shape), Cast (between
    /// float types), Squeeze, Unsqueeze. Null when it is not constant.
    /// </summary>
    public ConstantTensor? Constant(string tensor) => throw new NotImplementedException();

    /// <summary>The static shape of a tensor where value_info, an input/output or a constant states it; −1 for unknown dimensions; null when unknown.</summary>
    public long[]? Shape(string tensor) => throw new NotImplementedException();

    /// <summary>The element type where known (same sources as <see cref="Shape"/>).</summary>
    public TensorProto.Types.DataType? ElementType(string tensor) => throw new NotImplementedException();
}

/// <summary>One read of a tensor: input <paramref name="Index"/> of <paramref name="Node"/>, which stands in <paramref name="Scope"/>.</summary>
public sealed record NodeUse(GraphScope Scope, NodeProto Node, int Index);
