using Spectre.Console;

namespace Lorq.Reports;

/// <summary>What <c>lorq sweep</c> shows in the terminal: a chart and a table.</summary>
public static class SweepSummary
{
    private const int ChartWidth = 64;
    private const int ChartHeight = 16;

    /// <summary>Rows of the table at most; the CSV file has every point.</summary>
    private const int MostRows = 24;

    /// <summary>Writes the front. Fits 80 columns, and reads well without colours.</summary>
    public static void Write(IAnsiConsole console, SweepReport report)
    {
        console.WriteLine();
        console.Write(
            new Text($"{report.Metric} (logarithmic) against size; • best plan, ● measured, × uniform plan{Environment.NewLine}")
        );
        foreach (string line in Chart(report))
        {
            console.Write(new Text(line + Environment.NewLine));
        }
        Table table = new Table { Border = TableBorder.Simple };
        foreach (string heading in (string[])["size", "of original", "bits/weight", "predicted", "measured", "gap"])
        {
            table.AddColumn(new TableColumn(heading).RightAligned().NoWrap());
        }
        // Every point that was measured, and evenly spaced ones between.
        int step = Math.Max(1, (report.Points.Count + MostRows - 1) / MostRows);
        foreach (SweepPoint p in report.Points.Where((p, i) => i % step == 0 || i == report.Points.Count - 1 || p.MeasuredLoss is not null))
        {
            table.AddRow(
                Figures.Bytes(p.Bytes),
                Figures.Percent((double)p.Bytes / report.OriginalBytes),
                p.BitsPerWeight.ToString("F2", System.Globalization.CultureInfo.InvariantCulture),
                Figures.Loss(p.PredictedLoss),
                Figures.Loss(p.MeasuredLoss),
                Figures.Loss(p.Gap)
            );
        }
        console.Write(table);
        console.Write(
            new Text(
                "time: " + string.Join(", ", report.Stages.Select(s => $"{s.Stage} {Figures.Seconds(s.Seconds)}")) + Environment.NewLine
            )
        );
    }

    /// <summary>The chart's lines, from the top.</summary>
    internal static IReadOnlyList<string> Chart(SweepReport report)
    {
        double[] sizes = [.. report.Points.Select(p => (double)p.Bytes).Concat(report.Uniform.Select(u => (double)u.Bytes))];
        double[] losses =
        [
            .. report
                .Points.SelectMany(p => (double[])[p.PredictedLoss, p.MeasuredLoss ?? p.PredictedLoss])
                .Concat(report.Uniform.Select(u => u.PredictedLoss))
                .Where(l => l > 0 && double.IsFinite(l)),
        ];
        if (losses.Length == 0)
        {
            return [];
        }
        (double left, double right) = (sizes.Min(), sizes.Max());
        (double bottom, double top) = (Math.Log(losses.Min()), Math.Log(losses.Max()));
        var cells = new char[ChartHeight][];
        for (int y = 0; y < ChartHeight; y++)
        {
            cells[y] = new string(' ', ChartWidth).ToCharArray();
        }
        foreach (UniformPoint u in report.Uniform)
        {
            Mark(u.Bytes, u.PredictedLoss, '×');
        }
        foreach (SweepPoint p in report.Points)
        {
            Mark(p.Bytes, p.PredictedLoss, '•');
        }
        foreach (SweepPoint p in report.Points)
        {
            Mark(p.Bytes, p.MeasuredLoss ?? double.NaN, '●');
        }
        var lines = new List<string>();
        for (int y = 0; y < ChartHeight; y++)
        {
            string label =
                y == 0 ? Figures.Loss(Math.Exp(top))
                : y == ChartHeight - 1 ? Figures.Loss(Math.Exp(bottom))
                : "";
            lines.Add($"{label, 10} │{new string(cells[y]).TrimEnd()}");
        }
        lines.Add(new string(' ', 11) + "└" + new string('─', ChartWidth));
        string low = Figures.Bytes((long)left);
        lines.Add(new string(' ', 12) + low + Figures.Bytes((long)right).PadLeft(ChartWidth - low.Length));
        return lines;

        void Mark(double size, double loss, char mark)
        {
            if (loss > 0 && double.IsFinite(loss))
            {
                int x = right > left ? (int)Math.Round((size - left) / (right - left) * (ChartWidth - 1)) : 0;
                int y = top > bottom ? (int)Math.Round((top - Math.Log(loss)) / (top - bottom) * (ChartHeight - 1)) : 0;
                cells[y][x] = mark;
            }
        }
    }
}
