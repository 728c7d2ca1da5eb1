using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>Where in a model a tensor stands, which decides whether its data may lie in an external file.</summary>
internal enum TensorPlace
{
    /// <summary>An initializer of a graph.</summary>
    Initializer,

    /// <summary>The value of a Constant node of a graph.</summary>
    Constant,

    /// <summary>Anything else: other attributes, sparse tensors, functions, training graphs.</summary>
    Other,
}

/// <summary>Called for each tensor, with what makes the words that name it in messages.</summary>
internal delegate void TensorAction(TensorProto tensor, TensorPlace place, Func<string> label);

/// <summary>Visits every TensorProto of a model in stored order, nested graphs, functions and training graphs included.</summary>
internal static class TensorVisitor
{
    /// <summary>Visits a model. The depth is bounded by the parser's limit.</summary>
    public static void Visit(ModelProto model, TensorAction action)
    {
        if (model.Graph is not null)
        {
            Visit(model.Graph, action, external: true);
        }
        foreach (TrainingInfoProto training in model.TrainingInfo)
        {
            foreach (GraphProto? graph in (GraphProto?[])[training.Initialization, training.Algorithm])
            {
                if (graph is not null)
                {
                    Visit(graph, action, external: false);
                }
            }
        }
        foreach (FunctionProto function in model.Functions)
        {
            Visit(function.Node, action, external: false);
            Visit(function.AttributeProto, () => $"function '{function.Name}'", TensorPlace.Other, action, external: false);
        }
    }

    private static void Visit(GraphProto graph, TensorAction action, bool external)
    {
        foreach (TensorProto tensor in graph.Initializer)
        {
            action(tensor, external ? TensorPlace.Initializer : TensorPlace.Other, () => $"the initializer '{tensor.Name}'");
        }
        foreach (SparseTensorProto sparse in graph.SparseInitializer)
        {
            Visit(sparse, () => $"the sparse initializer '{sparse.Values?.Name}'", action);
        }
        Visit(graph.Node, action, external);
    }

    private static void Visit(IEnumerable<NodeProto> nodes, TensorAction action, bool external)
    {
        foreach (NodeProto node in nodes)
        {
            TensorPlace place = external && Operators.IsConstant(node) ? TensorPlace.Constant : TensorPlace.Other;
            Visit(node.Attribute, () => Operators.Label(node), place, action, external);
        }
    }

    private static void Visit(
        IEnumerable<AttributeProto> attributes,
        Func<string> owner,
        TensorPlace place,
        TensorAction action,
        bool external
    )
    {
        foreach (AttributeProto attribute in attributes)
        {
            string Label() => $"the attribute '{attribute.Name}' of {owner()}";
            if (attribute.T is not null)
            {
                action(attribute.T, place, Label);
            }
            foreach (TensorProto tensor in attribute.Tensors)
            {
                action(tensor, TensorPlace.Other, Label);
            }
            if (attribute.SparseTensor is not null)
            {
                Visit(attribute.SparseTensor, Label, action);
            }
            foreach (SparseTensorProto sparse in attribute.SparseTensors)
            {
                Visit(sparse, Label, action);
            }
            foreach (GraphProto graph in Operators.Subgraphs(attribute))
            {
                Visit(graph, action, external);
            }
        }
    }

    private static void Visit(SparseTensorProto sparse, Func<string> label, TensorAction action)
    {
        if (sparse.Values is not null)
        {
            action(sparse.Values, TensorPlace.Other, label);
        }
        if (sparse.Indices is not null)
        {
            action(sparse.Indices, TensorPlace.Other, () => $"the indices of {label()}");
        }
    }
}
