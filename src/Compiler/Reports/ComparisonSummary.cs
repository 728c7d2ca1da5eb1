using Lorq.Checks;
using Spectre.Console;

namespace Lorq.Reports;

/// <summary>What <c>lorq compare</c> shows in the terminal.</summary>
public static class ComparisonSummary
{
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
        ConsoleSummary.Row(figures, "versions", $"Lorq {report.Lorq}, ONNX Runtime {report.OnnxRuntime}");
        console.Write(figures);
    }

    private static void Cells(Table table, params string[] cells) => table.AddRow(cells.Select(c => new Text(c)));
}
