using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Lorq.Decomposition;
using Lorq.Onnx;
using Lorq.Quantization;
using Lorq.Rewriting.Encodings;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting.Fused;

/// <summary>The tensors of one site as the operators read them, stored once for all readers.</summary>
internal sealed class OperatorTensors
{
    // Slots 1 to 8; see docs/operators.
    private readonly string[] inputs;

    /// <summary>Stores the tensors.</summary>
    /// <param name="chain">Where to write.</param>
    /// <param name="segment">The codes of all columns.</param>
    /// <param name="factors">The pair; null for none.</param>
    /// <param name="projection">The sites that store one left factor between them; null for one of its own.</param>
    public OperatorTensors(ChainBuilder chain, WeightSegment segment, PlannedFactors? factors, SharedProjection? projection)
    {
        inputs =
        [
            "",
            Codes(chain, segment),
            ScalesOf(chain, segment),
            ZeroPointsOf(chain, segment),
            "",
            "",
            "",
            "",
            CodebookOf(chain, segment),
        ];
        if (factors is null)
        {
            return;
        }
        int rank = factors.Shape.Rank;
        (inputs[4], inputs[6]) =
            projection?.StoredLeft ?? StoreFactor(chain, factors, [segment.K, rank], segment.K, () => factors.Values.Left);
        projection?.StoredLeft = (inputs[4], inputs[6]);
        (inputs[5], inputs[7]) = StoreFactor(chain, factors, [rank, segment.Columns], segment.Columns, () => factors.Values.Right);
    }

    /// <summary>The node that takes a reader's place.</summary>
    /// <param name="variant">The operator and its form.</param>
    /// <param name="segment">The codes.</param>
    /// <param name="input">Activations, or indices.</param>
    /// <param name="output">Name of the result.</param>
    /// <param name="bias">A vector of length N, or null.</param>
    public NodeProto Node(OperatorVariant variant, WeightSegment segment, string input, string output, string? bias)
    {
        var node = new NodeProto
        {
            OpType = variant.Operator,
            Domain = OperatorVariant.Domain,
            Overload = variant.Overload,
        };
        string[] all = [input, .. inputs[1..], "", bias ?? ""];
        node.Input.AddRange(all[..(Array.FindLastIndex(all, name => name.Length > 0) + 1)]);
        node.Output.Add(output);
        node.Attribute.Add(Attributes.Int("K", segment.K));
        node.Attribute.Add(Attributes.Int("bits", segment.Grid.Bits));
        node.Attribute.Add(Attributes.Int("block_size", segment.BlockLength));
        if (variant is { Operator: OperatorVariant.QGather, Half: true })
        {
            node.Attribute.Add(Attributes.Int("dtype", (long)DataType.Float16));
        }
        return node;
    }

    private static string Codes(ChainBuilder chain, WeightSegment segment)
    {
        long row = CodePacking.Length(segment.K, segment.Grid.Bits);
        return chain.Store(
            DataType.Uint8,
            [segment.Columns, row],
            segment.Columns * row,
            () => CodePacking.Pack(segment.Codes(StorageOrder.Columns), segment.K, segment.Grid.Bits)
        );
    }

    private static string ScalesOf(ChainBuilder chain, WeightSegment segment) =>
        chain.Store(
            segment.Grid.Scale == ScaleType.Float16 ? DataType.Float16 : DataType.Float,
            [segment.Columns, segment.Blocks],
            (long)segment.Columns * segment.Blocks * segment.ScaleSize,
            () => segment.ScaleBytes(StorageOrder.Columns)
        );

    private static string ZeroPointsOf(ChainBuilder chain, WeightSegment segment)
    {
        if (!segment.HasZeroPoints)
        {
            return "";
        }
        long count = (long)segment.Columns * segment.Blocks;
        long length = CodePacking.Length(count, segment.Grid.Bits);
        return chain.Store(
            DataType.Uint8,
            [length],
            length,
            () => CodePacking.Pack(segment.ZeroPoints(StorageOrder.Columns), (int)count, segment.Grid.Bits)
        );
    }

    private static string CodebookOf(ChainBuilder chain, WeightSegment segment)
    {
        if (segment.Grid.Kind != GridKind.NormalFloat)
        {
            return "";
        }
        ReadOnlySpan<float> levels = NormalFloat.Codebook(segment.Grid.Bits);
        return chain.Shared(DataType.Float, [levels.Length], MemoryMarshal.AsBytes(levels).ToArray());
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
            ? (chain.Store(DataType.Float16, dims, count * sizeof(short), () => Halves(values().Values)), "")
            : (
                chain.Store(DataType.Int8, dims, count, () => MemoryMarshal.AsBytes<sbyte>(values().Codes!).ToArray()),
                chain.Store(DataType.Float16, [lines], lines * sizeof(short), () => Halves(values().Scales!))
            );
    }

    private static byte[] Halves(float[] values)
    {
        var halves = new Half[values.Length];
        TensorPrimitives.ConvertToHalf(values, halves);
        return MemoryMarshal.AsBytes<Half>(halves).ToArray();
    }
}
