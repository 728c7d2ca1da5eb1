using System.Runtime.InteropServices;
using Lorq.Quantization;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting.Encodings;

/// <summary>Codebook codes decoded at load: unpack → Cast to indices → Gather from the codebook.</summary>
internal static class CodebookValues
{
    /// <summary>Adds the codes and their chain; the answer names fp32 levels (before scales) of the given dims.</summary>
    public static string Emit(ChainBuilder builder, WeightSegment segment, StorageOrder order, long[] dims)
    {
        int bits = segment.Grid.Bits;
        string codes = BitPlanes.Emit(builder, bits, 8, Justify.Low, dims, () => segment.Codes(order));
        ReadOnlySpan<float> levels = NormalFloat.Codebook(bits);
        string codebook = builder.Shared(DataType.Float, [levels.Length], MemoryMarshal.AsBytes(levels).ToArray());
        return builder.Add("Gather", [codebook, builder.Cast(codes, DataType.Int32)]);
    }
}
