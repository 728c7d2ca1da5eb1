using Lorq.Runtime.Cpu;
using Lorq.Runtime.Interop;

namespace Lorq.Runtime.Operators;

/// <summary>The inputs and attributes that both operators share (docs/operators/README.md), read and checked.</summary>
internal static unsafe class StoredWeight
{
    /// <summary>Element types of the slots 1 … 9.</summary>
    public static IReadOnlyList<OrtElementType> Slots { get; } =
    [
        OrtElementType.UInt8, // codes
        OrtElementType.Any, // scales
        OrtElementType.UInt8, // zero_points
        OrtElementType.Any, // l1
        OrtElementType.Any, // l2
        OrtElementType.Any, // l1_scales
        OrtElementType.Any, // l2_scales
        OrtElementType.Float, // codebook
        OrtElementType.Any, // scale_factors
    ];

    /// <summary>Reads them.</summary>
    /// <exception cref="NodeException">What the specification refuses at load.</exception>
    public static WeightTensors Read(NodeReader node)
    {
        int k = Length(node);
        var grid = new StoredGrid(node.Attribute("bits\0"u8, "bits"), node.Attribute("block_size\0"u8, "block_size"));
        grid.Check(node, k);
        ConstantInput codes = node.Required(1, "codes").Typed(OrtElementType.UInt8);
        long n = codes.Dims is [var rows, _] ? rows : throw node.Fault($"input 'codes' has {codes.Dims.Length} dims, expected 2.");
        if (n < 1)
        {
            throw node.Fault("input 'codes' has no rows: N must be at least 1.");
        }
        if (n > int.MaxValue || grid.CodeBytes(k, n) > int.MaxValue || grid.Scales(k, n) > int.MaxValue || n * k > int.MaxValue)
        {
            throw node.Fault($"K·N = {k}·{n} is too large.");
        }
        codes.Shaped(n, grid.CodeBytes(k, 1));
        ConstantInput? codebook = node.Constant(8, "codebook")?.Typed(OrtElementType.Float).Shaped(grid.Levels);
        ConstantInput? zeros = node.Constant(3, "zero_points")?.Typed(OrtElementType.UInt8).Shaped(grid.ZeroPointBytes(k, n));
        if (codebook is not null && zeros is not null)
        {
            throw node.Fault("'codebook' and 'zero_points' exclude each other.");
        }
        (ConstantInput scales, ConstantInput? scaleFactors) = Scales(node, n, n, grid.Scales(k, 1));
        (FloatArray l1, FloatArray l2, int rank) = Factors(node, k, n);
        return grid.Tensors(k, (int)n, codes, scales, scaleFactors, zeros, codebook) with { Rank = rank, L1 = l1, L2 = l2 };
    }

    /// <summary>Weights per column.</summary>
    public static int Length(NodeReader node)
    {
        int k = node.Attribute("K\0"u8, "K");
        return k >= 1 ? k : throw node.Fault($"K is {k}; it must be at least 1.");
    }

    /// <summary>The scales, of the shape that is given, and what they are multiplied by, one per column.</summary>
    public static (ConstantInput Scales, ConstantInput? Factors) Scales(NodeReader node, long n, params long[] shape)
    {
        ConstantInput scales = node.Required(2, "scales")
            .Typed(OrtElementType.Float, OrtElementType.Float16, OrtElementType.Int8)
            .Shaped(shape);
        ConstantInput? factors = node.Constant(9, "scale_factors")?.Shaped(n);
        return scales.Type == OrtElementType.Int8 == factors is not null
            ? (scales, factors)
            : throw node.Fault("int8 'scales' and 'scale_factors' need each other.");
    }

    /// <summary>The low-rank pair; rank 0 without one.</summary>
    public static (FloatArray L1, FloatArray L2, int Rank) Factors(NodeReader node, long k, long n)
    {
        ConstantInput? l1 = node.Constant(4, "l1");
        ConstantInput? l2 = node.Constant(5, "l2");
        ConstantInput? scales1 = node.Constant(6, "l1_scales");
        ConstantInput? scales2 = node.Constant(7, "l2_scales");
        if (l1 is null != l2 is null)
        {
            throw node.Fault("'l1' and 'l2' need each other.");
        }
        if (scales1 is not null != (l1?.Type == OrtElementType.Int8) || scales2 is not null != (l2?.Type == OrtElementType.Int8))
        {
            throw node.Fault("int8 factors and their scales need each other.");
        }
        if (l1 is null || l2 is null)
        {
            return default;
        }
        long rank = l1.Dims is [_, var columns] ? columns : throw node.Fault("input 'l1' must have 2 dims.");
        if (rank < 1 || l2.Dims.Length != 2 || l2.Dims[0] != rank)
        {
            throw node.Fault($"ranks differ or are 0: 'l1' is [{string.Join(", ", l1.Dims)}], 'l2' is [{string.Join(", ", l2.Dims)}].");
        }
        l1.Shaped(k, rank);
        l2.Shaped(rank, n);
        if (rank > int.MaxValue / Math.Max(k, n))
        {
            throw node.Fault($"rank {rank} is too large.");
        }
        return (
            scales1 is null ? l1.Floats() : Scaled(l1, scales1.Shaped(k).Singles(), i => (int)(i / rank)),
            scales2 is null ? l2.Floats() : Scaled(l2, scales2.Shaped(n).Singles(), i => (int)(i % n)),
            (int)rank
        );
    }

    private static FloatArray Scaled(ConstantInput stored, float[] scales, Func<int, int> scaleOf)
    {
        ReadOnlySpan<byte> bytes = stored.Bytes();
        float[] values = new float[bytes.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (sbyte)bytes[i] * scales[scaleOf(i)];
        }
        return Array.TrueForAll(values, float.IsFinite) ? new FloatArray(values, null) : throw stored.NotFinite();
    }
}
