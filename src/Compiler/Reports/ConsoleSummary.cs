using Lorq.Checks;
using Spectre.Console;

namespace Lorq.Reports;

/// <summary>What the terminal shows at the end of a compression: sizes, losses, bits per part, where the report is, warnings.</summary>
public static class ConsoleSummary
{
    private const int BarWidth = 12;

    /// <summary>Writes the summary. Fits 80 columns, and reads well without colours.</summary>
    public static void Write(IAnsiConsole console, CompressionReport report)
    {
        console.WriteLine();
        console.Write(Facts(report));
        console.Write(Parts(report));
        foreach (string warning in report.Warnings)
        {
            console.Write(new Text("warning: " + warning + Environment.NewLine, new Style(Color.Yellow)));
        }
        console.Write(Files(report));
    }

    private static Grid Facts(CompressionReport r)
    {
        ModelFacts m = r.Model;
        Grid grid = TwoColumns();
        double share = m.OriginalBytes == 0 ? 1 : (double)m.WrittenBytes / m.OriginalBytes;
        Row(
            grid,
            m.Name,
            $"{Figures.Bytes(m.OriginalBytes)} → {Figures.Bytes(m.WrittenBytes)} ({Figures.Percent(share)}), target {r.Target}",
            new Style(decoration: Decoration.Bold)
        );
        Row(
            grid,
            "budget",
            $"{r.Budget.Text} = {Figures.Whole(r.Budget.Bytes)} bytes, {Figures.Whole(r.Budget.Bytes - m.WrittenBytes)} unspent"
        );
        Row(grid, "loss", MarkdownReport.LossSentence(r));
        if (r.BestUniform is { } u)
        {
            Row(grid, "", $"best uniform plan ({u.Name}, {Figures.Bytes(u.Bytes)}): {Figures.Loss(u.Loss)} on the probes' samples");
        }
        if (r.Solver is { } s)
        {
            Row(
                grid,
                "",
                s.Instead is null
                    ? $"certified gap to the best plan there is: {Figures.Loss(s.Gap)}"
                    : $"certified gap of the solver's plan: {Figures.Loss(s.Gap)}; {s.Instead} measured better and was taken"
            );
        }
        if (r.Rounding is { } rounding)
        {
            Row(grid, "rounding", $"activations {MarkdownReport.RoundingSentence(rounding)}");
        }
        foreach (OutputDivergence o in r.Divergence?.Outputs ?? [])
        {
            Row(grid, "output", OutputSentence(o));
        }
        if (r.Speed is { } speed)
        {
            Row(grid, "speed", $"{SpeedText.Times(speed.Run)} a run ({SpeedText.Ratio(speed.Run)}), profiled");
        }
        Row(grid, "data", DataSentence(r.Calibration));
        double total = r.Stages.Sum(t => t.Seconds);
        string longest = string.Join(
            ", ",
            r.Stages.OrderByDescending(t => t.Seconds).Take(3).Select(t => $"{t.Stage} {Figures.Seconds(t.Seconds)}")
        );
        Row(grid, "time", $"{Figures.Seconds(total)} ({longest}), peak memory {Figures.Bytes(r.PeakMemoryBytes)}");
        if (r.IsEarlier)
        {
            Row(grid, "", MarkdownReport.Earlier);
        }
        return grid;
    }

    private static Table Parts(CompressionReport r)
    {
        Table table = new Table { Border = TableBorder.Simple };
        table.AddColumn(new TableColumn("part").NoWrap());
        table.AddColumn(new TableColumn("sites").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("before").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("after").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("bits").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("share of the weights").NoWrap());
        foreach (ModelPart p in ModelPart.Of(r))
        {
            Cells(
                table,
                p.Name,
                p.Sites == 0 ? "" : Figures.Whole(p.Sites),
                Figures.Bytes(p.OriginalBytes),
                Figures.Bytes(p.WrittenBytes),
                p.Count == 0 ? "" : Figures.OneDecimal(p.BitsPerWeight),
                ""
            );
            foreach (EncodingShare e in p.Encodings)
            {
                Cells(
                    table,
                    "  " + e.Label,
                    Figures.Whole(e.Sites),
                    "",
                    "",
                    "",
                    $"{Figures.Percent(e.Share), 7} {Figures.Bar(e.Share, BarWidth)}"
                );
            }
        }
        return table;
    }

    private static Grid Files(CompressionReport r)
    {
        Grid grid = TwoColumns();
        Row(grid, "model", r.Model.WrittenPath);
        foreach (string path in r.Model.CompanionPaths)
        {
            Row(grid, path.Contains(".report.", StringComparison.Ordinal) ? "report" : "manifest", path);
        }
        return grid;
    }

    /// <summary>One output's figures on one line.</summary>
    internal static string OutputSentence(OutputDivergence o)
    {
        var figures = new List<string>();
        if (o.Cosine is double cosine)
        {
            figures.Add($"cosine {Figures.Fraction(cosine)}");
            figures.Add($"relative MSE {Figures.Loss(o.RelativeMse)}");
        }
        if (o.Kl is double kl)
        {
            figures.Add($"KL {Figures.Loss(kl)}");
            figures.Add($"top-1 {Figures.Percent(o.Top1!.Value)}");
        }
        if (o.ExactShare is double equal)
        {
            figures.Add($"{Figures.Percent(equal)} equal");
        }
        return $"{o.Name}: {(figures.Count == 0 ? "not compared" : string.Join(", ", figures))}";
    }

    /// <summary>A grid of headings and values.</summary>
    internal static Grid TwoColumns() => new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn(new GridColumn());

    /// <summary>Adds a line to a grid of headings and values.</summary>
    internal static void Row(Grid grid, string heading, string value, Style? style = null) =>
        grid.AddRow(new Text(heading, style ?? new Style(Color.Grey)), new Text(value, style));

    private static void Cells(Table table, params string[] cells) => table.AddRow(cells.Select(c => new Text(c)));

    private static string DataSentence(CalibrationFacts c) =>
        c.IsDataFree
            ? "none: data-free methods only, nothing measured end to end"
            : $"{Figures.Whole(c.Samples)} samples, {Figures.Whole(c.Rows)} rows; {Figures.Whole(c.HeldOutSamples)} samples held out";
}
