namespace Lorq.Models;

/// <summary>The messages of the ONNX format between the file and a tensor's payload.</summary>
internal enum WireMessage
{
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Sparse,
    Function,
    Training,
}

/// <summary>Which fields of which message lead to tensors; everything else is carried as it is.</summary>
internal static class WireSchema
{
    /// <summary>TensorProto.raw_data.</summary>
    public const int RawData = 9;

    /// <summary>Nested messages deeper than this are refused: no real model comes near, and recursion must end.</summary>
    public const int DepthLimit = 96;

    /// <summary>The message in a length-delimited field, or null when no tensor lies below it.</summary>
    public static WireMessage? Child(WireMessage parent, int field) =>
        (parent, field) switch
        {
            (WireMessage.Model, 7) => WireMessage.Graph,
            (WireMessage.Model, 20) => WireMessage.Training,
            (WireMessage.Model, 25) => WireMessage.Function,
            (WireMessage.Graph, 1) => WireMessage.Node,
            (WireMessage.Graph, 5) => WireMessage.Tensor,
            (WireMessage.Graph, 15) => WireMessage.Sparse,
            (WireMessage.Node, 5) => WireMessage.Attribute,
            (WireMessage.Attribute, 5 or 10) => WireMessage.Tensor,
            (WireMessage.Attribute, 6 or 11) => WireMessage.Graph,
            (WireMessage.Attribute, 22 or 23) => WireMessage.Sparse,
            (WireMessage.Function, 7) => WireMessage.Node,
            (WireMessage.Function, 11) => WireMessage.Attribute,
            (WireMessage.Training, 1 or 2) => WireMessage.Graph,
            (WireMessage.Sparse, 1 or 2) => WireMessage.Tensor,
            _ => null,
        };
}
