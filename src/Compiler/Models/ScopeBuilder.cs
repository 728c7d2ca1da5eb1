using Lorq.Diagnostics;
using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>
/// Builds the scopes of a model: definitions first, then reads, each registered at the scope that defines the tensor;
/// then an order of evaluation per scope, in which constants are resolved.
/// </summary>
internal sealed class ScopeBuilder(OnnxModel model)
{
    private readonly List<GraphScope> scopes = [];
    private readonly Dictionary<GraphScope, Reads> reads = [];

    /// <summary>Builds all scopes.</summary>
    /// <exception cref="LorqException">A name is defined twice in a scope, or a scope is cyclic.</exception>
    public IReadOnlyList<GraphScope> Build()
    {
        if (model.Proto.Graph is not null)
        {
            Add(new GraphScope(model, null, "", model.Proto.Graph, null));
        }
        foreach (FunctionProto function in model.Proto.Functions)
        {
            string overload = function.Overload.Length == 0 ? "" : ":" + function.Overload;
            Add(new GraphScope(model, null, $"{function.Domain}::{function.Name}{overload}", null, function));
        }
        foreach (GraphScope scope in scopes)
        {
            // Parents stand before their children, so a captured constant is already there.
            new ConstantResolver(scope).Resolve(NodeOrder.Topological(scope, reads[scope].Edges));
        }
        return scopes;
    }

    private void Add(GraphScope scope)
    {
        scopes.Add(scope);
        var own = new Reads();
        reads.Add(scope, own);
        Define(scope);
        for (int i = 0; i < scope.Nodes.Count; i++)
        {
            own.Node = i;
            NodeProto node = scope.Nodes[i];
            for (int k = 0; k < node.Input.Count; k++)
            {
                if (node.Input[k].Length > 0)
                {
                    GraphScope definer = Read(scope, node.Input[k]);
                    if (!definer.Uses.TryGetValue(node.Input[k], out List<NodeUse>? uses))
                    {
                        definer.Uses.Add(node.Input[k], uses = []);
                    }
                    uses.Add(new NodeUse(scope, node, k));
                }
            }
            foreach (AttributeProto attribute in node.Attribute)
            {
                AddNested(scope, node, i, attribute);
            }
        }
        own.Node = scope.Nodes.Count;
        foreach (string output in OutputNames(scope))
        {
            scope.Outputs.Add(output);
            Read(scope, output).Outputs.Add(output);
        }
    }

    private void AddNested(GraphScope scope, NodeProto node, int index, AttributeProto attribute)
    {
        int number = 0;
        foreach (GraphProto graph in Operators.Subgraphs(attribute))
        {
            string owner = node.Name.Length > 0 ? node.Name : $"{node.OpType}_{index}";
            string branch = number == 0 ? attribute.Name : $"{attribute.Name}_{number}";
            string path = scope.Path.Length == 0 ? $"{owner}/{branch}" : $"{scope.Path}/{owner}/{branch}";
            Add(new GraphScope(model, scope, path, graph, null));
            number++;
        }
    }

    /// <summary>Notes that the node being visited needs a tensor, and returns the scope to ask about it.</summary>
    private GraphScope Read(GraphScope scope, string tensor)
    {
        GraphScope definer = scope.Defining(tensor) ?? scope;
        Reads at = reads[definer];
        // An output of the definer itself is read when all nodes are done; a capture is read by the node that nests the reader.
        if (at.Node < definer.Nodes.Count)
        {
            at.Edges.Add((tensor, at.Node));
        }
        return definer;
    }

    private static IEnumerable<string> OutputNames(GraphScope scope) =>
        (scope.Graph is null ? scope.Function!.Output : scope.Graph.Output.Select(o => o.Name)).Where(name => name.Length > 0);

    private void Define(GraphScope scope)
    {
        var inputs = new HashSet<string>(StringComparer.Ordinal);
        if (scope.Graph is { } graph)
        {
            foreach (ValueInfoProto info in graph.ValueInfo.Concat(graph.Output).Concat(graph.Input).Where(i => i.Type is not null))
            {
                scope.Types[info.Name] = info.Type;
            }
            foreach (ValueInfoProto input in graph.Input)
            {
                Define(scope, input.Name);
                inputs.Add(input.Name);
            }
            foreach (TensorProto tensor in graph.Initializer)
            {
                // An initializer may give a default to the input of the same name.
                bool isInput = inputs.Remove(tensor.Name);
                if (!isInput)
                {
                    Define(scope, tensor.Name, () => "an initializer");
                }
                // Before IR version 4 every initializer had to be listed as an input, so being listed says nothing.
                bool overridable = isInput && model.Proto.IrVersion >= 4;
                scope.Constants[tensor.Name] = ConstantTensor.Stored(scope, tensor.Name, tensor, null, overridable);
            }
            foreach (string name in scope.SparseInitializers)
            {
                if (!inputs.Remove(name))
                {
                    Define(scope, name, () => "a sparse initializer");
                }
            }
        }
        else
        {
            foreach (ValueInfoProto info in scope.Function!.ValueInfo.Where(i => i.Type is not null))
            {
                scope.Types[info.Name] = info.Type;
            }
            foreach (string input in scope.Function.Input)
            {
                Define(scope, input);
            }
        }
        foreach (NodeProto node in scope.Nodes)
        {
            foreach (string output in node.Output.Where(o => o.Length > 0))
            {
                Define(scope, output, () => Operators.Label(node));
                scope.Producers[output] = node;
            }
        }
    }

    private void Define(GraphScope scope, string tensor, Func<string>? by = null)
    {
        if (tensor.Length == 0 || scope.Definitions.Add(tensor))
        {
            return;
        }
        string first =
            scope.Producer(tensor) is { } node ? Operators.Label(node)
            : scope.Constants.ContainsKey(tensor) ? "an initializer"
            : "an input";
        throw Catalogue.DuplicateName.With(model.Path, tensor, first, by?.Invoke() ?? "another input");
    }

    private sealed class Reads
    {
        /// <summary>Which node of the scope is being visited; captures inside of it count as its reads.</summary>
        public int Node { get; set; }

        /// <summary>Tensor and the index of the node that needs it.</summary>
        public List<(string Tensor, int Node)> Edges { get; } = [];
    }
}
