using Lorq.Calibration;
using Lorq.Onnx;

namespace Lorq.Models;

/// <summary>What a model takes and gives, read from its graph: as ONNX Runtime states it, without loading the model there.</summary>
/// <param name="Inputs">The inputs a caller must give, in order.</param>
/// <param name="OptionalInputs">The inputs a caller may leave out: those of an optional type, and those with a value in the model.</param>
/// <param name="Outputs">The outputs, in order.</param>
internal sealed record GraphSignature(
    IReadOnlyList<TensorSignature> Inputs,
    IReadOnlyList<TensorSignature> OptionalInputs,
    IReadOnlyList<TensorSignature> Outputs
)
{
    /// <summary>Reads it.</summary>
    public static GraphSignature Of(OnnxModel model)
    {
        GraphProto graph = model.Proto.Graph;
        HashSet<string> stored = [.. graph.Initializer.Select(t => t.Name), .. graph.SparseInitializer.Select(t => t.Values?.Name ?? "")];
        ValueInfoProto[] given = [.. graph.Input.Where(i => !stored.Contains(i.Name))];
        // Before version 4 every initializer had to be an input too: none of them can be replaced.
        IEnumerable<ValueInfoProto> replaceable = model.Proto.IrVersion >= 4 ? graph.Input.Where(i => stored.Contains(i.Name)) : [];
        return new(
            [.. given.Where(i => i.Type?.OptionalType is null).Select(Tensor)],
            [.. given.Where(i => i.Type?.OptionalType is not null).Concat(replaceable).Select(Tensor)],
            [.. graph.Output.Select(Tensor)]
        );
    }

    private static TensorSignature Tensor(ValueInfoProto value)
    {
        TypeProto.Types.Tensor? tensor = (value.Type?.OptionalType?.ElemType ?? value.Type)?.TensorType;
        TensorShapeProto.Types.Dimension[] dims = [.. tensor?.Shape?.Dim ?? []];
        return new TensorSignature(
            value.Name,
            (TensorProto.Types.DataType)(tensor?.ElemType ?? 0),
            [.. dims.Select(d => d.ValueCase == TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue ? d.DimValue : -1)],
            [.. dims.Select(d => d.DimParam)]
        );
    }
}
