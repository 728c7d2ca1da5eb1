namespace Lorq.Reports;

/// <summary>
/// Where the time of two models goes, by ONNX Runtime's profile of both on the same samples. Times are in seconds per run: the mean over
/// the middle half of the runs, ordered by the time of the whole run; so every sum of parts is exact, and outliers count for nothing.
/// </summary>
public sealed record SpeedFacts
{
    /// <summary>Seconds per run of each model, profiler on; the sum of <see cref="Groups"/>, <see cref="Other"/> and <see cref="Between"/>.</summary>
    public required TimePair Run { get; init; }

    /// <summary>
    /// Compressible weights with the nodes that compute with them: sites that some node of either model joins, and what was fused
    /// with them in either model, are one group. The slowest first.
    /// </summary>
    public required IReadOnlyList<SiteGroupTime> Groups { get; init; }

    /// <summary>All other nodes.</summary>
    public required TimePair Other { get; init; }

    /// <summary>Time of the runs outside of nodes.</summary>
    public required TimePair Between { get; init; }

    /// <summary>Time per operator, that of most time first; a node with subgraphs counts as one.</summary>
    public required IReadOnlyList<OperatorTime> Operators { get; init; }

    /// <summary>Timed runs of each model, in turns.</summary>
    public required int Runs { get; init; }

    /// <summary>Untimed runs before.</summary>
    public required int WarmUps { get; init; }

    /// <summary>What was run: every input with its dimensions.</summary>
    public required string Batch { get; init; }

    /// <summary>Threads inside an operator; 0 for one per core.</summary>
    public required int Threads { get; init; }

    /// <summary>Architecture, cores and the widest vectors that the processor offers.</summary>
    public required string Processor { get; init; }

    /// <summary>How nodes of <c>ai.lorq</c> ran; null when there are none.</summary>
    public required string? LorqNodes { get; init; }

    /// <summary>True when an earlier run on this machine wrote the same file and timed it.</summary>
    public bool IsEarlier { get; init; }
}

/// <summary>A time in each model.</summary>
/// <param name="Before">In the original, seconds.</param>
/// <param name="After">In the other model.</param>
public sealed record TimePair(double Before, double After)
{
    /// <summary>After over before; null when there is no time before.</summary>
    public double? Ratio => Before > 0 ? After / Before : null;
}

/// <summary>Time of a group of sites.</summary>
/// <param name="Sites">Their names, in graph order.</param>
/// <param name="Kind">What reads them: MatMul, Gemm, Conv, Gather, Experts, or several.</param>
/// <param name="BytesBefore">Bytes of their weights in the original.</param>
/// <param name="BytesAfter">In the other model; null when it has nothing that stands for one of them.</param>
/// <param name="Time">Time of their nodes.</param>
/// <param name="NodesBefore">Their nodes in the original as it runs, for example <c>2 Gemm</c>.</param>
/// <param name="NodesAfter">In the other model.</param>
public sealed record SiteGroupTime(
    IReadOnlyList<string> Sites,
    string Kind,
    long BytesBefore,
    long? BytesAfter,
    TimePair Time,
    string NodesBefore,
    string NodesAfter
)
{
    /// <summary>The first site's name, and how many more there are.</summary>
    internal string Name => Sites.Count == 1 ? Sites[0] : $"{Sites[0]} + {Sites.Count - 1}";
}

/// <summary>Time of all nodes of one operator.</summary>
/// <param name="Operator">The operator.</param>
/// <param name="NodesBefore">Nodes in the original as it runs.</param>
/// <param name="NodesAfter">In the other model.</param>
/// <param name="Time">Their time.</param>
public sealed record OperatorTime(string Operator, int NodesBefore, int NodesAfter, TimePair Time);
