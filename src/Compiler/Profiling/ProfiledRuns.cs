using Lorq.Onnx;

namespace Lorq.Profiling;

/// <summary>The middle half of a model's timed runs, by the time of the whole run: their mean per node adds up to their mean per run.</summary>
internal sealed class ProfiledRuns
{
    private readonly IReadOnlyList<RunTrace> middle;

    /// <summary>Takes the middle runs.</summary>
    /// <param name="graph">The graph that ran.</param>
    /// <param name="runs">The runs that count.</param>
    /// <exception cref="ArgumentException">There are none.</exception>
    public ProfiledRuns(GraphProto graph, IEnumerable<RunTrace> runs)
    {
        Graph = graph;
        RunTrace[] ordered = [.. runs.OrderBy(r => r.Seconds)];
        int cut = ordered.Length / 4;
        middle = ordered[cut..^cut];
        if (middle.Count == 0)
        {
            throw new ArgumentException("There is no run to average.", nameof(runs));
        }
    }

    /// <summary>The graph that ran.</summary>
    public GraphProto Graph { get; }

    /// <summary>Mean time of a run.</summary>
    public double Seconds => middle.Average(r => r.Seconds);

    /// <summary>Mean time per node of the graph; the second is that of nodes that are not in it.</summary>
    /// <param name="optimized">The graph.</param>
    public (double[] Nodes, double Unknown) Mean(OptimizedGraph optimized)
    {
        var seconds = new double[Graph.Node.Count];
        double unknown = 0;
        foreach (RunTrace run in middle)
        {
            int[] places = optimized.Places(run.Nodes);
            for (int i = 0; i < places.Length; i++)
            {
                if (places[i] >= 0)
                {
                    seconds[places[i]] += run.Nodes[i].Seconds / middle.Count;
                }
                else
                {
                    unknown += run.Nodes[i].Seconds / middle.Count;
                }
            }
        }
        return (seconds, unknown);
    }

    /// <summary>Nodes and mean time per operator.</summary>
    public IReadOnlyDictionary<string, (int Nodes, double Seconds)> ByOperator() =>
        middle
            .SelectMany(r => r.Nodes)
            .GroupBy(n => n.Operator)
            .ToDictionary(g => g.Key, g => ((int)Math.Round((double)g.Count() / middle.Count), g.Sum(n => n.Seconds) / middle.Count));
}
