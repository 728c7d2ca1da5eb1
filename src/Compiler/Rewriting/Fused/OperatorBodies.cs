using Lorq.Decomposition;
using Lorq.Onnx;
using Lorq.Rewriting.Encodings;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting.Fused;

/// <summary>
/// The operators of <c>ai.lorq</c> in operators of the ONNX standard: what runs where nobody registered an implementation.
/// </summary>
/// <remarks>
/// <para><c>LowRankQMatMul</c> decodes the whole weight, which ONNX Runtime folds when a session is created; the pair runs as two products beside it, because
/// multiplying it out would take longer to load than to run. Every folded node takes about a third of a millisecond there, so bodies are short: the
/// block length is written into them. <c>QGather</c> gathers packed rows and decodes those at every call: nothing to do at load.</para>
/// <para>Shapes are taken from the tensors and from the node's attributes, so that one body serves every size.</para>
/// </remarks>
internal sealed class OperatorBodies
{
    private const string Indices = "indices";
    private const string Scales = "scales";
    private const string BlockSize = "block_size";

    // The inputs by slot; see docs/operators.
    private static readonly string[] Slots =
    [
        "x",
        "codes",
        Scales,
        "zero_points",
        "l1",
        "l2",
        "l1_scales",
        "l2_scales",
        "codebook",
        "scale_factors",
        "bias",
    ];

    private readonly OperatorVariant variant;
    private readonly BodyBuilder body;

    private OperatorBodies(OperatorVariant variant)
    {
        this.variant = variant;
        int last =
            variant.Bias ? 10
            : variant.Codebook ? 8
            : variant.Factors == FactorType.Int8 ? 7
            : variant.Factors is not null ? 5
            : variant.ZeroPoints ? 3
            : 2;
        body = new BodyBuilder(
            variant,
            [variant.Operator == OperatorVariant.QGather ? Indices : Slots[0], .. Slots[1..(last + 1)]],
            ["K", BlockSize]
        );
    }

    /// <summary>The function.</summary>
    public static FunctionProto Of(OperatorVariant variant)
    {
        var bodies = new OperatorBodies(variant);
        return variant.Operator == OperatorVariant.QGather ? bodies.Lookup() : bodies.Product();
    }

    private FunctionProto Product()
    {
        string view =
            !IsEven ? body.Int64s(0, -1)
            : variant.Block == 0 ? body.Int64s(0, 1, -1)
            : body.Int64s(0, -1, variant.Block);
        string codes = body.Add("Reshape", [Unpacked(Planes("codes", 0)), view]);
        string values = Dequantized(codes, Scales, variant.ZeroPoints ? ZeroPoints() : null);
        if (IsEven)
        {
            values = body.Add("Reshape", [values, body.Int64s(0, -1)]);
        }
        string result = body.Add("MatMul", ["x", Typed(body.Add("Transpose", [values]))]);
        if (variant.Factors is not null)
        {
            string projected = body.Add("MatMul", ["x", Typed(Left())]);
            result = body.Add("Add", [result, body.Add("MatMul", [projected, Typed(Right())])]);
        }
        return body.Returning(variant.Bias ? body.Add("Add", [result, "bias"]) : result);
    }

    private FunctionProto Lookup()
    {
        string shape = body.Add("Shape", [Indices]);
        string codes = Unpacked(Rows(Planes("codes", 0)));
        codes = Reshape(codes, IsEven ? [shape, Blocks(), Vector(body.Attribute(BlockSize))] : [shape, PaddedLength()]);
        string values = Dequantized(codes, Rows(Scales), variant.ZeroPoints ? Rows(ZeroPoints()) : null);
        if (IsEven)
        {
            values = Reshape(values, [shape, Vector(body.Attribute("K"))]);
        }
        if (variant.Factors is not null)
        {
            string rows = Rows(body.Add("Transpose", [Right()]));
            values = body.Add("Add", [values, body.Add("MatMul", [rows, body.Add("Transpose", [Left()])])]);
        }
        return body.Returning(Typed(values));
    }

    private bool IsEven => variant.Fit == BlockFit.Even;

    // Packed sequences with their planes apart: [rows, 1, S], or [rows, 1, w₀/w₁ + 1, S] where S is the second plane's length. A 0 keeps
    // the rows of a matrix.
    private string Planes(string packed, long rows)
    {
        int[] widths = CodePacking.Planes(variant.Bits);
        return widths.Length == 2 ? body.Add("Reshape", [packed, body.Int64s(rows, 1, (widths[0] / widths[1]) + 1, -1)])
            : variant.Bits < 8 ? body.Add("Reshape", [packed, body.Int64s(rows, 1, -1)])
            : packed;
    }

    // Codes, one per byte, in order once the trailing dims are flattened.
    private string Unpacked(string planes)
    {
        if (variant.Bits == 8)
        {
            return planes;
        }
        int[] widths = CodePacking.Planes(variant.Bits);
        int outer = 8 / widths[0];
        if (widths.Length == 1)
        {
            return Spread(planes, widths[0], [outer, 1]);
        }
        int ratio = widths[0] / widths[1];
        string low = Spread(Slice(planes, 0, ratio), widths[0], [outer, 1, 1]);
        string high = Spread(Slice(planes, ratio, ratio + 1), widths[1], [outer, ratio, 1]);
        return body.Add("BitwiseOr", [low, Shift(high, body.Bytes([], (byte)widths[0]), "LEFT")]);
    }

    private string Spread(string plane, int width, long[] dims)
    {
        byte[] shifts = [.. Enumerable.Range(0, (int)dims.Aggregate(1L, (a, d) => a * d)).Select(i => (byte)(i * width))];
        return body.Add("BitwiseAnd", [Shift(plane, body.Bytes(dims, shifts), "RIGHT"), body.Bytes([], (byte)((1 << width) - 1))]);
    }

    private string Shift(string tensor, string amount, string direction) =>
        body.Add("BitShift", [tensor, amount], Attributes.String("direction", direction));

    private string Slice(string planes, long start, long end) =>
        body.Add("Slice", [planes, body.Int64s(start), body.Int64s(end), body.Int64s(-2)]);

    // uint8 [N, B].
    private string ZeroPoints()
    {
        string flat = body.Add("Reshape", [Unpacked(Planes("zero_points", 1)), body.Int64s(-1)]);
        // ONNX Runtime folds no Size of float16.
        string count = Vector(body.Add("Size", [body.Cast(Scales, DataType.Float)]));
        return body.Add("Reshape", [body.Add("Slice", [flat, body.Int64s(0), count]), body.Add("Shape", [Scales])]);
    }

    // [..., B, length] with even blocks, else [..., Kp] → [..., K].
    private string Dequantized(string codes, string scales, string? zeroPoints)
    {
        if (!IsEven)
        {
            codes = body.Add("Slice", [codes, body.Int64s(0), Vector(body.Attribute("K")), body.Int64s(-1)]);
        }
        string levels = variant.Codebook
            ? body.Add("Gather", ["codebook", body.Cast(codes, DataType.Int32)])
            : body.Add("Sub", [body.Cast(codes, DataType.Float), zeroPoints is null ? Middle() : PerWeight(zeroPoints)]);
        return body.Add("Mul", [levels, PerWeight(scales)]);
    }

    private string Middle() => body.Float(1 << (variant.Bits - 1));

    // [..., B] as fp32 that broadcasts against the codes.
    private string PerWeight(string perBlock)
    {
        string values = body.Cast(perBlock, DataType.Float);
        return variant.Fit switch
        {
            BlockFit.Even => body.Add("Unsqueeze", [values, body.Int64s(-1)]),
            BlockFit.Column => values,
            _ => body.Add("Gather", [values, BlockOfEveryWeight()], Attributes.Int("axis", -1)),
        };
    }

    private string BlockOfEveryWeight() =>
        body.Add("Div", [body.Add("Range", [body.Int64(0), body.Attribute("K"), body.Int64(1)]), body.Attribute(BlockSize)]);

    private string Left() =>
        variant.Factors == FactorType.Int8
            ? body.Add(
                "Mul",
                [body.Cast("l1", DataType.Float), body.Add("Unsqueeze", [body.Cast("l1_scales", DataType.Float), body.Int64s(-1)])]
            )
            : body.Cast("l1", DataType.Float);

    private string Right() =>
        variant.Factors == FactorType.Int8
            ? body.Add("Mul", [body.Cast("l2", DataType.Float), body.Cast("l2_scales", DataType.Float)])
            : body.Cast("l2", DataType.Float);

    private string Blocks() => body.Add("Shape", [Scales], Attributes.Int("start", 1));

    // K rounded up to a multiple of 8.
    private string PaddedLength()
    {
        string granule = body.Int64s(CodePacking.Granule);
        string up = body.Add("Add", [body.Attribute("K"), body.Int64s(CodePacking.Granule - 1)]);
        return body.Add("Mul", [body.Add("Div", [up, granule]), granule]);
    }

    private string Typed(string tensor) => variant.Half ? body.Cast(tensor, DataType.Float16) : tensor;

    private string Rows(string tensor) => body.Add("Gather", [tensor, Indices]);

    private string Vector(string scalar) => body.Add("Reshape", [scalar, body.Int64s(1)]);

    // A 0 is a length here (no indices), not "as before".
    private string Reshape(string tensor, string[] dims) =>
        body.Add("Reshape", [tensor, body.Add("Concat", dims, Attributes.Int("axis", 0))], Attributes.Int("allowzero", 1));
}
