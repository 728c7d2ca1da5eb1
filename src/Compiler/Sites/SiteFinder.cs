using Lorq.Models;
using Lorq.Onnx;
using Lorq.Specs;

namespace Lorq.Sites;

/// <summary>
/// Finds every compressible weight of a model, and for every other constant float tensor the reason it is left alone.
/// One rule per operator (<see cref="SiteRules"/>); this class gathers the reads of each stored tensor and joins them.
/// </summary>
public static class SiteFinder
{
    /// <summary>Below this many weights the scales and decoding nodes outweigh what codes save.</summary>
    public const int SmallestSite = 1024;

    private static readonly HashSet<string> Folded = ["Identity", "Transpose", "Reshape", "Cast", "Squeeze", "Unsqueeze"];

    /// <summary>Finds the sites of a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="spec">Exclusions and overrides; every pattern must name a site.</param>
    /// <exception cref="Diagnostics.LorqException">A pattern of the spec names no site.</exception>
    public static SiteTable Find(OnnxModel model, CompressionSpec spec)
    {
        var sites = new List<Site>();
        var alone = new List<LeftAlone>();
        foreach (List<ConstantRead> reads in Reads(model))
        {
            ConstantTensor first = reads[0].Constant;
            switch (Judge(reads))
            {
                case Site site when Excluded(site, spec):
                    alone.Add(Describe(first, reads, "Excluded by the spec."));
                    break;
                case Site site:
                    sites.Add(site);
                    break;
                case string reason:
                    alone.Add(Describe(first, reads, reason));
                    break;
            }
        }
        foreach (GraphScope scope in model.Scopes.Where(s => s.Graph is not null))
        {
            foreach (SparseTensorProto sparse in scope.Graph!.SparseInitializer)
            {
                alone.Add(
                    new(
                        sparse.Values?.Name ?? "",
                        [.. sparse.Dims],
                        sparse.CalculateSize(),
                        "",
                        "A sparse initializer: it is already stored compactly. Store it densely to have it quantized."
                    )
                );
            }
        }
        CheckPatterns(spec, sites, alone);
        return new SiteTable(sites, alone);
    }

    /// <summary>The names a spec's pattern may match: the stored tensor's and those of the nodes that read it.</summary>
    public static IEnumerable<string> Names(Site site) =>
        site.Uses.Select(u => u.Use.Node.Name).Where(n => n.Length > 0).Prepend(site.Name);

    private static bool Excluded(Site site, CompressionSpec spec) =>
        spec.Exclude.Any(p => GlobMatcher.Matches(p, Names(site))) || spec.OverrideFor(site)?.Keep == true;

    private static void CheckPatterns(CompressionSpec spec, List<Site> sites, List<LeftAlone> alone)
    {
        string[] names = [.. sites.SelectMany(Names), .. alone.Select(a => a.Name), .. alone.Select(a => a.Node)];
        foreach (string pattern in spec.Exclude.Concat(spec.Overrides.Select(o => o.Match)))
        {
            GlobMatcher.RequireMatch(pattern, names);
        }
    }

    /// <summary>All reads of constant float tensors, grouped by stored tensor, in the order of their first read.</summary>
    private static List<List<ConstantRead>> Reads(OnnxModel model)
    {
        var groups = new List<List<ConstantRead>>();
        var byOrigin = new Dictionary<(GraphScope, string), List<ConstantRead>>();
        foreach (GraphScope scope in model.Scopes)
        {
            foreach (NodeProto node in scope.Nodes)
            {
                if (
                    Folded.Contains(node.OpType)
                    && node.Output.Count > 0
                    && scope.Constant(node.Output[0]) is not null
                    && !scope.IsOutput(node.Output[0])
                )
                {
                    continue;
                }
                for (int i = 0; i < node.Input.Count; i++)
                {
                    if (
                        node.Input[i].Length == 0
                        || scope.Constant(node.Input[i]) is not { } constant
                        || !IsFloat(constant.Origin.DataType)
                    )
                    {
                        continue;
                    }
                    var key = (constant.OriginScope, constant.OriginName);
                    if (!byOrigin.TryGetValue(key, out List<ConstantRead>? reads))
                    {
                        byOrigin.Add(key, reads = []);
                        groups.Add(reads);
                    }
                    reads.Add(new ConstantRead(new NodeUse(scope, node, i), constant));
                }
            }
        }
        return groups;
    }

    /// <summary>A <see cref="Site"/>, or the reason (a string) why there is none.</summary>
    private static object Judge(List<ConstantRead> reads)
    {
        ConstantTensor first = reads[0].Constant;
        if (first.IsOverridable)
        {
            return "It is also a graph input, so a caller may replace it; remove it from the graph's inputs to have it compressed.";
        }
        if (first.Origin.DataType == (int)TensorProto.Types.DataType.Double)
        {
            return "It is fp64; convert the model to fp32 to have it compressed.";
        }
        if (first.OriginScope.IsOutput(first.OriginName))
        {
            return "It is an output of the graph.";
        }
        var views = new List<SiteView>(reads.Count);
        foreach (ConstantRead read in reads)
        {
            if (read.Use.Scope.Parent is not null || read.Use.Scope.Function is not null)
            {
                return $"It is read inside '{read.Use.Scope.Path}', whose inputs calibration cannot see; inline that subgraph or function to have it compressed.";
            }
            (SiteView? view, string reason) = SiteRules.View(read);
            if (view is null)
            {
                return reason;
            }
            if (view.Kind != SiteKind.Gather && read.Use.Scope.Constant(view.InputTensor) is not null)
            {
                return $"Both operands of {read.Use.Node.OpType} are constant; store their result instead to have it compressed.";
            }
            views.Add(view);
        }
        SiteView v = views[0];
        if ((long)v.K * v.N < SmallestSite)
        {
            return $"Only {(long)v.K * v.N} weights: scales and decoding nodes would take more bytes than codes save.";
        }
        for (int i = 1; i < views.Count; i++)
        {
            if (views[i].K != v.K || views[i].N != v.N || views[i].Groups != v.Groups || !SameView(reads, views, i))
            {
                return "It is read by several nodes that see it as different matrices; give each node its own copy to have it compressed.";
            }
        }
        SiteUse[] uses = [.. reads.Zip(views, (r, u) => new SiteUse(r.Use, u.Kind, u.InputTensor, u.WeightOnLeft, u.Layout))];
        return new Site(first.OriginName, v.Kind, first, v.K, v.N, v.Groups, v.Layout, uses);
    }

    private static bool SameView(List<ConstantRead> reads, List<SiteView> views, int i)
    {
        // The same tensor seen through the same operators in the same layout needs no look at the values.
        if (views[i].Layout == views[0].Layout && reads[i].Constant.Chain.SequenceEqual(reads[0].Constant.Chain))
        {
            return true;
        }
        float[] a = Site.ToView(reads[0].Constant.ReadFloats(), views[0].K, views[0].N, views[0].Groups, views[0].Layout);
        float[] b = Site.ToView(reads[i].Constant.ReadFloats(), views[i].K, views[i].N, views[i].Groups, views[i].Layout);
        return a.AsSpan().SequenceEqual(b);
    }

    private static LeftAlone Describe(ConstantTensor constant, List<ConstantRead> reads, string reason)
    {
        NodeProto node = reads[0].Use.Node;
        return new(
            constant.OriginName,
            [.. constant.Origin.Dims],
            constant.StoredBytes,
            node.Name.Length > 0 ? node.Name : node.OpType,
            reason
        );
    }

    private static bool IsFloat(int type) =>
        (TensorProto.Types.DataType)type
            is TensorProto.Types.DataType.Float
                or TensorProto.Types.DataType.Float16
                or TensorProto.Types.DataType.Bfloat16
                or TensorProto.Types.DataType.Double;
}

/// <summary>One node's read of a constant.</summary>
internal sealed record ConstantRead(NodeUse Use, ConstantTensor Constant);

/// <summary>A constant as the K×N view of the node that reads it.</summary>
internal sealed record SiteView(
    SiteKind Kind,
    int K,
    int N,
    int Groups,
    WeightLayout Layout,
    string InputTensor,
    bool WeightOnLeft = false
);
