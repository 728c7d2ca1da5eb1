using Lorq.Models;
using Lorq.Rewriting.Encodings;
using Lorq.Sites;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting;

/// <summary>
/// A weight that is decoded to its element type at load and read by the nodes that read it before: works for every kind of reader.
/// A low-rank part is multiplied out and added there, so that it costs nothing at run time.
/// </summary>
internal static class DecodedWeight
{
    /// <summary>Adds chains and replacements.</summary>
    /// <param name="edit">The site's edit.</param>
    /// <param name="segments">The codes.</param>
    /// <param name="factors">The low-rank part, or null.</param>
    public static void Emit(SiteEdit edit, IReadOnlyList<WeightSegment> segments, PlannedFactors? factors)
    {
        ChainBuilder chain = edit.Chain;
        var tensors = new Dictionary<(WeightLayout Layout, string Shape), string>();
        (string Tensor, WeightLayout Layout)? first = null;
        foreach (SiteUse use in edit.Site.Uses)
        {
            ConstantTensor constant = ConstantOf(use);
            long[] dims = [.. constant.Shape];
            (WeightLayout, string) key = (use.Layout, string.Join(',', dims));
            if (!tensors.TryGetValue(key, out string? tensor))
            {
                tensor = first is { } stored
                    ? Relaid(chain, stored.Tensor, stored.Layout == use.Layout, dims)
                    : Decoded(edit, segments, factors, use.Layout, dims, constant.ElementType);
                first ??= (tensor, use.Layout);
                tensors.Add(key, tensor);
            }
            edit.Reread(use, tensor);
        }
    }

    /// <summary>The weight as a reader sees it.</summary>
    public static ConstantTensor ConstantOf(SiteUse use) =>
        use.Use.Scope.Constant(use.Use.Node.Input[use.Use.Index])
        ?? throw new InvalidOperationException($"The site's reader {use.Use.Node.Name} reads no constant.");

    private static string Decoded(
        SiteEdit edit,
        IReadOnlyList<WeightSegment> segments,
        PlannedFactors? factors,
        WeightLayout layout,
        long[] dims,
        DataType type
    )
    {
        ChainBuilder chain = edit.Chain;
        var order = new StorageOrder(layout == WeightLayout.NByK, edit.Site.Groups);
        if (factors is null)
        {
            return DecodedValues.Emit(chain, segments, order, dims, type);
        }
        // In fp32, so that the sum is rounded once.
        string codes = DecodedValues.Emit(chain, segments, order, dims, DataType.Float);
        string product = new FactorTensors(chain, edit.Site, factors, DataType.Float).Product(layout, dims);
        string sum = chain.Add("Add", [codes, product]);
        return type == DataType.Float ? sum : chain.Cast(sum, type);
    }

    private static string Relaid(ChainBuilder chain, string tensor, bool sameLayout, long[] dims) =>
        sameLayout ? chain.Reshape(tensor, dims)
        : dims.Length == 2 ? chain.Add("Transpose", [tensor], Attributes.Ints("perm", 1, 0))
        : chain.Reshape(chain.Add("Transpose", [tensor]), dims);
}
