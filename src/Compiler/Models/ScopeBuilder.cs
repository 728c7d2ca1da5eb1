using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>Builds all scopes of a model in one walk.</summary>
internal static class ScopeBuilder
{
    /// <summary>Main graph first, then nested graphs in stored order, then functions.</summary>
    public static IReadOnlyList<GraphScope> Build(OnnxModel model)
    {
        var scopes = new List<GraphScope>();
        Visit(new GraphScope(model, null, "", model.Proto.Graph, null), scopes);
        foreach (FunctionProto function in model.Proto.Functions)
        {
            Visit(new GraphScope(model, null, $"{function.Domain}::{function.Name}", null, function), scopes);
        }
        return scopes;
    }

    private static void Visit(GraphScope scope, List<GraphScope> scopes)
    {
        scopes.Add(scope);
        foreach (NodeProto node in scope.Nodes)
        {
            for (int i = 0; i < node.Input.Count; i++)
            {
                if (node.Input[i].Length > 0)
                {
                    scope.AddUse(node.Input[i], new NodeUse(scope, node, i));
                }
            }
            foreach ((string attribute, GraphProto graph) in TensorWalk.Graphs(node))
            {
                string owner = node.Name.Length > 0 ? node.Name : node.OpType;
                string path = (scope.Path.Length > 0 ? scope.Path + "/" : "") + owner + "/" + attribute;
                Visit(new GraphScope(scope.Model, scope, path, graph, null), scopes);
            }
        }
    }
}
