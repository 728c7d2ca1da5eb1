using System.Globalization;
using Lorq.Checks;
using Spectre.Console;

namespace Lorq.Reports;

/// <summary>What <c>lorq compare</c> shows in the terminal.</summary>
public static class ComparisonSummary
{
    private const int MostGroups = 24;
    private const int MostOperators = 12;
    private const int NameLength = 20;

    /// <summary>Writes the comparison. Fits 80 columns, and reads well without colours.</summary>
    public static void Write(IAnsiConsole console, ComparisonReport report)
    {
        Grid files = ConsoleSummary.TwoColumns();
        ConsoleSummary.Row(files, "a", report.A.Path);
        ConsoleSummary.Row(files, "b", report.B.Path);
        ConsoleSummary.Row(files, "data", $"{report.Data}, {Figures.Whole(report.Divergence.Samples)} samples");
        if (report.MaskInput is string mask)
        {
            ConsoleSummary.Row(files, "mask", mask);
        }
        console.Write(files);
        Table table = new Table { Border = TableBorder.Simple };
        table.AddColumn("");
        foreach (string heading in (string[])["a", "b", "b / a"])
        {
            table.AddColumn(new TableColumn(heading).RightAligned().NoWrap());
        }
        Cells(table, "size", Figures.Bytes(report.A.Bytes), Figures.Bytes(report.B.Bytes), Figures.Percent(report.SizeRatio));
        Cells(
            table,
            $"load (median of {report.TimedLoads})",
            Figures.Milliseconds(report.A.LoadSeconds),
            Figures.Milliseconds(report.B.LoadSeconds),
            Figures.Factor(report.LoadTimeRatio)
        );
        Cells(
            table,
            $"run (median of {report.TimedRuns})",
            Figures.Milliseconds(report.A.RunSeconds),
            Figures.Milliseconds(report.B.RunSeconds),
            Figures.Factor(report.RunTimeRatio)
        );
        console.Write(table);
        Grid figures = ConsoleSummary.TwoColumns();
        foreach (OutputDivergence o in report.Divergence.Outputs)
        {
            ConsoleSummary.Row(figures, "output", ConsoleSummary.OutputSentence(o));
        }
        foreach (string remark in DivergenceText.Remarks(report.Divergence))
        {
            ConsoleSummary.Row(figures, "note", remark);
        }
        if (report.Divergence.Samples > 1)
        {
            string worst = string.Join(", ", report.Divergence.WorstSamples.Select(s => $"{s.Index} ({Figures.Loss(s.RelativeMse)})"));
            ConsoleSummary.Row(figures, "worst", $"samples {worst}, by relative MSE");
        }
        if (report.LorqNodes is { } how)
        {
            ConsoleSummary.Row(figures, "ai.lorq", $"nodes ran {how}");
        }
        ConsoleSummary.Row(figures, "versions", $"Lorq {report.Lorq}, ONNX Runtime {report.OnnxRuntime}");
        console.Write(figures);
        if (report.Speed is { } speed)
        {
            Write(console, speed);
        }
    }

    private static void Write(IAnsiConsole console, SpeedFacts speed)
    {
        console.WriteLine();
        console.Write(new Text(SpeedText.Method(speed) + Environment.NewLine));
        Table sites = Columns("weights", "bytes, a → b", "time, a → b", "b / a", "of b");
        foreach (SpeedRow r in SpeedText.Rows(speed, MostGroups))
        {
            string bytes = r.BytesBefore == "–" ? "" : $"{r.BytesBefore} → {r.BytesAfter}";
            Cells(
                sites,
                Figures.Shorten(r.Name, NameLength),
                bytes,
                Times(r.Time),
                SpeedText.Ratio(r.Time),
                SpeedText.Share(speed, r.Time)
            );
        }
        Cells(sites, "whole run", "", Times(speed.Run), SpeedText.Ratio(speed.Run), SpeedText.Share(speed, speed.Run));
        console.Write(sites);
        Table operators = Columns("operator", "nodes, a → b", "time, a → b", "of a", "of b");
        foreach (OperatorTime o in speed.Operators.Take(MostOperators))
        {
            Cells(
                operators,
                Figures.Shorten(o.Operator, NameLength),
                $"{o.NodesBefore} → {o.NodesAfter}",
                Times(o.Time),
                speed.Run.Before > 0 ? Figures.Percent(o.Time.Before / speed.Run.Before) : "–",
                SpeedText.Share(speed, o.Time)
            );
        }
        console.Write(operators);
    }

    // The unit once: 80 columns have no room for two.
    private static string Times(TimePair time) =>
        string.Create(CultureInfo.InvariantCulture, $"{1000 * time.Before:F2} → {1000 * time.After:F2} ms");

    private static Table Columns(params string[] headings)
    {
        Table table = new Table { Border = TableBorder.Simple };
        table.AddColumn(new TableColumn(headings[0]).NoWrap());
        foreach (string heading in headings[1..])
        {
            table.AddColumn(new TableColumn(heading).RightAligned().NoWrap());
        }
        return table;
    }

    private static void Cells(Table table, params string[] cells) => table.AddRow(cells.Select(c => new Text(c)));
}
