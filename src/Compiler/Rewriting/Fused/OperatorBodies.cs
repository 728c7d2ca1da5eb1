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
/// <para>Shapes are taken from the tensors and from the node's attributes, so that one body serves every size; but a table of several runs, of which
/// few models have two, has a body of its own. (It cannot call other bodies: ONNX Runtime 1.31 loses the overload of a call inside a function.)</para>
/// </remarks>
internal sealed class OperatorBodies
{
    private const string Indices = "indices";
    private const string Codes = "codes";
    private const string Scales = "scales";
    private const string ZeroPointsInput = "zero_points";
    private const string Codebook = "codebook";
    private const string ScaleFactors = "scale_factors";
    private const string Length = "K";
    private const string BlockSize = "block_size";

    // The inputs by slot; see docs/operators.
    private static readonly string[] Slots =
    [
        "x",
        Codes,
        Scales,
        ZeroPointsInput,
        "l1",
        "l2",
        "l1_scales",
        "l2_scales",
        Codebook,
        ScaleFactors,
        "bias",
    ];

    private readonly OperatorVariant variant;
    private readonly BodyBuilder body;

    // Of one run of a table: its sizes, and what it has in place of the inputs; null where the function has one grid.
    private readonly TableRun? run;
    private readonly IReadOnlyDictionary<string, string> parts = new Dictionary<string, string>();

    private OperatorBodies(OperatorVariant variant)
    {
        this.variant = variant;
        int last =
            variant.Bias ? 10
            : variant.ScaleFactors ? 9
            : variant.Codebook ? 8
            : variant.Factors == FactorType.Int8 ? 7
            : variant.Factors is not null ? 5
            : variant.ZeroPoints ? 3
            : 2;
        body = new BodyBuilder(
            variant,
            [variant.Operator == OperatorVariant.QGather ? Indices : Slots[0], .. Slots[1..(last + 1)]],
            variant.Table is null ? [Length, BlockSize] : []
        );
    }

    private OperatorBodies(BodyBuilder body, TableRun run, IReadOnlyDictionary<string, string> parts)
    {
        variant = run.Variant;
        this.body = body;
        this.run = run;
        this.parts = parts;
    }

    /// <summary>The function.</summary>
    public static FunctionProto Of(OperatorVariant variant)
    {
        var bodies = new OperatorBodies(variant);
        return variant.Table is { } table ? bodies.Table(table)
            : variant.Operator == OperatorVariant.QGather ? bodies.Lookup()
            : bodies.Product();
    }

    private FunctionProto Product()
    {
        string view =
            !IsEven ? body.Int64s(0, -1)
            : variant.Block == 0 ? body.Int64s(0, 1, -1)
            : body.Int64s(0, -1, variant.Block);
        string codes = body.Add("Reshape", [Unpacked(Planes(Codes, 0)), view]);
        string scales = PerWeight(ScaleValues(Scales, ScaleFactors));
        string? zeroPoints =
            !variant.ZeroPoints ? null
            : variant.Fit == BlockFit.Short ? PerWeight(Floats(ZeroPoints(Scales)))
            // One per scale: what the scales were made to, the zero points are made to at once.
            : Floats(ZeroPoints(scales));
        string values = Dequantized(codes, scales, zeroPoints);
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

    private FunctionProto Lookup() => body.Returning(Typed(WithPair(GatheredRows())));

    // [indices…, K].
    private string GatheredRows()
    {
        string shape = body.Add("Shape", [In(Indices)]);
        string codes = Unpacked(Rows(Planes(In(Codes), 0)));
        codes = Reshape(codes, IsEven ? [shape, Blocks(), Vector(BlockSize)] : [shape, PaddedLength()]);
        string scales = ScaleValues(Rows(In(Scales)), variant.ScaleFactors ? Rows(In(ScaleFactors)) : "");
        string? zeroPoints = variant.ZeroPoints ? PerWeight(Floats(Rows(ZeroPoints(In(Scales))))) : null;
        string values = Dequantized(codes, PerWeight(scales), zeroPoints);
        return IsEven ? Reshape(values, [shape, Vector(Length)]) : values;
    }

    // Indices sorted by run, the lookup of every run in its own rows, and the results put back in place.
    private FunctionProto Table(TableRuns table)
    {
        IReadOnlyList<TableRun> runs = table.Runs;
        long[] starts = new long[runs.Count + 1];
        for (int i = 0; i < runs.Count; i++)
        {
            starts[i + 1] = starts[i] + runs[i].Rows;
        }
        // Whatever is outside the table is refused by this first lookup; negative indices count from the end.
        string every = body.Add("Range", [body.Int64(0), body.Int64(starts[^1]), body.Int64(1)]);
        string index = body.Add("Gather", [every, body.Add("Reshape", [Indices, body.Int64s(-1)])]);
        string from = body.Int64s(starts[..^1]);
        string edge = body.Int64s(-1);
        string within = body.Add(
            "And",
            [
                body.Add("GreaterOrEqual", [index, body.Add("Unsqueeze", [from, edge])]),
                body.Add("Less", [index, body.Add("Unsqueeze", [body.Int64s(starts[1..]), edge])]),
            ]
        );
        string sorted = body.Add("NonZero", [within]);
        string place = body.Add("Gather", [sorted, body.Int64(1)]);
        string start = body.Add("Gather", [from, body.Add("Gather", [sorted, body.Int64(0)])]);
        string local = body.Add("Sub", [body.Add("Gather", [index, place]), start]);
        // Without keepdims ONNX Runtime reduces an empty matrix to a scalar.
        string counts = body.Add("ReduceSum", [body.Cast(within, DataType.Int64), edge]);
        string[] rows = body.Split(local, body.Add("Reshape", [counts, edge]), runs.Count);
        string values = body.Add("Concat", RowsOfRuns(table, rows), Attributes.Int("axis", 0));
        values = body.Add("ScatterND", [values, body.Add("Unsqueeze", [place, edge]), values]);
        values = Reshape(values, [body.Add("Shape", [Indices]), body.Int64s(table.K)]);
        return body.Returning(Typed(WithPair(values)));
    }

    private string[] RowsOfRuns(TableRuns table, string[] rows)
    {
        IReadOnlyList<TableRun> runs = table.Runs;
        string[] codes = Parts(Codes, r => r.Rows * CodePacking.Length(table.K, r.Variant.Bits));
        string[] scales = Parts(Scales, r => (long)r.Rows * r.Blocks);
        string[] zeroPoints = Parts(
            ZeroPointsInput,
            r => r.Variant.ZeroPoints ? CodePacking.Length((long)r.Rows * r.Blocks, r.Variant.Bits) : 0
        );
        string[] factors = Parts(ScaleFactors, r => r.Variant.ScaleFactors ? r.Rows : 0);
        string[] codebooks = Parts(Codebook, r => r.Variant.Codebook ? 1 << r.Variant.Bits : 0);
        return [.. runs.Select(RowsOf)];

        // What each run has of a tensor; nothing for those that have none of it.
        string[] Parts(string tensor, Func<TableRun, long> length)
        {
            long[] lengths = [.. runs.Select(length).Where(l => l > 0)];
            string[] parts = lengths.Length < 2 ? [tensor] : body.Split(tensor, body.Int64s(lengths), lengths.Length);
            int next = 0;
            return [.. runs.Select(r => length(r) > 0 ? parts[next++] : "")];
        }

        string RowsOf(TableRun run, int i)
        {
            var inputs = new Dictionary<string, string>
            {
                [Indices] = rows[i],
                [Codes] = body.Add("Reshape", [codes[i], body.Int64s(run.Rows, -1)]),
                [Scales] = body.Add("Reshape", [scales[i], body.Int64s(run.Rows, -1)]),
                [ScaleFactors] = factors[i],
                [ZeroPointsInput] = zeroPoints[i],
                [Codebook] = codebooks[i],
            };
            return new OperatorBodies(body, run, inputs).GatheredRows();
        }
    }

    // The rows of the product are added to [..., K].
    private string WithPair(string values)
    {
        if (variant.Factors is null)
        {
            return values;
        }
        string rows = Rows(body.Add("Transpose", [Right()]));
        return body.Add("Add", [values, body.Add("MatMul", [rows, body.Add("Transpose", [Left()])])]);
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
        string[] parts = body.Split(planes, body.Int64s(ratio, 1), 2, axis: -2);
        string low = Spread(parts[0], widths[0], [outer, 1, 1]);
        string high = Spread(parts[1], widths[1], [outer, ratio, 1]);
        return body.Add("BitwiseOr", [low, Shift(high, body.Bytes([], (byte)widths[0]), "LEFT")]);
    }

    private string Spread(string plane, int width, long[] dims)
    {
        byte[] shifts = [.. Enumerable.Range(0, (int)dims.Aggregate(1L, (a, d) => a * d)).Select(i => (byte)(i * width))];
        return body.Add("BitwiseAnd", [Shift(plane, body.Bytes(dims, shifts), "RIGHT"), body.Bytes([], (byte)((1 << width) - 1))]);
    }

    private string Shift(string tensor, string amount, string direction) =>
        body.Add("BitShift", [tensor, amount], Attributes.String("direction", direction));

    // uint8, one per block, in the shape of a tensor that has one number per block.
    private string ZeroPoints(string like)
    {
        string all = Unpacked(Planes(In(ZeroPointsInput), 1));
        if (variant.PaddedZeroPoints)
        {
            // ONNX Runtime folds no Size of float16.
            string count = body.Add("Reshape", [body.Add("Size", [Floats(In(Scales))]), body.Int64s(1)]);
            all = body.Add("Slice", [body.Add("Reshape", [all, body.Int64s(-1)]), body.Int64s(0), count]);
        }
        return body.Add("Reshape", [all, body.Add("Shape", [like])]);
    }

    // [..., B, length] with even blocks, else [..., Kp] → [..., K]; scales and zero points broadcast against the codes.
    private string Dequantized(string codes, string scales, string? zeroPoints)
    {
        if (!IsEven)
        {
            codes = body.Add("Slice", [codes, body.Int64s(0), Vector(Length), body.Int64s(-1)]);
        }
        string levels = variant.Codebook
            ? body.Add("Gather", [In(Codebook), body.Cast(codes, DataType.Int32)])
            : body.Add("Sub", [Floats(codes), zeroPoints ?? Middle()]);
        return body.Add("Mul", [levels, scales]);
    }

    // [..., B] in fp32.
    private string ScaleValues(string scales, string factors) => variant.ScaleFactors ? RowsTimes(scales, factors) : Floats(scales);

    private string Floats(string tensor) => body.Cast(tensor, DataType.Float);

    private string Middle() => body.Float(1 << (variant.Bits - 1));

    // [..., B], so that it broadcasts against the codes.
    private string PerWeight(string perBlock) =>
        variant.Fit switch
        {
            BlockFit.Even => body.Add("Unsqueeze", [perBlock, body.Int64s(-1)]),
            BlockFit.Column => perBlock,
            _ => body.Add("Gather", [perBlock, BlockOfEveryWeight()], Attributes.Int("axis", -1)),
        };

    private string BlockOfEveryWeight() =>
        body.Add("Div", [body.Add("Range", [body.Int64(0), Number(Length), body.Int64(1)]), Number(BlockSize)]);

    private string Left() => variant.Factors == FactorType.Int8 ? RowsTimes("l1", "l1_scales") : Floats("l1");

    // Every row of int8 numbers times a number of its own, in fp32.
    private string RowsTimes(string rows, string factors) =>
        body.Add("Mul", [Floats(rows), body.Add("Unsqueeze", [Floats(factors), body.Int64s(-1)])]);

    private string Right() => variant.Factors == FactorType.Int8 ? body.Add("Mul", [Floats("l2"), Floats("l2_scales")]) : Floats("l2");

    private string Blocks() => run is null ? body.Add("Shape", [Scales], Attributes.Int("start", 1)) : body.Int64s(run.Blocks);

    // K rounded up to a multiple of 8.
    private string PaddedLength()
    {
        if (run is not null)
        {
            return body.Int64s(CodePacking.Length(run.Length, CodePacking.Granule));
        }
        string granule = body.Int64s(CodePacking.Granule);
        string up = body.Add("Add", [body.Attribute(Length), body.Int64s(CodePacking.Granule - 1)]);
        return body.Add("Mul", [body.Add("Div", [up, granule]), granule]);
    }

    private string Typed(string tensor) => variant.Half ? body.Cast(tensor, DataType.Float16) : tensor;

    private string Rows(string tensor) => body.Add("Gather", [tensor, In(Indices)]);

    // An input of the function, or what the run has in its place.
    private string In(string slot) => parts.GetValueOrDefault(slot, slot);

    // K or the block length: the node's attribute, or the run's.
    private string Number(string name) => run is null ? body.Attribute(name) : body.Int64(OfRun(run, name));

    private string Vector(string name) =>
        run is null ? body.Add("Reshape", [body.Attribute(name), body.Int64s(1)]) : body.Int64s(OfRun(run, name));

    private static long OfRun(TableRun run, string name) => name == Length ? run.Length : run.BlockLength;

    // A 0 is a length here (no indices), not "as before".
    private string Reshape(string tensor, string[] dims) =>
        body.Add("Reshape", [tensor, body.Add("Concat", dims, Attributes.Int("axis", 0))], Attributes.Int("allowzero", 1));
}
