using Lorq.Calibration;
using Lorq.Models;
using Lorq.Onnx;
using Lorq.Sites;

namespace Lorq.Refinement;

/// <summary>One advance of the frontier: the nodes that lead from what is known to the next input that sites read.</summary>
/// <param name="Key">The tensor that is reached, and how its readers read it.</param>
/// <param name="Sites">The sites that read it and are fitted here.</param>
/// <param name="Segment">What to run for it; its outputs include the reached tensor. Without nodes when nothing new is needed.</param>
/// <param name="Passed">Tensors that nobody reads any more after this step.</param>
internal sealed record PrefixStep(MomentKey Key, IReadOnlyList<Site> Sites, GraphSegment Segment, IReadOnlyList<string> Passed);

/// <summary>
/// Cuts the graph at the inputs of its sites, so that a walk in graph order runs every node once: what is computed between two cuts
/// is kept as long as somebody reads it.
/// </summary>
internal sealed class PrefixSchedule
{
    private readonly DataFlow flow;

    private PrefixSchedule(OnnxModel model) => flow = new DataFlow(model);

    /// <summary>
    /// The steps for the given sites, in graph order. A site that something reads before its input is known is in none of them, and neither
    /// is one that meets nothing but constants: every segment that needs its product computes it again.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="keys">Per site the input that it is fitted to.</param>
    public static IReadOnlyList<PrefixStep> Of(OnnxModel model, IReadOnlyList<(Site Site, MomentKey Key)> keys) =>
        new PrefixSchedule(model).Steps(keys);

    private List<PrefixStep> Steps(IReadOnlyList<(Site Site, MomentKey Key)> keys)
    {
        var rank = new int[flow.Reads.Count];
        for (int i = 0; i < rank.Length; i++)
        {
            rank[flow.Topological[i]] = i;
        }
        // By the reader that the input belongs to: a tied table is looked up long before its projection's input is known.
        var groups = keys.Where(k => !k.Site.Uses.Any(u => flow.IsStatic(flow.Place(u.Use.Node))))
            .GroupBy(k => k.Key)
            .Select(g => (g.Key, Sites: g.Select(p => p.Site).ToArray()))
            .OrderBy(g => g.Sites.Min(s => s.Uses.Where(u => u.InputTensor == g.Key.Tensor).Min(u => rank[flow.Place(u.Use.Node)])))
            .ToArray();
        // What has to be run for each group, given what ran for those before it.
        var ran = new bool[rank.Length];
        var segments = new List<int[]>();
        foreach (var group in groups)
        {
            var needed = new SortedSet<int>(Comparer<int>.Create((a, b) => rank[a].CompareTo(rank[b])));
            Need(group.Key.Tensor, ran, needed);
            segments.Add([.. needed]);
            foreach (int node in needed)
            {
                ran[node] = true;
            }
        }
        var lastRead = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int g = 0; g < groups.Length; g++)
        {
            foreach (string name in segments[g].SelectMany(n => flow.Reads[n]).Append(groups[g].Key.Tensor))
            {
                lastRead[name] = g;
            }
        }
        var steps = new List<PrefixStep>();
        var alreadyRun = new HashSet<NodeProto>(ReferenceEqualityComparer.Instance);
        for (int g = 0; g < groups.Length; g++)
        {
            HashSet<string> made = [.. segments[g].SelectMany(n => flow[n].Output)];
            alreadyRun.UnionWith(segments[g].Select(n => flow[n]));
            string[] read = [.. segments[g].SelectMany(n => flow.Reads[n]).Where(r => !made.Contains(r) && !flow.IsStatic(r)).Distinct()];
            int step = g;
            steps.Add(
                new PrefixStep(
                    groups[g].Key,
                    // A table that was looked up on the way is fixed by now.
                    [.. groups[g].Sites.Where(s => !s.Uses.Any(u => alreadyRun.Contains(u.Use.Node)))],
                    new GraphSegment(
                        flow.WithStatic(segments[g]),
                        read,
                        [
                            .. segments[g]
                                .SelectMany(n => flow[n].Output)
                                .Where(o => o.Length > 0 && (lastRead.GetValueOrDefault(o, -1) > step || o == groups[step].Key.Tensor)),
                        ]
                    ),
                    [.. lastRead.Where(p => p.Value == step).Select(p => p.Key)]
                )
            );
        }
        return steps;
    }

    /// <summary>Adds the nodes, not run yet, that a tensor takes; those that fold constants are added where they are read.</summary>
    private void Need(string tensor, bool[] ran, SortedSet<int> needed)
    {
        var open = new Stack<string>([tensor]);
        while (open.TryPop(out string? name))
        {
            if (flow.Producer(name) is { } producer && !ran[producer] && !flow.IsStatic(producer) && needed.Add(producer))
            {
                foreach (string read in flow.Reads[producer])
                {
                    open.Push(read);
                }
            }
        }
    }
}
