using System.Runtime.InteropServices;
using Lorq.Runtime.Cpu;

namespace Lorq.Runtime.Operators;

/// <summary>Widths and blocks of codes (docs/operators/README.md), and what they make the tensors' sizes.</summary>
/// <param name="bits">Bits per code.</param>
/// <param name="block">Weights per block.</param>
internal readonly struct StoredGrid(int bits, int block)
{
    /// <summary>Values of a code.</summary>
    public long Levels => 1L << bits;

    private bool IsListed => block is 16 or 32 or 64 or 128 or 256;

    /// <summary>Refuses what the specification does not list.</summary>
    public void Check(NodeReader node, int k)
    {
        if (bits is not (2 or 3 or 4 or 5 or 6 or 8))
        {
            throw node.Fault($"bits is {bits}; it must be 2, 3, 4, 5, 6 or 8.");
        }
        if (!IsListed && block != k)
        {
            throw node.Fault($"block_size is {block}; it must be 16, 32, 64, 128, 256 or K ({k}).");
        }
    }

    /// <summary>Bytes of the codes of n columns; each is padded to a multiple of 8.</summary>
    public long CodeBytes(int k, long n) => (k + 7L) / 8 * bits * n;

    /// <summary>Scales of n columns.</summary>
    public long Scales(int k, long n) => (k + (long)block - 1) / block * n;

    /// <summary>Bytes of the zero points of n columns, which are one sequence.</summary>
    public long ZeroPointBytes(int k, long n) => (Scales(k, n) + 7) / 8 * bits;

    /// <summary>The columns that these inputs hold; their shapes are right.</summary>
    public WeightTensors Tensors(
        int k,
        int n,
        ConstantInput codes,
        ConstantInput scales,
        ConstantInput? scaleFactors,
        ConstantInput? zeroPoints,
        ConstantInput? codebook
    )
    {
        var tensors = new WeightTensors
        {
            K = k,
            N = n,
            Bits = bits,
            // One block per column: K may be any number, also one of the list.
            Block = IsListed ? block : 0,
            Codes = CodesOf(k, codes),
            Scales = scaleFactors is null ? scales.Floats() : default,
            ByteScales = scaleFactors is null ? null : MemoryMarshal.Cast<byte, sbyte>(scales.Bytes()).ToArray(),
            ScaleFactors = scaleFactors?.Singles(),
            Zeros = zeroPoints is null ? null : Unpacked(zeroPoints, Scales(k, n)),
            Codebook = codebook?.Singles(),
        };
        for (int i = 0; i < tensors.ByteScales?.Length; i++)
        {
            if (!float.IsFinite(tensors.ScaleAt(i)))
            {
                throw scales.NotFinite();
            }
        }
        return tensors;
    }

    private unsafe PackedCodes CodesOf(int k, ConstantInput codes) => new(codes.Data, (k + 7) / 8 * 8, bits);

    private byte[] Unpacked(ConstantInput packed, long count)
    {
        byte[] zeros = new byte[(count + 7) / 8 * 8];
        PackedCodes.Unpack(packed.Bytes(), bits, zeros);
        return zeros;
    }
}
