using Lorq.Decomposition;
using Lorq.Rewriting.Encodings;
using Lorq.Sites;
using DataType = Lorq.Onnx.TensorProto.Types.DataType;

namespace Lorq.Rewriting;

/// <summary>
/// The two factors of one site as its readers want them. Each is stored once, in the orientation that is asked for first; any
/// other is a Transpose or Reshape of it at load.
/// </summary>
/// <param name="chain">Where to write.</param>
/// <param name="site">The site.</param>
/// <param name="factors">The pair.</param>
/// <param name="type">Element type of the tensors.</param>
internal sealed class FactorTensors(ChainBuilder chain, Site site, PlannedFactors factors, DataType type)
{
    private readonly List<View> left = [];
    private readonly List<View> right = [];

    private FactorShape Shape => factors.Shape;

    /// <summary>The tensors' element type.</summary>
    public DataType Type => type;

    /// <summary>A as [K, r].</summary>
    public string Left() => Find(left, false, [site.K, Shape.Rank], [site.K, 1], LeftValues);

    /// <summary>Aᵀ as [r, K], or with K spread over the dims of a filter.</summary>
    public string LeftTransposed(params ReadOnlySpan<long> filter)
    {
        long[] inner = filter.IsEmpty ? [site.K] : filter.ToArray();
        return Find(left, true, [Shape.Rank, .. inner], [1, .. inner], LeftValues);
    }

    /// <summary>C as [r, N]; with one matrix per group as [groups, r, N/groups].</summary>
    public string Right()
    {
        long perGroup = site.N / site.Groups;
        return site.Groups == 1
            ? Find(right, false, [Shape.Rank, site.N], [1, site.N], RightValues)
            : Find(right, false, [site.Groups, Shape.Rank, perGroup], [site.Groups, 1, perGroup], RightValues, site.Groups);
    }

    /// <summary>Cᵀ as [N, r], followed by as many dims of length 1 as are asked for.</summary>
    public string RightTransposed(int trailing = 0)
    {
        long[] ones = [.. Enumerable.Repeat(1L, trailing)];
        return Find(right, true, [site.N, Shape.Rank, .. ones], [site.N, 1, .. ones], RightValues);
    }

    /// <summary>A·C as a tensor laid out like the weight, computed at load.</summary>
    /// <param name="layout">How the tensor holds the K×N view.</param>
    /// <param name="dims">Its dims.</param>
    public string Product(WeightLayout layout, long[] dims)
    {
        string product =
            layout == WeightLayout.NByK
                ? chain.Add("MatMul", [RightTransposed(), LeftTransposed()])
                : chain.Add("MatMul", [Left(), Right()]);
        bool matrix = dims.Length == (layout == WeightLayout.KByN && site.Groups > 1 ? 3 : 2);
        return matrix ? product : chain.Reshape(product, dims);
    }

    private Factor LeftValues() => factors.Values.Left;

    private Factor RightValues() => factors.Values.Right;

    private string Find(List<View> views, bool transposed, long[] dims, long[] scaleDims, Func<Factor> values, int groups = 1)
    {
        if (views.Find(v => v.Transposed == transposed && v.Dims.AsSpan().SequenceEqual(dims)) is { } known)
        {
            return known.Tensor;
        }
        string tensor =
            views.Count == 0
                ? FactorValues.Emit(chain, Shape.Type, new StorageOrder(transposed, groups), dims, scaleDims, type, values)
                : Relaid(views[0], transposed, dims);
        views.Add(new View(tensor, transposed, dims));
        return tensor;
    }

    private string Relaid(View stored, bool transposed, long[] dims)
    {
        if (stored.Transposed == transposed)
        {
            return chain.Reshape(stored.Tensor, dims);
        }
        string flat =
            stored.Dims.Length == 2
                ? stored.Tensor
                : chain.Reshape(stored.Tensor, [stored.Dims[0], stored.Dims.Skip(1).Aggregate((a, d) => a * d)]);
        string turned = chain.Add("Transpose", [flat], Attributes.Ints("perm", 1, 0));
        return dims.Length == 2 ? turned : chain.Reshape(turned, dims);
    }

    private sealed record View(string Tensor, bool Transposed, long[] Dims);
}
