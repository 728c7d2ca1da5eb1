using Lorq.Onnx;
using Lorq.Rewriting.Encodings;
using Lorq.Sites;

namespace Lorq.Rewriting;

/// <summary>Gemm with a quantized second operand: <c>Y = alpha·op(A)·W + beta·C</c> around a node that computes <c>A·W</c>.</summary>
internal static class Gemms
{
    /// <summary>The nodes in order; the last one writes the Gemm's output.</summary>
    public static List<NodeProto> ToMatMulNBits(ChainBuilder chain, SiteUse use, PackedWeight weight, int k, int n, int accuracyLevel) =>
        Around(
            chain,
            use,
            n,
            takesBias: true,
            (input, output, bias) => Kernels.MatMulNBits(weight, input, output, k, n, bias, accuracyLevel)
        );

    /// <summary>Wraps a product node into transA, alpha and beta·C.</summary>
    /// <param name="chain">For names and constants.</param>
    /// <param name="use">The Gemm; the weight is its second input.</param>
    /// <param name="n">Columns.</param>
    /// <param name="takesBias">True when the product node can add a vector of length N itself.</param>
    /// <param name="product">(input, output, bias or null) → the product node.</param>
    public static List<NodeProto> Around(
        ChainBuilder chain,
        SiteUse use,
        int n,
        bool takesBias,
        Func<string, string, string?, NodeProto> product
    )
    {
        NodeProto gemm = use.Use.Node;
        float alpha = Attributes.GetFloat(gemm, "alpha", 1);
        float beta = Attributes.GetFloat(gemm, "beta", 1);
        string input = gemm.Input[0];
        string? addend = gemm.Input.Count > 2 && gemm.Input[2].Length > 0 && beta != 0 ? gemm.Input[2] : null;
        var nodes = new List<NodeProto>();
        if (Attributes.GetInt(gemm, "transA", 0) != 0)
        {
            input = Append("Transpose", [input], Attributes.Ints("perm", 1, 0));
        }
        bool bias =
            takesBias
            && addend is not null
            && alpha == 1
            && beta == 1
            && use.Use.Scope.Shape(addend) is [var length]
            && length == n
            && use.Use.Scope.Constant(addend) is not null;
        NodeProto core = product(input, chain.NewName(), bias ? addend : null);
        nodes.Add(core);
        string result = core.Output[0];
        if (alpha != 1)
        {
            result = Append("Mul", [result, Scalar(alpha)]);
        }
        if (addend is not null && !bias)
        {
            string scaled = beta == 1 ? addend : Append("Mul", [addend, Scalar(beta)]);
            result = Append("Add", [result, scaled]);
        }
        nodes[^1].Output[0] = gemm.Output[0];
        return nodes;

        string Append(string operation, string[] inputs, params AttributeProto[] attributes)
        {
            var node = new NodeProto { OpType = operation };
            node.Input.AddRange(inputs);
            node.Output.Add(chain.NewName());
            node.Attribute.AddRange(attributes);
            nodes.Add(node);
            return node.Output[0];
        }

        string Scalar(float value) =>
            use.Use.Scope.Constant(gemm.Input[1])?.ElementType == TensorProto.Types.DataType.Float16
                ? chain.Shared(TensorProto.Types.DataType.Float16, [], BitConverter.GetBytes((Half)value))
                : chain.SharedFloat(value);
    }
}
