using System.Runtime.InteropServices;
using Lorq.Decomposition;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Quantization;
using Lorq.Rewriting.Encodings;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting.Fused;

/// <summary>The tensors of one site as the operators read them, stored once for all readers.</summary>
internal sealed class OperatorTensors
{
    // A run's fourth number; see docs/operators/q-gather.md.
    private const int Centred = 0;
    private const int StoredZeroPoints = 1;
    private const int CodebookLevels = 2;

    // Slots 1 to 9; see docs/operators.
    private readonly string[] inputs;
    private readonly IReadOnlyList<WeightSegment> segments;
    private readonly bool exactActivations;

    /// <summary>Stores the tensors.</summary>
    /// <param name="chain">Where to write.</param>
    /// <param name="weight">The codes, one run of columns or several of a table, and the pair where there is one.</param>
    /// <param name="projection">The sites that store one left factor between them; null for one of its own.</param>
    public OperatorTensors(ChainBuilder chain, PlannedWeight weight, SharedProjection? projection)
    {
        segments = weight.Segments;
        exactActivations = weight.ExactActivations;
        inputs = ["", Codes(chain), ScalesOf(chain), ZeroPointsOf(chain), "", "", "", "", CodebookOf(chain), FactorsOf(chain)];
        if (weight.Factors is not { } factors)
        {
            return;
        }
        int k = segments[0].K;
        int n = segments.Sum(s => s.Columns);
        int rank = factors.Shape.Rank;
        (inputs[4], inputs[6]) = projection?.StoredLeft ?? StoreFactor(chain, factors, [k, rank], k, () => factors.Values.Left);
        projection?.StoredLeft = (inputs[4], inputs[6]);
        (inputs[5], inputs[7]) = StoreFactor(chain, factors, [rank, n], n, () => factors.Values.Right);
    }

    /// <summary>The node that takes a reader's place.</summary>
    /// <param name="variant">The operator and its form.</param>
    /// <param name="input">Activations, or indices.</param>
    /// <param name="output">Name of the result.</param>
    /// <param name="bias">A vector of length N, or null.</param>
    public NodeProto Node(OperatorVariant variant, string input, string output, string? bias)
    {
        var node = new NodeProto
        {
            OpType = variant.Operator,
            Domain = OperatorVariant.Domain,
            Overload = variant.Overload,
        };
        string[] all = [input, .. inputs[1..], bias ?? ""];
        node.Input.AddRange(all[..(Array.FindLastIndex(all, name => name.Length > 0) + 1)]);
        node.Output.Add(output);
        node.Attribute.Add(Attributes.Int("K", segments[0].K));
        if (segments is [var segment])
        {
            node.Attribute.Add(Attributes.Int("bits", segment.Grid.Bits));
            node.Attribute.Add(Attributes.Int("block_size", segment.BlockLength));
        }
        else
        {
            node.Attribute.Add(Attributes.Ints("runs", [.. segments.SelectMany(Run)]));
        }
        if (variant is { Operator: OperatorVariant.LowRankQMatMul, Codebook: false })
        {
            // Written either way, so that the file's size does not depend on the choice, which is made last.
            node.Attribute.Add(Attributes.Int("activation_bits", exactActivations ? 32 : 0));
        }
        if (variant is { Operator: OperatorVariant.QGather, Half: true })
        {
            node.Attribute.Add(Attributes.Int("dtype", (long)DataType.Float16));
        }
        return node;
    }

    private static long[] Run(WeightSegment segment) =>
        [
            segment.Columns,
            segment.Grid.Bits,
            segment.BlockLength,
            segment.HasZeroPoints ? StoredZeroPoints
            : IsCodebook(segment) ? CodebookLevels
            : Centred,
        ];

    private static bool IsCodebook(WeightSegment segment) => segment.Grid.Kind == GridKind.NormalFloat;

    private string Codes(ChainBuilder chain) =>
        Store(
            chain,
            DataType.Uint8,
            [segments[0].Columns, -1],
            s => s.Columns * CodePacking.Length(s.K, s.Grid.Bits),
            s => CodePacking.Pack(s.Codes(StorageOrder.Columns), s.K, s.Grid.Bits)
        );

    private string ScalesOf(ChainBuilder chain) =>
        Store(chain, segments[0].ScaleType, [segments[0].Columns, -1], s => s.ScaleLength, s => s.ScaleBytes(StorageOrder.Columns));

    private string FactorsOf(ChainBuilder chain) =>
        segments[0].Grid.HasScaleFactors
            ? Store(chain, DataType.Float16, [-1], s => s.Columns * sizeof(short), s => s.ScaleFactorBytes(StorageOrder.Columns))
            : "";

    private string ZeroPointsOf(ChainBuilder chain) =>
        segments.Any(s => s.HasZeroPoints)
            ? Store(
                chain,
                DataType.Uint8,
                [-1],
                s => s.HasZeroPoints ? CodePacking.Length((long)s.Columns * s.Blocks, s.Grid.Bits) : 0,
                s => s.HasZeroPoints ? CodePacking.Pack(s.ZeroPoints(StorageOrder.Columns), s.Columns * s.Blocks, s.Grid.Bits) : []
            )
            : "";

    private string CodebookOf(ChainBuilder chain)
    {
        float[] levels = [.. segments.Where(IsCodebook).SelectMany(s => NormalFloat.Codebook(s.Grid.Bits).ToArray())];
        return levels.Length == 0 ? "" : chain.Shared(DataType.Float, [levels.Length], MemoryMarshal.AsBytes<float>(levels).ToArray());
    }

    // One tensor of what all runs have: shaped where there is one run, else one after the other without shape.
    private string Store(
        ChainBuilder chain,
        DataType type,
        long[] dims,
        Func<WeightSegment, long> length,
        Func<WeightSegment, byte[]> payload
    )
    {
        long bytes = segments.Sum(length);
        int size = TensorLayout.Bits(type)!.Value / 8;
        long[] shape = segments.Count > 1 || dims.Length == 1 ? [bytes / size] : [dims[0], bytes / size / dims[0]];
        return chain.Store(type, shape, bytes, () => segments is [var only] ? payload(only) : [.. segments.SelectMany(payload)]);
    }

    private static (string Values, string Scales) StoreFactor(
        ChainBuilder chain,
        PlannedFactors factors,
        long[] dims,
        long lines,
        Func<Factor> values
    )
    {
        long count = dims[0] * dims[1];
        return factors.Shape.Type == FactorType.Float16
            ? (
                chain.Store(
                    DataType.Float16,
                    dims,
                    count * sizeof(short),
                    () => FloatConversion.ToBytes(values().Values, DataType.Float16)
                ),
                ""
            )
            : (
                chain.Store(DataType.Int8, dims, count, () => MemoryMarshal.AsBytes<sbyte>(values().Codes!).ToArray()),
                chain.Store(
                    DataType.Float16,
                    [lines],
                    lines * sizeof(short),
                    () => FloatConversion.ToBytes(values().Scales!, DataType.Float16)
                )
            );
    }
}
