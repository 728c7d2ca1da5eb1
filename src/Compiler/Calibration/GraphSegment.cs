using Lorq.Onnx;

namespace Lorq.Calibration;

/// <summary>A part of a graph that is run by itself.</summary>
/// <param name="Nodes">Nodes to run, in graph order, those that only fold constants included; empty when nothing is needed.</param>
/// <param name="Inputs">Tensors the nodes read that were computed before, or are inputs of the model.</param>
/// <param name="Outputs">Tensors that somebody reads later.</param>
internal sealed record GraphSegment(IReadOnlyList<NodeProto> Nodes, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs);
