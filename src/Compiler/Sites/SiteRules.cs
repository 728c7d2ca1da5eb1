using Lorq.Onnx;

namespace Lorq.Sites;

/// <summary>Per operator: which of its constant operands is a compressible matrix, in which view, or why it is none.</summary>
internal static class SiteRules
{
    /// <summary>The view of one read, or null and the reason.</summary>
    public static (SiteView? View, string Reason) View(ConstantRead read)
    {
        NodeProto node = read.Use.Node;
        if (node.Domain is not ("" or "ai.onnx"))
        {
            return (
                null,
                $"It is read by '{node.Domain}::{node.OpType}', an operator outside the standard domain, whose use of it is unknown."
            );
        }
        return node.OpType switch
        {
            "MatMul" => MatMul(read),
            "Gemm" => Gemm(read),
            "Conv" => Conv(read),
            "Gather" => Gather(read),
            "ConvTranspose" => (
                null,
                "A transposed convolution's filter: not supported; export it as Resize and Conv to have it compressed."
            ),
            "LSTM" or "GRU" or "RNN" => (
                null,
                $"A recurrent weight of {node.OpType}: not supported; export the layer unrolled into MatMul to have it compressed."
            ),
            _ => (
                null,
                $"Operand {read.Use.Index} of {node.OpType}: only matrices, filters and tables (MatMul, Gemm, Conv, Gather) are compressed."
            ),
        };
    }

    private static (SiteView?, string) MatMul(ConstantRead read)
    {
        IReadOnlyList<long> shape = read.Constant.Shape;
        bool left = read.Use.Index == 0;
        string input = read.Use.Node.Input[left ? 1 : 0];
        return shape.Count switch
        {
            2 when left => (new(SiteKind.MatMul, (int)shape[1], (int)shape[0], 1, WeightLayout.NByK, input, true), ""),
            2 => (new(SiteKind.MatMul, (int)shape[0], (int)shape[1], 1, WeightLayout.KByN, input), ""),
            3 when !left => (
                new(SiteKind.Experts, (int)shape[1], checked((int)(shape[0] * shape[2])), (int)shape[0], WeightLayout.KByN, input),
                ""
            ),
            _ => (
                null,
                $"A constant operand of MatMul with {shape.Count} dimensions{(left ? " on the left" : "")}: only 2-D, and 3-D on the right, are matrices."
            ),
        };
    }

    private static (SiteView?, string) Gemm(ConstantRead read)
    {
        IReadOnlyList<long> shape = read.Constant.Shape;
        if (read.Use.Index == 2)
        {
            return (null, "The bias of Gemm: small next to its matrix, and its rounding would shift every output.");
        }
        if (read.Use.Index == 0)
        {
            return (null, "The first operand of Gemm is constant; swap the operands (transposed) to have it compressed.");
        }
        if (shape.Count != 2)
        {
            return (null, "The matrix of Gemm is not 2-D.");
        }
        bool transposed = read.Use.Node.Attribute.FirstOrDefault(a => a.Name == "transB")?.I == 1;
        return transposed
            ? (new(SiteKind.Gemm, (int)shape[1], (int)shape[0], 1, WeightLayout.NByK, read.Use.Node.Input[0]), "")
            : (new(SiteKind.Gemm, (int)shape[0], (int)shape[1], 1, WeightLayout.KByN, read.Use.Node.Input[0]), "");
    }

    private static (SiteView?, string) Conv(ConstantRead read)
    {
        IReadOnlyList<long> shape = read.Constant.Shape;
        if (read.Use.Index != 1)
        {
            return (
                null,
                read.Use.Index == 2
                    ? "The bias of Conv: small next to its filter, and its rounding would shift every output."
                    : "The input of Conv is constant."
            );
        }
        if (shape.Count < 3)
        {
            return (null, "The filter of Conv has fewer than 3 dimensions.");
        }
        int groups = (int)(read.Use.Node.Attribute.FirstOrDefault(a => a.Name == "group")?.I ?? 1);
        int n = (int)shape[0];
        int k = checked((int)shape.Skip(1).Aggregate(1L, (a, b) => checked(a * b)));
        if (groups < 1 || n % groups != 0)
        {
            return (null, $"Conv with {n} output channels in {groups} groups is malformed.");
        }
        if (groups > 1 && shape[1] == 1)
        {
            return (null, $"A depthwise filter: {k} weights per channel, so a scale per channel would take as many bytes as it saves.");
        }
        return (new(SiteKind.Conv, k, n, groups, WeightLayout.NByK, read.Use.Node.Input[0]), "");
    }

    private static (SiteView?, string) Gather(ConstantRead read)
    {
        IReadOnlyList<long> shape = read.Constant.Shape;
        long axis = read.Use.Node.Attribute.FirstOrDefault(a => a.Name == "axis")?.I ?? 0;
        if (read.Use.Index != 0 || shape.Count != 2 || (axis != 0 && axis != -2))
        {
            return (null, "Read by a Gather that is not a look-up of rows in a 2-D table.");
        }
        return (new(SiteKind.Gather, (int)shape[1], (int)shape[0], 1, WeightLayout.NByK, read.Use.Node.Input[1]), "");
    }
}
