using System.Text.Json;
using Lorq.Diagnostics;

namespace Lorq.Profiling;

/// <summary>A node's time in one run.</summary>
/// <param name="Name">The node's name in the optimized graph, or one that ONNX Runtime made up.</param>
/// <param name="Operator">Its operator.</param>
/// <param name="Seconds">Time inside its kernel.</param>
internal sealed record NodeTime(string Name, string Operator, double Seconds);

/// <summary>One run of a model.</summary>
/// <param name="Seconds">From call to return.</param>
/// <param name="Nodes">The nodes of the main graph in the order in which they ran; a node with subgraphs stands for what is inside.</param>
internal sealed record RunTrace(double Seconds, IReadOnlyList<NodeTime> Nodes);

/// <summary>
/// Reads ONNX Runtime's profile: a JSON array of trace events, in microseconds. Events and properties that are not known are passed over.
/// The file is never held as a whole.
/// </summary>
internal sealed class ProfileReader
{
    private const string KernelSuffix = "_kernel_time";
    private const double Microsecond = 1e-6;

    private static readonly HashSet<string> ControlFlow = ["If", "Loop", "Scan"];

    private readonly List<Event> nodes = [];
    private readonly List<Event> runs = [];
    private Event current = new();
    private string property = "";
    private bool isInArguments;

    private ProfileReader() { }

    /// <summary>Reads a profile.</summary>
    /// <param name="stream">The profile.</param>
    /// <param name="path">What errors call it.</param>
    /// <returns>The runs in order.</returns>
    /// <exception cref="LorqException">LORQ0807: it is no complete profile, or has no runs.</exception>
    public static IReadOnlyList<RunTrace> Read(Stream stream, string path)
    {
        var reader = new ProfileReader();
        try
        {
            reader.ReadEvents(stream);
        }
        catch (JsonException e)
        {
            throw Catalogue.ProfileUnreadable.With(path, e.Message);
        }
        return reader.runs.Count == 0 ? throw Catalogue.ProfileUnreadable.With(path, "it records no run.") : reader.Traces();
    }

    private void ReadEvents(Stream stream)
    {
        byte[] buffer = new byte[1 << 16];
        int filled = 0;
        JsonReaderState state = default;
        for (bool isLast = false; !isLast; )
        {
            int read = stream.Read(buffer, filled, buffer.Length - filled);
            filled += read;
            isLast = read == 0;
            var reader = new Utf8JsonReader(buffer.AsSpan(0, filled), isLast, state);
            while (reader.Read())
            {
                Take(ref reader);
            }
            state = reader.CurrentState;
            int consumed = (int)reader.BytesConsumed;
            buffer.AsSpan(consumed, filled - consumed).CopyTo(buffer);
            filled -= consumed;
            if (filled == buffer.Length)
            {
                Array.Resize(ref buffer, 2 * buffer.Length);
            }
        }
    }

    // Depth 1: an event; 2: its properties; 3: those of its arguments.
    private void Take(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject when reader.CurrentDepth == 1:
                current = new Event();
                break;
            case JsonTokenType.EndObject when reader.CurrentDepth == 1:
                Finish();
                break;
            case JsonTokenType.PropertyName when reader.CurrentDepth <= 3:
                property = reader.GetString()!;
                isInArguments = reader.CurrentDepth == 2 ? property == "args" : isInArguments;
                break;
            case JsonTokenType.String when reader.CurrentDepth == 2 && property == "cat":
                current.Category = reader.GetString()!;
                break;
            case JsonTokenType.String when reader.CurrentDepth == 2 && property == "name":
                current.Name = reader.GetString()!;
                break;
            case JsonTokenType.Number when reader.CurrentDepth == 2 && property == "ts":
                current.Start = reader.GetDouble();
                break;
            case JsonTokenType.Number when reader.CurrentDepth == 2 && property == "dur":
                current.Duration = reader.GetDouble();
                break;
            case JsonTokenType.String when reader.CurrentDepth == 3 && isInArguments && property == "op_name":
                current.Operator = reader.GetString()!;
                break;
            default:
                break;
        }
    }

    private void Finish()
    {
        if (current is { Category: "Session", Name: "model_run" })
        {
            runs.Add(current);
        }
        else if (current.Category == "Node" && current.Name.EndsWith(KernelSuffix, StringComparison.Ordinal))
        {
            if (ControlFlow.Contains(current.Operator))
            {
                // Events are written as they end: those of a subgraph stand before their node's, and began after it.
                while (nodes.Count > 0 && nodes[^1].Start >= current.Start)
                {
                    nodes.RemoveAt(nodes.Count - 1);
                }
            }
            nodes.Add(current);
        }
    }

    private List<RunTrace> Traces()
    {
        runs.Sort((a, b) => a.Start.CompareTo(b.Start));
        return
        [
            .. runs.Select(run => new RunTrace(
                run.Duration * Microsecond,
                [
                    .. nodes
                        .Where(n => n.Start >= run.Start && n.Start <= run.Start + run.Duration)
                        .Select(n => new NodeTime(n.Name[..^KernelSuffix.Length], n.Operator, n.Duration * Microsecond)),
                ]
            )),
        ];
    }

    private sealed class Event
    {
        public string Category { get; set; } = "";
        public string Name { get; set; } = "";
        public string Operator { get; set; } = "";
        public double Start { get; set; }
        public double Duration { get; set; }
    }
}
