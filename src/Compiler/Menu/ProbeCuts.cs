using Lorq.Calibration;
using Lorq.Models;
using Lorq.Sites;

namespace Lorq.Menu;

/// <summary>
/// Cuts a model into parts that run one after another: a trial whose first replaced weight lies in a later part starts there, from
/// tensors that were kept.
/// </summary>
internal sealed class ProbeCuts
{
    /// <summary>Parts at most: more save little and each is a session of its own.</summary>
    private const int MostParts = 8;

    /// <summary>Sites per part at least.</summary>
    private const int SitesPerPart = 4;

    private readonly DataFlow flow;
    private readonly string[] outputs;

    /// <summary>Nodes that are run, every one after those it reads from.</summary>
    private readonly int[] nodes;

    /// <summary>Per tensor between nodes, how many of <see cref="nodes"/> come before its last reader.</summary>
    private readonly Dictionary<string, int> lastRead = new(StringComparer.Ordinal);

    private ProbeCuts(OnnxModel model)
    {
        flow = new DataFlow(model);
        outputs = [.. model.Proto.Graph.Output.Select(o => o.Name)];
        nodes = [.. flow.Topological.Where(n => !flow.IsStatic(n))];
        for (int i = 0; i < nodes.Length; i++)
        {
            foreach (string read in flow.Reads[nodes[i]])
            {
                lastRead[read] = i;
            }
        }
        foreach (string output in outputs)
        {
            lastRead[output] = nodes.Length;
        }
    }

    /// <summary>The parts, in order; one when there are few sites.</summary>
    /// <param name="model">The model.</param>
    /// <param name="sites">Its sites: parts hold about as many each.</param>
    public static IReadOnlyList<GraphSegment> Of(OnnxModel model, IReadOnlyList<Site> sites)
    {
        var cuts = new ProbeCuts(model);
        return cuts.Parts(cuts.Places(sites));
    }

    /// <summary>The whole model as one part.</summary>
    public static IReadOnlyList<GraphSegment> Whole(OnnxModel model) => new ProbeCuts(model).Parts([]);

    /// <summary>Where parts begin, the first left out: near even shares of the sites, where the fewest tensors have to be kept.</summary>
    private List<int> Places(IReadOnlyList<Site> sites)
    {
        var places = new List<int>();
        int parts = Math.Clamp(sites.Count / SitesPerPart, 1, MostParts);
        int[] crossing = Crossing();
        int[] before = SitesBefore(sites);
        for (int p = 1; p < parts; p++)
        {
            double aim = (double)sites.Count * p / parts;
            double reach = 0.5 * sites.Count / parts;
            int[] near = [.. Enumerable.Range(1, Math.Max(0, nodes.Length - 1)).Where(i => Math.Abs(before[i] - aim) < reach)];
            if (near.Length > 0)
            {
                places.Add(near.MinBy(i => (crossing[i], Math.Abs(before[i] - aim))));
            }
        }
        return places;
    }

    /// <summary>Per place, how many tensors are made before it and read from it on.</summary>
    private int[] Crossing()
    {
        var change = new int[nodes.Length + 2];
        for (int i = 0; i < nodes.Length; i++)
        {
            foreach (string made in flow[nodes[i]].Output.Where(o => lastRead.GetValueOrDefault(o, -1) > i))
            {
                change[i + 1]++;
                change[lastRead[made] + 1]--;
            }
        }
        for (int i = 1; i < change.Length; i++)
        {
            change[i] += change[i - 1];
        }
        return change;
    }

    /// <summary>Per place, how many sites are first read before it.</summary>
    private int[] SitesBefore(IReadOnlyList<Site> sites)
    {
        var rank = nodes.Select((n, i) => (n, i)).ToDictionary(p => p.n, p => p.i);
        var before = new int[nodes.Length + 1];
        foreach (Site site in sites)
        {
            before[1 + site.Uses.Min(u => rank.GetValueOrDefault(flow.Place(u.Use.Node), 0))]++;
        }
        for (int i = 1; i < before.Length; i++)
        {
            before[i] += before[i - 1];
        }
        return before;
    }

    private List<GraphSegment> Parts(List<int> places)
    {
        int[] ends = [.. places, nodes.Length];
        var parts = new List<GraphSegment>();
        int start = 0;
        foreach (int end in ends)
        {
            bool isLast = end == nodes.Length;
            int[] part = nodes[start..end];
            HashSet<string> made = [.. part.SelectMany(n => flow[n].Output)];
            IEnumerable<string> reads = part.SelectMany(n => flow.Reads[n]);
            if (isLast)
            {
                // What an earlier part made, or the caller gave, is handed through.
                reads = reads.Concat(outputs.Where(o => flow.IsInput(o) || flow.Producer(o) is not null));
            }
            IEnumerable<int> run = isLast ? part.Concat(outputs.Where(flow.IsStatic).Select(o => flow.Producer(o)!.Value)) : part;
            parts.Add(
                new GraphSegment(
                    flow.WithStatic(run.Distinct()),
                    [.. reads.Where(r => !made.Contains(r) && !flow.IsStatic(r)).Distinct()],
                    isLast ? outputs : [.. part.SelectMany(n => flow[n].Output).Where(o => lastRead.GetValueOrDefault(o, -1) >= end)]
                )
            );
            start = end;
        }
        return parts;
    }
}
