namespace Lorq.Reports;

/// <summary>The words of the speed section, the same in every form.</summary>
internal static class SpeedText
{
    /// <summary>How it was measured.</summary>
    public static string Method(SpeedFacts s) =>
        $"Time per run of {s.Batch} under ONNX Runtime's profiler: mean of the middle half of {Figures.Count(s.Runs, "run")} of each model in turns, after {s.WarmUps} that do not count; {Threads(s)}; {s.Processor}."
        + (s.LorqNodes is { } how ? $" Nodes of ai.lorq ran {how}." : "")
        + (s.IsEarlier ? " Timed by an earlier run on this machine that wrote the same file." : "");

    /// <summary>A time before and after.</summary>
    public static string Times(TimePair time) => $"{Figures.Milliseconds(time.Before)} → {Figures.Milliseconds(time.After)}";

    /// <summary>After over before, or a dash.</summary>
    public static string Ratio(TimePair time) => time.Ratio is double ratio ? Figures.Factor(ratio) : "–";

    /// <summary>The part of the compressed model's time.</summary>
    public static string Share(SpeedFacts s, TimePair time) => s.Run.After > 0 ? Figures.Percent(time.After / s.Run.After) : "–";

    /// <summary>Bytes after, or a dash.</summary>
    public static string BytesAfter(SiteGroupTime group) => group.BytesAfter is long bytes ? Figures.Bytes(bytes) : "–";

    /// <summary>The rows of every table: the slowest groups, the rest of them in one row, other nodes, and what is between nodes.</summary>
    /// <param name="s">The facts.</param>
    /// <param name="most">So many groups at most.</param>
    public static IEnumerable<SpeedRow> Rows(SpeedFacts s, int most)
    {
        // One row for the rest only where it stands for several.
        int shown = s.Groups.Count <= most ? s.Groups.Count : most - 1;
        foreach (SiteGroupTime g in s.Groups.Take(shown))
        {
            yield return new SpeedRow(g.Name, g.Kind, Figures.Bytes(g.BytesBefore), BytesAfter(g), g.Time, g.NodesBefore, g.NodesAfter);
        }
        SiteGroupTime[] rest = [.. s.Groups.Skip(shown)];
        if (rest.Length > 0)
        {
            yield return new SpeedRow(
                $"{Figures.Count(rest.Length, "other group")}",
                "",
                Figures.Bytes(rest.Sum(g => g.BytesBefore)),
                rest.Any(g => g.BytesAfter is null) ? "–" : Figures.Bytes(rest.Sum(g => g.BytesAfter ?? 0)),
                new TimePair(rest.Sum(g => g.Time.Before), rest.Sum(g => g.Time.After)),
                "",
                ""
            );
        }
        yield return new SpeedRow("other nodes", "", "–", "–", s.Other, "", "");
        yield return new SpeedRow("between nodes", "", "–", "–", s.Between, "", "");
    }

    private static string Threads(SpeedFacts s) => s.Threads == 0 ? "a thread per core" : Figures.Count(s.Threads, "thread");
}

/// <summary>A row of a table of times.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Kind">What reads the weights; empty for the rest.</param>
/// <param name="BytesBefore">Bytes of its weights in the original.</param>
/// <param name="BytesAfter">In the other model.</param>
/// <param name="Time">Its time.</param>
/// <param name="NodesBefore">Its nodes in the original.</param>
/// <param name="NodesAfter">In the other model.</param>
internal sealed record SpeedRow(
    string Name,
    string Kind,
    string BytesBefore,
    string BytesAfter,
    TimePair Time,
    string NodesBefore,
    string NodesAfter
);
