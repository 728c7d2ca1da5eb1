using Lorq.Models;
using Lorq.Numerics;
using Lorq.Onnx;
using Lorq.Reports;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq.Profiling;

/// <summary>
/// Joins the node times of a model and of one made from it. Both graphs, as they run, are put over the original's: original nodes
/// that one node of either stands for belong together, so that a group computes the same in both.
/// </summary>
internal sealed class ProfileJoin
{
    private readonly Part before;
    private readonly Part after;

    /// <summary>Joins.</summary>
    /// <param name="original">The original model.</param>
    /// <param name="other">The model made from it.</param>
    /// <param name="runsBefore">Runs of the original.</param>
    /// <param name="runsAfter">Runs of the other.</param>
    public ProfileJoin(OnnxModel original, OnnxModel other, ProfiledRuns runsBefore, ProfiledRuns runsAfter)
    {
        var graph = new OriginalGraph(original);
        IReadOnlyList<Site> sites = SiteFinder.Find(original, new CompressionSpec()).Sites;
        before = new Part(graph, runsBefore);
        after = new Part(graph, runsAfter);

        var groups = new DisjointSets(graph.Count);
        foreach (IReadOnlyList<int> region in before.Regions.Concat(after.Regions).Concat(sites.Select(s => graph.Readers(s).ToArray())))
        {
            for (int i = 1; i < region.Count; i++)
            {
                groups.Join(region[0], region[i]);
            }
        }
        var bytes = new WrittenBytes(graph, other);
        Groups =
        [
            .. sites
                .Where(s => graph.Readers(s).Any())
                .GroupBy(s => groups.Find(graph.Readers(s).First()))
                .Select(g => Group([.. g], groups, g.Key, bytes))
                .OrderByDescending(g => Math.Max(g.Time.Before, g.Time.After)),
        ];
        Run = new TimePair(runsBefore.Seconds, runsAfter.Seconds);
        Other = new TimePair(before.Total - Groups.Sum(g => g.Time.Before), after.Total - Groups.Sum(g => g.Time.After));
        Between = new TimePair(Run.Before - before.Total, Run.After - after.Total);
        Operators = [.. ByOperator(runsBefore, runsAfter)];
    }

    /// <summary>Time per run.</summary>
    public TimePair Run { get; }

    /// <summary>Sites with their nodes, the slowest first.</summary>
    public IReadOnlyList<SiteGroupTime> Groups { get; }

    /// <summary>Nodes that belong to no site.</summary>
    public TimePair Other { get; }

    /// <summary>Time outside of nodes.</summary>
    public TimePair Between { get; }

    /// <summary>Time per operator.</summary>
    public IReadOnlyList<OperatorTime> Operators { get; }

    private SiteGroupTime Group(IReadOnlyList<Site> sites, DisjointSets groups, int key, WrittenBytes bytes)
    {
        (double secondsBefore, string nodesBefore) = before.Of(groups, key);
        (double secondsAfter, string nodesAfter) = after.Of(groups, key);
        long?[] written = [.. sites.Select(bytes.Of)];
        return new SiteGroupTime(
            [.. sites.Select(s => s.Name)],
            string.Join(", ", sites.SelectMany(s => s.Uses).Select(u => u.Kind).Distinct()),
            sites.Sum(s => s.StoredBytes),
            written.Any(w => w is null) ? null : written.Sum(),
            new TimePair(secondsBefore, secondsAfter),
            nodesBefore,
            nodesAfter
        );
    }

    private static IEnumerable<OperatorTime> ByOperator(ProfiledRuns runsBefore, ProfiledRuns runsAfter)
    {
        IReadOnlyDictionary<string, (int Nodes, double Seconds)> a = runsBefore.ByOperator();
        IReadOnlyDictionary<string, (int Nodes, double Seconds)> b = runsAfter.ByOperator();
        return a
            .Keys.Union(b.Keys)
            .Select(name =>
            {
                (int nodesBefore, double secondsBefore) = a.GetValueOrDefault(name);
                (int nodesAfter, double secondsAfter) = b.GetValueOrDefault(name);
                return new OperatorTime(name, nodesBefore, nodesAfter, new TimePair(secondsBefore, secondsAfter));
            })
            .OrderByDescending(o => Math.Max(o.Time.Before, o.Time.After))
            .ThenBy(o => o.Operator, StringComparer.Ordinal);
    }

    /// <summary>One of the two models over the original's graph.</summary>
    private sealed class Part
    {
        private readonly IReadOnlyList<NodeProto> nodes;
        private readonly double[] seconds;

        public Part(OriginalGraph original, ProfiledRuns runs)
        {
            nodes = runs.Graph.Node;
            var optimized = OptimizedGraph.Of(runs.Graph, original);
            Regions = optimized.Regions;
            (seconds, double unknown) = runs.Mean(optimized);
            Total = seconds.Sum() + unknown;
        }

        public IReadOnlyList<IReadOnlyList<int>> Regions { get; }

        public double Total { get; }

        public (double Seconds, string Nodes) Of(DisjointSets groups, int key)
        {
            int[] mine = [.. Enumerable.Range(0, nodes.Count).Where(i => Regions[i].Count > 0 && groups.Find(Regions[i][0]) == key)];
            string text = string.Join(
                ", ",
                mine.GroupBy(i => nodes[i].OpType).Select(g => g.Count() == 1 ? g.Key : $"{g.Count()} {g.Key}")
            );
            return (mine.Sum(i => seconds[i]), text);
        }
    }
}
