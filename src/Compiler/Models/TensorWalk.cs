using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>Visits every tensor and every graph of a model, wherever it is nested.</summary>
internal static class TensorWalk
{
    /// <summary>All tensors of a model, in stored order.</summary>
    public static IEnumerable<TensorProto> Tensors(ModelProto model) =>
        [
            .. model.Graph is null ? [] : Tensors(model.Graph),
            .. model.TrainingInfo.SelectMany(t => new[] { t.Initialization, t.Algorithm }).Where(g => g is not null).SelectMany(Tensors),
            .. model.Functions.SelectMany(f => f.Node.SelectMany(n => n.Attribute).Concat(f.AttributeProto)).SelectMany(Tensors),
        ];

    /// <summary>The graphs in a node's attributes, in stored order, with the attribute's name.</summary>
    public static IEnumerable<(string Attribute, GraphProto Graph)> Graphs(NodeProto node)
    {
        foreach (AttributeProto attribute in node.Attribute)
        {
            if (attribute.G is not null)
            {
                yield return (attribute.Name, attribute.G);
            }
            foreach (GraphProto graph in attribute.Graphs)
            {
                yield return (attribute.Name, graph);
            }
        }
    }

    private static IEnumerable<TensorProto> Tensors(GraphProto graph) =>
        graph
            .Initializer.Concat(graph.SparseInitializer.SelectMany(Parts))
            .Concat(graph.Node.SelectMany(n => n.Attribute).SelectMany(Tensors));

    private static IEnumerable<TensorProto> Tensors(AttributeProto attribute)
    {
        IEnumerable<TensorProto> own = attribute.T is null ? attribute.Tensors : attribute.Tensors.Prepend(attribute.T);
        IEnumerable<TensorProto> sparse = attribute.SparseTensors.SelectMany(Parts);
        if (attribute.SparseTensor is not null)
        {
            sparse = sparse.Concat(Parts(attribute.SparseTensor));
        }
        IEnumerable<TensorProto> nested = attribute.Graphs.SelectMany(Tensors);
        return own.Concat(sparse).Concat(attribute.G is null ? nested : nested.Concat(Tensors(attribute.G)));
    }

    private static IEnumerable<TensorProto> Parts(SparseTensorProto sparse) =>
        new[] { sparse.Values, sparse.Indices }.Where(t => t is not null);
}
