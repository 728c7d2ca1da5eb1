using System.Text;
using Lorq.Refinement;

namespace Lorq.Reports;

/// <summary>The report as Markdown, <c>&lt;name&gt;.report.md</c>. The same report gives the same text.</summary>
public static class MarkdownReport
{
    /// <summary>Longest chart of bits along the network; longer networks are drawn in runs of neighbouring sites.</summary>
    private const int ChartLines = 120;

    private const int BarWidth = 32;

    /// <summary>Groups of weights in the table of times.</summary>
    private const int SpeedRows = 20;

    /// <summary>Writes the report.</summary>
    public static string Write(CompressionReport report)
    {
        var text = new StringBuilder();
        Summary(text, report);
        Parts(text, report);
        Chart(text, report);
        Methods(text, report);
        Front(text, report);
        Outputs(text, report);
        Speed(text, report);
        Sites(text, report);
        LeftAlone(text, report);
        Solver(text, report);
        Calibration(text, report);
        Timings(text, report);
        Reproduce(text, report);
        return text.ToString();
    }

    private static void Summary(StringBuilder text, CompressionReport r)
    {
        ModelFacts m = r.Model;
        Heading(text, 1, $"{m.Name}: {Figures.Bytes(m.OriginalBytes)} → {Figures.Bytes(m.WrittenBytes)}");
        var table = new MarkdownTable("", "");
        table.Row("original", $"{MarkdownTable.Code(m.Path)}, {Figures.Whole(m.OriginalBytes)} bytes");
        table.Row("written", $"{MarkdownTable.Code(m.WrittenPath)}, {Figures.Whole(m.WrittenBytes)} bytes, {Share(m)} of the original");
        table.Row(
            "budget",
            $"{r.Budget.Text} = {Figures.Whole(r.Budget.Bytes)} bytes, {Figures.Whole(r.Budget.Bytes - m.WrittenBytes)} unspent"
        );
        table.Row("target", r.Target);
        table.Row("loss", LossSentence(r));
        if (r.Rounding is { } rounding)
        {
            table.Row("activations", RoundingSentence(rounding));
        }
        if (r.BestUniform is { } u)
        {
            table.Row(
                "best uniform plan",
                $"{u.Name}: {Figures.Whole(u.Bytes)} bytes, {r.Loss.Metric} {Figures.Loss(u.Loss)} on the probes' samples, before refinement"
            );
        }
        text.Append(table).Append('\n');
        if (r.Warnings.Count > 0)
        {
            Heading(text, 2, "Warnings");
            foreach (string warning in r.Warnings)
            {
                text.Append("- ").Append(warning.ReplaceLineEndings(" ")).Append('\n');
            }
            text.Append('\n');
        }
    }

    private static void Parts(StringBuilder text, CompressionReport r)
    {
        Heading(text, 2, "Size by part");
        var table = new MarkdownTable(
            "part",
            ">sites",
            ">weights",
            ">before",
            ">after",
            ">bits per weight",
            "encodings (share of the weights)"
        );
        foreach (ModelPart p in ModelPart.Of(r))
        {
            table.Row(
                p.Name,
                p.Sites == 0 ? "–" : Figures.Whole(p.Sites),
                p.Count == 0 ? "–" : Figures.Whole(p.Count),
                Figures.Bytes(p.OriginalBytes),
                Figures.Bytes(p.WrittenBytes),
                p.Count == 0 ? "–" : Figures.OneDecimal(p.BitsPerWeight),
                string.Join(", ", p.Encodings.Select(e => $"{e.Label} {Figures.Percent(e.Share)}"))
            );
        }
        text.Append(table).Append('\n');
    }

    private static void Chart(StringBuilder text, CompressionReport r)
    {
        if (r.Sites.Count == 0)
        {
            return;
        }
        Heading(text, 2, "Bits along the network");
        int run = (r.Sites.Count + ChartLines - 1) / ChartLines;
        text.Append("Written bits per weight, scales included, in graph order");
        text.Append(run == 1 ? ".\n\n" : $"; every line stands for {run} neighbouring sites.\n\n");
        SiteRow[][] lines = [.. r.Sites.Chunk(run)];
        double[] bits = [.. lines.Select(l => 8.0 * l.Sum(s => s.WrittenBytes) / Math.Max(1, l.Sum(s => s.Count)))];
        double most = Math.Max(bits.Max(), double.Epsilon);
        int width = Math.Min(48, lines.Max(l => l[0].Name.Length));
        var chart = new StringBuilder();
        for (int i = 0; i < lines.Length; i++)
        {
            chart.Append(Figures.Shorten(lines[i][0].Name, width).PadRight(width)).Append(' ');
            chart.Append(Figures.OneDecimal(bits[i]).PadLeft(5)).Append(' ').Append(Figures.Bar(bits[i] / most, BarWidth)).Append('\n');
        }
        text.Append(MarkdownTable.Fence(chart.ToString(), "text")).Append('\n');
    }

    private static void Methods(StringBuilder text, CompressionReport r)
    {
        if (r.Sites.Count == 0)
        {
            return;
        }
        Heading(text, 2, "Methods");
        var table = new MarkdownTable("method", ">sites", ">of the sites", ">before", ">after", ">of the written bytes");
        foreach (MethodShare m in MethodShare.Of(r))
        {
            table.Row(
                m.Name,
                Figures.Whole(m.Sites),
                Figures.Percent(m.SiteShare),
                Figures.Bytes(m.OriginalBytes),
                Figures.Bytes(m.WrittenBytes),
                Figures.Percent(m.ByteShare)
            );
        }
        text.Append(table).Append('\n');
        if (MenuText.LowRank(r) is { } gain)
        {
            text.Append(gain).Append("\n\n");
        }
    }

    private static void Front(StringBuilder text, CompressionReport r)
    {
        if (r.Front is null)
        {
            return;
        }
        Heading(text, 2, "Size and loss");
        text.Append($"The least loss that every file size allows ({r.Loss.Metric}), and plans that treat all sites alike.\n\n");
        var table = new MarkdownTable("plan", ">bytes", ">predicted loss", ">measured loss");
        foreach (PlanPoint p in PlanPoint.Of(r))
        {
            table.Row(p.Name, Figures.Whole(p.Bytes), Figures.Loss(p.Predicted), Figures.Loss(p.Measured));
        }
        text.Append(table).Append('\n');
    }

    private static void Outputs(StringBuilder text, CompressionReport r)
    {
        if (r.Divergence is not { } d)
        {
            return;
        }
        Heading(text, 2, "Outputs on held-out samples");
        text.Append(
            $"{Figures.Count(d.Samples, "sample")}, compared with the original row by row (a row is what the last axis holds).\n\n"
        );
        text.Append(DivergenceText.OutputTable(d)).Append('\n');
        foreach (string remark in DivergenceText.Remarks(d))
        {
            text.Append("- ").Append(remark).Append('\n');
        }
        if (d.WorstSamples.Count > 0)
        {
            text.Append("\nThe samples that changed most:\n\n").Append(DivergenceText.WorstTable(d));
        }
        text.Append('\n');
    }

    private static void Sites(StringBuilder text, CompressionReport r)
    {
        Heading(text, 2, "Sites");
        if (r.Sites.Count == 0)
        {
            text.Append("No compressible weight.\n\n");
            return;
        }
        bool hasRanks = r.Sites.Any(s => s.Rank is not null);
        var table = new MarkdownTable([
            "site",
            "kind",
            ">K × N",
            ">before",
            "stored as",
            "method",
            .. hasRanks ? new[] { ">rank", ">factor bits" } : [],
            ">after",
            ">output error ℓ",
            ">weight ω",
            ">predicted loss",
            ">candidates",
            ">menu",
            "notes",
        ]);
        foreach (SiteRow s in r.Sites)
        {
            List<string> notes = [.. s.Notes];
            if (s.Uses > 1)
            {
                notes.Insert(0, $"tied: {s.Uses} uses");
            }
            table.Row([
                MarkdownTable.Code(s.Name),
                s.Kind,
                s.Groups > 1 ? $"{s.K} × {s.N} in {s.Groups} groups" : $"{s.K} × {s.N}",
                Figures.Bytes(s.OriginalBytes),
                s.Encoding,
                s.Rank is null ? s.Method : MethodShare.MethodOf(s),
                .. hasRanks ? new[] { Figures.Whole(s.Rank), Figures.Whole(s.FactorBits) } : [],
                Figures.Bytes(s.WrittenBytes),
                Figures.Loss(s.RelativeError),
                Figures.Loss(s.Weight),
                Figures.Loss(s.PredictedLoss),
                Figures.Whole(s.Candidates),
                Figures.Seconds(s.MenuSeconds),
                string.Join("; ", notes),
            ]);
        }
        text.Append(table).Append('\n');
    }

    private static void Speed(StringBuilder text, CompressionReport r)
    {
        if (r.Speed is not { } s)
        {
            return;
        }
        Heading(text, 2, "Speed");
        text.Append(SpeedText.Method(s)).Append("\n\n");
        var table = new MarkdownTable(
            "weights",
            ">bytes before",
            ">bytes after",
            ">time before",
            ">time after",
            ">ratio",
            ">of the run after"
        );
        foreach (SpeedRow row in SpeedText.Rows(s, SpeedRows))
        {
            Row(row.Kind.Length == 0 ? row.Name : MarkdownTable.Code(row.Name), row.BytesBefore, row.BytesAfter, row.Time);
        }
        Row("whole run", "", "", s.Run);
        text.Append(table).Append('\n');

        void Row(string name, string bytesBefore, string bytesAfter, TimePair time) =>
            table.Row(
                name,
                bytesBefore,
                bytesAfter,
                Figures.Milliseconds(time.Before),
                Figures.Milliseconds(time.After),
                SpeedText.Ratio(time),
                SpeedText.Share(s, time)
            );
    }

    private static void LeftAlone(StringBuilder text, CompressionReport r)
    {
        if (r.LeftAlone.Count == 0)
        {
            return;
        }
        Heading(text, 2, "Weights left alone");
        var table = new MarkdownTable("weight", "shape", ">bytes", "read by", "reason");
        foreach (LeftAloneRow w in r.LeftAlone)
        {
            string shape = w.Shape.Count == 0 ? "scalar" : string.Join(" × ", w.Shape);
            table.Row(MarkdownTable.Code(w.Name), shape, Figures.Bytes(w.Bytes), MarkdownTable.Code(w.Node), w.Reason);
        }
        text.Append(table).Append('\n');
    }

    private static void Solver(StringBuilder text, CompressionReport r)
    {
        if (r.Solver is not { } s)
        {
            return;
        }
        Heading(text, 2, "Budget solver");
        text.Append($"Predicted loss {Figures.Loss(s.Value)}; no plan within the budget is below {Figures.Loss(s.Bound)} ");
        text.Append($"(certified gap {Figures.Loss(s.Gap)}). Solved in ");
        text.Append(
            $"{Figures.Count(s.Rounds, "round")}, {Figures.Seconds(s.Seconds)}, {Figures.Whole(s.UnspentBytes)} bytes unspent.\n\n"
        );
        if (s.Instead is not null)
        {
            text.Append($"This is the solver's plan; {s.Instead} measured better and was taken.\n\n");
        }
        if (MenuText.Candidates(r) is { Length: > 0 } candidates)
        {
            text.Append("The menu has ").Append(candidates).Append(".\n\n");
        }
        if (r.RoundHistory.Count > 0)
        {
            var table = new MarkdownTable(">round", ">predicted loss", ">measured loss");
            foreach (RoundFacts round in r.RoundHistory)
            {
                table.Row(Figures.Whole(round.Round), Figures.Loss(round.Predicted), Figures.Loss(round.Measured));
            }
            text.Append(table).Append('\n');
        }
    }

    private static void Calibration(StringBuilder text, CompressionReport r)
    {
        Heading(text, 2, "Calibration");
        CalibrationFacts c = r.Calibration;
        if (c.IsDataFree)
        {
            text.Append(DataFree).Append("\n\n");
            return;
        }
        text.Append(
            $"{Figures.Count(c.Samples, "sample")} ({Figures.Whole(c.Rows)} rows), {Figures.Whole(c.HeldOutSamples)} held out, {Figures.Whole(c.ProbeSamples)} for probes, from "
        );
        text.Append(string.Join(", ", c.Sources.Select(MarkdownTable.Code)));
        text.Append(c.MaskInput is null ? ".\n\n" : $"; positions where {MarkdownTable.Code(c.MaskInput)} is 0 do not count.\n\n");
    }

    private static void Timings(StringBuilder text, CompressionReport r)
    {
        Heading(text, 2, "Time and memory");
        bool hasMemory = r.Stages.Any(s => s.PeakBytes > 0);
        var table = new MarkdownTable(["stage", ">time", .. hasMemory ? new[] { ">peak memory" } : []]);
        foreach (StageTime s in r.Stages)
        {
            table.Row([
                s.Stage,
                Figures.Seconds(s.Seconds),
                .. hasMemory ? new[] { s.PeakBytes > 0 ? Figures.Bytes(s.PeakBytes) : "–" } : [],
            ]);
        }
        string total = Figures.Seconds(r.Stages.Sum(s => s.Seconds));
        table.Row(["total", total, .. hasMemory ? new[] { Figures.Bytes(r.PeakMemoryBytes) } : []]);
        text.Append(table).Append($"\nPeak memory {Figures.Bytes(r.PeakMemoryBytes)}.{(r.IsEarlier ? " " + Earlier : "")}\n\n");
    }

    private static void Reproduce(StringBuilder text, CompressionReport r)
    {
        Heading(text, 2, "Reproduce");
        VersionFacts v = r.Versions;
        string opset = v.OpsetBefore == v.OpsetAfter ? $"opset {v.OpsetBefore}" : $"opset {v.OpsetBefore} → {v.OpsetAfter}";
        text.Append($"Lorq {v.Lorq}, ONNX Runtime {v.OnnxRuntime}, {opset}.\n\n");
        text.Append(MarkdownTable.Fence(r.Reproduce.CommandLine, "sh")).Append("\nThe complete spec:\n\n");
        text.Append(MarkdownTable.Fence(r.Reproduce.Spec, "json"));
    }

    /// <summary>What a report says when no data was given.</summary>
    internal const string DataFree =
        "Data-free: no calibration data was given, so only methods that need none were used, and neither losses nor outputs were measured end to end.";

    /// <summary>What a report says of files that were taken from the cache.</summary>
    internal const string Earlier =
        "The file was made by an earlier run with the same model, data and spec, and taken from the cache: times and memory are that run's.";

    /// <summary>Predicted and measured loss in one sentence.</summary>
    internal static string LossSentence(CompressionReport r) =>
        r.Loss.Measured is double measured
            ? $"{r.Loss.Metric} {Figures.Loss(measured)} on held-out samples"
                + (r.Loss.Limit is { } limit ? $", {Figures.Loss(limit)} allowed" : "")
                + $"; the plan {Figures.Loss(r.Loss.Predicted)} predicted"
                + (r.Loss.Probed is { } probed ? $", {Figures.Loss(probed)} on the probes' samples" : "")
                + (r.Loss.Refined is { } refined ? $", {Figures.Loss(refined)} refined" : "")
            : $"{r.Loss.Metric} {Figures.Loss(r.Loss.Predicted)} predicted, not measured";

    /// <summary>Which products round their activations, and what that loses.</summary>
    internal static string RoundingSentence(RoundingFacts r)
    {
        int rounded = r.Products - r.Exact;
        string counts =
            rounded == 0 ? "exact in all products"
            : r.Exact == 0 ? "int8 in all products"
            : $"int8 in {Figures.Whole(rounded)} of {Figures.Count(r.Products, "product")}, exact in the rest";
        return r.Loss is not { } loss
            ? counts
            : $"{counts}: run by Lorq's operators the loss is {Figures.Loss(loss)}; {Figures.Loss(r.LossOfExact!.Value)} if all were exact"
                + (r.Exact == 0 ? "" : $", {Figures.Loss(r.LossOfRounded!.Value)} if none were");
    }

    private static string Share(ModelFacts m) => Figures.Percent(m.OriginalBytes == 0 ? 1 : (double)m.WrittenBytes / m.OriginalBytes);

    private static void Heading(StringBuilder text, int level, string title) =>
        text.Append('#', level).Append(' ').Append(title.ReplaceLineEndings(" ")).Append("\n\n");
}
