using Lorq.Rewriting.Encodings;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting;

/// <summary>The small constants that decoding chains can share, whatever is chosen: their size bounds what a plan adds once.</summary>
internal static class ChainConstants
{
    /// <summary>Serialized bytes of all masks, shifts and factors of all widths, with names of the given length.</summary>
    public static long UpperBound(int nameLength)
    {
        string name = new('n', nameLength);
        var shared = new SharedConstants(() => name);
        var chain = new ChainBuilder(() => name, shared, BitPlanes.RequiredOpset);
        foreach (int bits in (int[])[2, 3, 4, 5, 6])
        {
            foreach (int lane in (int[])[4, 8])
            {
                if (bits < lane)
                {
                    BitPlanes.Emit(chain, bits, lane, Justify.Low, [8], () => []);
                    BitPlanes.Emit(chain, bits, lane, Justify.High, [8], () => []);
                    chain.SharedFloat(MathF.ScaleB(1, bits - lane));
                }
            }
            chain.SharedFloat(1 << (bits - 1));
            chain.SharedByte((byte)(8 - bits));
        }
        return shared
            .Tensors.Where(t => (DataType)t.Header.DataType is DataType.Uint8 or DataType.Float)
            .Sum(t => t.SerializedBytes(false));
    }
}
