using Lorq.Models;

namespace Lorq.Sites;

/// <summary>What reads the weight.</summary>
public enum SiteKind
{
    /// <summary>MatMul with a constant 2-D operand on either side.</summary>
    MatMul,

    /// <summary>Gemm with a constant second (or first) operand.</summary>
    Gemm,

    /// <summary>Conv filter.</summary>
    Conv,

    /// <summary>Gather from a constant table: an embedding.</summary>
    Gather,

    /// <summary>MatMul with a constant 3-D operand: one matrix per expert.</summary>
    Experts,
}

/// <summary>How the tensor at the place of use holds the K×N view (blocks of a quantizer always run along K).</summary>
public enum WeightLayout
{
    /// <summary>Row-major K×N: MatMul's right operand, Gemm without transB. With groups: [Groups, K, N/Groups].</summary>
    KByN,

    /// <summary>Row-major N×K, so K is contiguous: Gemm with transB, a Conv filter [Cout, Cin/g·kh·kw], a Gather table [V, D], MatMul's left operand [M, K].</summary>
    NByK,
}

/// <summary>
/// One compressible weight in its K×N view. K is the axis along which blocks of codes run and over which the second moment H is
/// taken: the contraction axis; for a Gather table it is the embedding width D, and N is the number of rows V
/// (a tied output projection x·Tᵀ has exactly the same view).
/// </summary>
/// <param name="Name">The stored tensor's name, unique among sites; what specs, reports and errors call it.</param>
/// <param name="Kind">What reads it; for a tied weight the kind of the first use.</param>
/// <param name="Weight">The constant as the first use sees it.</param>
/// <param name="K">Rows of the view.</param>
/// <param name="N">Columns of the view over all groups.</param>
/// <param name="Groups">Conv groups or experts: columns fall into this many equal runs, each with an input of its own. 1 otherwise.</param>
/// <param name="Layout">How the tensor at the place of use maps onto K×N.</param>
/// <param name="Uses">Every node that reads it, in graph order; more than one when tied.</param>
public sealed record Site(
    string Name,
    SiteKind Kind,
    ConstantTensor Weight,
    int K,
    int N,
    int Groups,
    WeightLayout Layout,
    IReadOnlyList<SiteUse> Uses
)
{
    /// <summary>Number of weights.</summary>
    public long Count => (long)K * N;

    /// <summary>Bytes the stored tensor takes in the original file.</summary>
    public long StoredBytes => Weight.StoredBytes;

    /// <summary>The values in the K×N view, row-major, as fp32; a new array each call.</summary>
    public float[] ReadWeight()
    {
        float[] stored = Weight.ReadFloats();
        return ToView(stored, K, N, Groups, Layout);
    }

    /// <summary>Rearranges a tensor from its stored layout to the row-major K×N view.</summary>
    public static float[] ToView(float[] stored, int k, int n, int groups, WeightLayout layout)
    {
        if (layout == WeightLayout.NByK)
        {
            var view = new float[stored.Length];
            Numerics.Transposition.Transpose(stored, n, k, view);
            return view;
        }
        return groups == 1 ? stored : Regroup(stored, k, n, groups, toView: true);
    }

    /// <summary>Rearranges a row-major K×N view to a stored layout; the inverse of <see cref="ToView"/>.</summary>
    public static float[] FromView(float[] view, int k, int n, int groups, WeightLayout layout)
    {
        if (layout == WeightLayout.NByK)
        {
            var stored = new float[view.Length];
            Numerics.Transposition.Transpose(view, k, n, stored);
            return stored;
        }
        return groups == 1 ? view : Regroup(view, k, n, groups, toView: false);
    }

    private static float[] Regroup(float[] source, int k, int n, int groups, bool toView)
    {
        var target = new float[source.Length];
        int perGroup = n / groups;
        for (int g = 0; g < groups; g++)
        {
            for (int row = 0; row < k; row++)
            {
                int stored = (g * k + row) * perGroup;
                int view = row * n + g * perGroup;
                source.AsSpan(toView ? stored : view, perGroup).CopyTo(target.AsSpan(toView ? view : stored, perGroup));
            }
        }
        return target;
    }
}

/// <summary>One node that reads a site's weight.</summary>
/// <param name="Use">The node, its scope, and which input the weight is.</param>
/// <param name="Kind">What kind of node it is.</param>
/// <param name="InputTensor">The activation (or index) tensor that meets the weight.</param>
/// <param name="WeightOnLeft">MatMul with the constant as the left operand: y = W'·x.</param>
/// <param name="Layout">How the tensor at this use maps onto the site's K×N view.</param>
public sealed record SiteUse(NodeUse Use, SiteKind Kind, string InputTensor, bool WeightOnLeft, WeightLayout Layout);

/// <summary>A constant float tensor that is not compressed, and why, in words a user can act on.</summary>
/// <param name="Name">The stored tensor's name.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Bytes">Bytes it takes in the file.</param>
/// <param name="Node">The node that reads it (name or operator), or empty.</param>
/// <param name="Reason">Why it is left alone.</param>
public sealed record LeftAlone(string Name, IReadOnlyList<long> Shape, long Bytes, string Node, string Reason);

/// <summary>Everything the compiler found: sites in graph order, and the rest with reasons.</summary>
public sealed record SiteTable(IReadOnlyList<Site> Sites, IReadOnlyList<LeftAlone> LeftAlone);
