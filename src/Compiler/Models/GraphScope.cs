using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>
/// One list of nodes with its names: the main graph, a subgraph of If/Loop/Scan, or a model-local function.
/// Answers who produces and who reads a tensor, and which tensors are constants. Built once per model state; after
/// an edit of the nodes, ask the model for fresh scopes (<see cref="OnnxModel.Scopes"/>).
/// </summary>
public sealed class GraphScope
{
    private readonly Dictionary<string, NodeProto> producers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorProto> initializers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TypeProto> types = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<NodeUse>> uses = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ConstantTensor?> constants = new(StringComparer.Ordinal);
    private readonly HashSet<string> inputs = new(StringComparer.Ordinal);
    private readonly HashSet<string> outputs = new(StringComparer.Ordinal);
    private readonly HashSet<string> opaque = new(StringComparer.Ordinal);

    internal GraphScope(OnnxModel model, GraphScope? parent, string path, GraphProto? graph, FunctionProto? function)
    {
        (Model, Parent, Path, Graph, Function) = (model, parent, path, graph, function);
        foreach (NodeProto node in Nodes)
        {
            foreach (string output in node.Output.Where(o => o.Length > 0))
            {
                producers[output] = node;
            }
        }
        if (graph is null)
        {
            inputs.UnionWith(function!.Input);
            outputs.UnionWith(function.Output);
            Types(function.ValueInfo);
            return;
        }
        inputs.UnionWith(graph.Input.Select(i => i.Name));
        outputs.UnionWith(graph.Output.Select(o => o.Name));
        opaque.UnionWith(graph.SparseInitializer.Select(s => s.Values?.Name ?? ""));
        foreach (TensorProto tensor in graph.Initializer)
        {
            initializers[tensor.Name] = tensor;
        }
        Types(graph.ValueInfo);
        Types(graph.Input);
        Types(graph.Output);
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
    public IList<NodeProto> Nodes => Graph?.Node ?? Function!.Node;

    /// <summary>The node of this scope that writes the tensor; null for inputs, initializers and tensors of outer scopes.</summary>
    public NodeProto? Producer(string tensor) => producers.GetValueOrDefault(tensor);

    /// <summary>All reads of a tensor that this scope defines, in this scope and in nested ones (by capture), in stored order.</summary>
    public IReadOnlyList<NodeUse> Consumers(string tensor) => uses.TryGetValue(tensor, out List<NodeUse>? list) ? list : [];

    /// <summary>True when the tensor is an output of this scope's graph or function.</summary>
    public bool IsOutput(string tensor) => outputs.Contains(tensor);

    /// <summary>
    /// The constant behind a name, seen from this scope: an initializer, a Constant node's tensor (value, value_float(s),
    /// value_int(s)), or one of these behind any chain of Identity, Transpose, Reshape (constant shape), Cast (between
    /// float types), Squeeze, Unsqueeze. Null when it is not constant.
    /// </summary>
    public ConstantTensor? Constant(string tensor)
    {
        if (!Defines(tensor))
        {
            return Parent?.Constant(tensor);
        }
        if (!constants.TryGetValue(tensor, out ConstantTensor? constant))
        {
            // Set before resolving: a name that leads to itself is no constant.
            constants[tensor] = null;
            constants[tensor] = constant = Resolve(tensor);
        }
        return constant;
    }

    /// <summary>The static shape of a tensor where value_info, an input/output or a constant states it; −1 for unknown dimensions; null when unknown.</summary>
    public long[]? Shape(string tensor)
    {
        if (Constant(tensor) is { } constant)
        {
            return [.. constant.Shape];
        }
        TypeProto? type = Type(tensor);
        return type?.TensorType?.Shape is { } shape ? [.. shape.Dim.Select(d => d.HasDimValue ? d.DimValue : -1)] : null;
    }

    /// <summary>The element type where known (same sources as <see cref="Shape"/>).</summary>
    public TensorProto.Types.DataType? ElementType(string tensor)
    {
        if (Constant(tensor) is { } constant)
        {
            return constant.ElementType;
        }
        int type = Type(tensor)?.TensorType?.ElemType ?? 0;
        return type == 0 ? null : (TensorProto.Types.DataType)type;
    }

    internal void AddUse(string tensor, NodeUse use)
    {
        GraphScope? owner = this;
        while (owner is not null && !owner.Defines(tensor))
        {
            owner = owner.Parent;
        }
        if (owner is null)
        {
            return;
        }
        if (!owner.uses.TryGetValue(tensor, out List<NodeUse>? list))
        {
            owner.uses.Add(tensor, list = []);
        }
        list.Add(use);
    }

    private bool Defines(string tensor) =>
        producers.ContainsKey(tensor) || initializers.ContainsKey(tensor) || inputs.Contains(tensor) || opaque.Contains(tensor);

    private TypeProto? Type(string tensor) => types.GetValueOrDefault(tensor) ?? (Defines(tensor) ? null : Parent?.Type(tensor));

    private void Types(IEnumerable<ValueInfoProto> infos)
    {
        foreach (ValueInfoProto info in infos.Where(i => i.Type is not null))
        {
            types[info.Name] = info.Type;
        }
    }

    private ConstantTensor? Resolve(string name)
    {
        if (initializers.TryGetValue(name, out TensorProto? initializer))
        {
            // Before IR version 4 every initializer had to be listed as an input and was a constant all the same.
            bool overridable = inputs.Contains(name) && Model.Proto.IrVersion >= 4;
            return ConstantTensor.Stored(name, this, initializer, null, overridable);
        }
        return Producer(name) is { } node ? ConstantChain.Resolve(this, name, node) : null;
    }
}

/// <summary>One read of a tensor: input <paramref name="Index"/> of <paramref name="Node"/>, which stands in <paramref name="Scope"/>.</summary>
public sealed record NodeUse(GraphScope Scope, NodeProto Node, int Index);
