using Lorq.Onnx;

namespace Lorq.Rewriting.Encodings;

/// <summary>The nodes of ONNX Runtime's own domain that compute with packed codes.</summary>
internal static class Kernels
{
    /// <summary>The domain of both nodes.</summary>
    public const string Domain = "com.microsoft";

    /// <summary><c>output = input·W (+ bias)</c> with W [K, N] as packed codes.</summary>
    /// <param name="weight">The codes.</param>
    /// <param name="input">Activations [..., K].</param>
    /// <param name="output">Name of the result [..., N].</param>
    /// <param name="k">Inner dimension.</param>
    /// <param name="n">Columns.</param>
    /// <param name="bias">A vector of length N, or null.</param>
    /// <param name="accuracyLevel">0: fp32 accumulation; 4: activations rounded to int8 per block.</param>
    public static NodeProto MatMulNBits(PackedWeight weight, string input, string output, int k, int n, string? bias, int accuracyLevel)
    {
        var node = new NodeProto { OpType = "MatMulNBits", Domain = Domain };
        node.Input.Add([input, weight.Codes, weight.Scales]);
        if (weight.ZeroPoints is not null || bias is not null)
        {
            node.Input.Add(weight.ZeroPoints ?? "");
        }
        if (bias is not null)
        {
            node.Input.Add(["", bias]);
        }
        node.Output.Add(output);
        node.Attribute.Add(Attributes.Int("K", k));
        node.Attribute.Add(Attributes.Int("N", n));
        node.Attribute.Add(Attributes.Int("bits", weight.Lane));
        node.Attribute.Add(Attributes.Int("block_size", weight.Block));
        if (accuracyLevel != 0)
        {
            node.Attribute.Add(Attributes.Int("accuracy_level", accuracyLevel));
        }
        return node;
    }

    /// <summary><c>output = W[indices]</c>, rows of K weights, in the type of the scales.</summary>
    public static NodeProto GatherBlockQuantized(PackedWeight weight, string indices, string output)
    {
        var node = new NodeProto { OpType = "GatherBlockQuantized", Domain = Domain };
        node.Input.Add([weight.Codes, indices, weight.Scales]);
        if (weight.ZeroPoints is not null)
        {
            node.Input.Add(weight.ZeroPoints);
        }
        node.Output.Add(output);
        node.Attribute.Add(Attributes.Int("bits", weight.Lane));
        node.Attribute.Add(Attributes.Int("block_size", weight.Block));
        node.Attribute.Add(Attributes.Int("quantize_axis", 1));
        return node;
    }
}
