using Lorq.Runtime.Cpu;
using Lorq.Runtime.Tests.Cpu;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Runtime.Tests.Operators;

/// <summary>Random weights as the specification stores them, element by element from its formulas.</summary>
internal static class StoredForm
{
    /// <summary>Packs a sequence whose length is a multiple of 8.</summary>
    public static byte[] Pack(byte[] codes, int bits)
    {
        int low = bits switch
        {
            2 or 3 => 2,
            8 => 8,
            _ => 4,
        };
        return [.. Plane(codes, low, 0), .. bits > low ? Plane(codes, bits - low, low) : []];
    }

    private static byte[] Plane(byte[] codes, int width, int shift)
    {
        int bytes = codes.Length * width / 8;
        byte[] plane = new byte[bytes];
        for (int e = 0; e < codes.Length; e++)
        {
            plane[e % bytes] |= (byte)(((codes[e] >> shift) & ((1 << width) - 1)) << (width * (e / bytes)));
        }
        return plane;
    }

    /// <summary>A model of one node that holds the weights.</summary>
    public static OneNodeModel Model(string op, RandomWeights weights, DataType input = DataType.Float, DataType output = DataType.Float)
    {
        WeightTensors t = weights.Tensors;
        var model = new OneNodeModel(op, input, output)
        {
            Attributes =
            {
                ["K"] = t.K,
                ["bits"] = t.Bits,
                ["block_size"] = t.Block == 0 ? t.K : t.Block,
            },
        };
        int padded = (t.K + 7) / 8 * 8;
        var rows = new List<byte>();
        for (int n = 0; n < t.N; n++)
        {
            byte[] codes = new byte[padded];
            weights.Read(n, codes.AsSpan(0, t.K));
            rows.AddRange(Pack(codes, t.Bits));
        }
        model.Constant("codes", DataType.Uint8, [.. rows], t.N, padded / 8 * t.Bits);
        Floats(model, "scales", t.Scales, t.N, t.Blocks);
        if (t.Zeros is { } zeros)
        {
            byte[] filled = new byte[(zeros.Length + 7) / 8 * 8];
            zeros.CopyTo(filled, 0);
            byte[] packed = Pack(filled, t.Bits);
            model.Constant("zero_points", DataType.Uint8, packed, packed.Length);
        }
        if (t.Rank > 0)
        {
            Floats(model, "l1", t.L1, t.K, t.Rank);
            Floats(model, "l2", t.L2, t.Rank, t.N);
        }
        if (t.Codebook is { } codebook)
        {
            model.Constant("codebook", DataType.Float, codebook, codebook.Length);
        }
        if (t.Bias is { } bias && op == "LowRankQMatMul")
        {
            model.Constant("bias", DataType.Float, bias, t.N);
        }
        return model;
    }

    private static void Floats(OneNodeModel model, string slot, FloatArray values, params long[] dims)
    {
        if (values.Half is { } half)
        {
            model.Constant(slot, DataType.Float16, half, dims);
        }
        else
        {
            model.Constant(slot, DataType.Float, values.Single!, dims);
        }
    }
}
