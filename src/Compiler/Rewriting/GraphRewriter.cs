using Lorq.Models;
using Lorq.Onnx;
using Lorq.Rewriting.Encodings;
using Lorq.Rewriting.Fused;

namespace Lorq.Rewriting;

/// <summary>Applies site edits, planned on a model, to a clone of it.</summary>
internal sealed class GraphRewriter
{
    private readonly OnnxModel target;
    private readonly Dictionary<NodeProto, NodeProto> nodes = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<GraphScope, GraphScope> scopes = [];

    /// <summary>Pairs the scopes and nodes of a model with those of its fresh clone.</summary>
    public GraphRewriter(OnnxModel source, OnnxModel target)
    {
        this.target = target;
        for (int s = 0; s < source.Scopes.Count; s++)
        {
            GraphScope from = source.Scopes[s];
            GraphScope to = target.Scopes[s];
            scopes.Add(from, to);
            for (int i = 0; i < from.Nodes.Count; i++)
            {
                nodes.Add(from.Nodes[i], to.Nodes[i]);
            }
        }
    }

    /// <summary>The import of ONNX Runtime's own operators.</summary>
    public static OperatorSetIdProto RuntimeImport { get; } = new() { Domain = Kernels.Domain, Version = 1 };

    private static IReadOnlyList<OperatorSetIdProto> DomainImports { get; } = [RuntimeImport, OperatorFunctions.Import];

    /// <summary>Applies the edits: dead definitions go, chains come to the head of their scopes, readers are replaced in place.</summary>
    public void Apply(EditedModel edited, CancellationToken cancellationToken)
    {
        IReadOnlyList<SiteEdit> edits = edited.Edits;
        var replacements = new Dictionary<NodeProto, IReadOnlyList<NodeProto>>(ReferenceEqualityComparer.Instance);
        var heads = new Dictionary<GraphScope, List<NodeProto>>();
        foreach (SiteEdit edit in edits)
        {
            Remove(DeadDefinitions.After(edit), replacements);
            foreach ((var use, IReadOnlyList<NodeProto> written) in edit.Replacements)
            {
                replacements[nodes[use.Use.Node]] = written;
            }
        }
        foreach (GraphScope scope in edited.Shared.Keys)
        {
            Store(Head(heads, scope), scopes[scope], edited.SharedIn(scope));
        }
        foreach (SiteEdit edit in edits)
        {
            cancellationToken.ThrowIfCancellationRequested();
            GraphScope scope = edit.Site.Weight.OriginScope;
            Store(Head(heads, scope), scopes[scope], edit.Chain.Tensors);
            Head(heads, scope).AddRange(edited.Functions.Chain(edit));
            Head(heads, scope).AddRange(edit.Visible);
        }
        foreach ((GraphScope from, GraphScope to) in scopes)
        {
            List<NodeProto> written = heads.GetValueOrDefault(from) ?? [];
            foreach (NodeProto node in to.Nodes)
            {
                if (replacements.TryGetValue(node, out IReadOnlyList<NodeProto>? instead))
                {
                    written.AddRange(instead);
                }
                else
                {
                    written.Add(node);
                }
            }
            to.Nodes.Clear();
            written.ForEach(to.Nodes.Add);
        }
        Import(edits);
        if (edited.Functions.Functions.Count > 0)
        {
            target.Proto.Functions.AddRange(edited.Functions.Functions);
            target.Proto.OpsetImport.Add(edited.Functions.Import);
        }
        if (edited.Operators.Functions.Count > 0)
        {
            target.Proto.Functions.AddRange(edited.Operators.Functions);
            target.Proto.OpsetImport.Add(OperatorFunctions.GuardImport.Clone());
            FormatVersion.Raise(target.Proto, OperatorFunctions.RequiredFormat);
        }
        target.Invalidate();
    }

    private static List<NodeProto> Head(Dictionary<GraphScope, List<NodeProto>> heads, GraphScope scope)
    {
        if (!heads.TryGetValue(scope, out List<NodeProto>? head))
        {
            head = [];
            heads.Add(scope, head);
        }
        return head;
    }

    private void Store(List<NodeProto> head, GraphScope scope, IEnumerable<StoredTensor> tensors)
    {
        foreach (StoredTensor tensor in tensors)
        {
            TensorProto written = tensor.Write(target);
            if (scope.Graph is { } graph)
            {
                graph.Initializer.Add(written);
            }
            else
            {
                head.Add(tensor.ConstantNode(written));
            }
        }
    }

    private void Remove(DeadDefinitions dead, Dictionary<NodeProto, IReadOnlyList<NodeProto>> replacements)
    {
        if (dead.Initializer is { } initializer)
        {
            GraphProto graph = scopes[initializer.Scope].Graph!;
            graph.Initializer.Remove(graph.Initializer.First(t => t.Name == initializer.Tensor.Name));
            ForgetType(graph, initializer.Tensor.Name);
        }
        foreach ((GraphScope scope, NodeProto node) in dead.Nodes)
        {
            replacements[nodes[node]] = [];
            if (scopes[scope].Graph is { } graph)
            {
                foreach (string output in node.Output)
                {
                    ForgetType(graph, output);
                }
            }
        }
    }

    private static void ForgetType(GraphProto graph, string tensor)
    {
        foreach (ValueInfoProto info in graph.ValueInfo.Where(v => v.Name == tensor).ToList())
        {
            graph.ValueInfo.Remove(info);
        }
    }

    private void Import(IReadOnlyList<SiteEdit> edits)
    {
        foreach (SiteEdit edit in edits)
        {
            foreach ((var use, IReadOnlyList<NodeProto> written) in edit.Replacements)
            {
                foreach (OperatorSetIdProto import in DomainImports.Where(i => written.Any(n => n.Domain == i.Domain)))
                {
                    if (target.Proto.OpsetImport.All(o => o.Domain != import.Domain))
                    {
                        target.Proto.OpsetImport.Add(import.Clone());
                    }
                    if (scopes[use.Use.Scope].Function is { } function && function.OpsetImport.All(o => o.Domain != import.Domain))
                    {
                        function.OpsetImport.Add(import.Clone());
                    }
                }
            }
        }
    }
}
