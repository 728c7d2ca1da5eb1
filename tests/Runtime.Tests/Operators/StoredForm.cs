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
        byte[] rows = Codes(weights);
        model.Constant("codes", DataType.Uint8, rows, t.N, rows.Length / t.N);
        Floats(model, "scales", t.Scales, t.N, t.Blocks);
        if (t.Zeros is not null)
        {
            byte[] packed = ZeroPoints(t);
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

    /// <summary>A model of one lookup in a table of several runs, with float scales; the pair, if any, is that of all rows.</summary>
    public static OneNodeModel Table(IReadOnlyList<RandomWeights> runs, FloatArray l1 = default, FloatArray l2 = default)
    {
        WeightTensors[] tensors = [.. runs.Select(r => r.Tensors)];
        int k = tensors[0].K;
        int n = tensors.Sum(t => t.N);
        var model = new OneNodeModel("QGather", DataType.Int64, DataType.Float)
        {
            Attributes = { ["K"] = k },
            Lists =
            {
                ["runs"] =
                [
                    .. tensors.SelectMany(t =>
                        new long[]
                        {
                            t.N,
                            t.Bits,
                            t.Block == 0 ? k : t.Block,
                            t.Codebook is not null ? 2
                            : t.Zeros is not null ? 1
                            : 0,
                        }
                    ),
                ],
            },
        };
        Flat("codes", DataType.Uint8, [.. runs.SelectMany(Codes)]);
        Flat("scales", DataType.Float, [.. tensors.SelectMany(t => t.Scales.Single!)]);
        Flat("zero_points", DataType.Uint8, [.. tensors.Where(t => t.Zeros is not null).SelectMany(ZeroPoints)]);
        Flat("codebook", DataType.Float, [.. tensors.SelectMany(t => t.Codebook ?? [])]);
        if (l1.Length > 0)
        {
            Floats(model, "l1", l1, k, l1.Length / k);
            Floats(model, "l2", l2, l2.Length / n, n);
        }
        return model;

        void Flat<T>(string slot, DataType type, T[] values)
            where T : unmanaged
        {
            if (values.Length > 0)
            {
                model.Constant(slot, type, values, values.Length);
            }
        }
    }

    private static byte[] Codes(RandomWeights weights)
    {
        WeightTensors t = weights.Tensors;
        var rows = new List<byte>();
        for (int n = 0; n < t.N; n++)
        {
            byte[] codes = new byte[(t.K + 7) / 8 * 8];
            weights.Read(n, codes.AsSpan(0, t.K));
            rows.AddRange(Pack(codes, t.Bits));
        }
        return [.. rows];
    }

    private static byte[] ZeroPoints(WeightTensors tensors)
    {
        byte[] zeros = tensors.Zeros!;
        byte[] filled = new byte[(zeros.Length + 7) / 8 * 8];
        zeros.CopyTo(filled, 0);
        return Pack(filled, tensors.Bits);
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
