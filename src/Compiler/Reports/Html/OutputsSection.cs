using System.Xml.Linq;
using Lorq.Checks;
using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>How far the outputs are apart on held-out samples, and on which samples most.</summary>
internal static class OutputsSection
{
    private const string WorstId = "worst-table";

    /// <summary>The section; null without data.</summary>
    public static Section? Of(CompressionReport report) =>
        report.Divergence is not { } d
            ? null
            : new Section(
                "outputs",
                "Outputs",
                Paragraph(
                    $"{Figures.Count(d.Samples, "held-out sample")}, compared with the original row by row (a row is what the last axis holds)."
                ),
                Outputs(d),
                report.Rounding is { } rounding ? Paragraph($"Activations: {MarkdownReport.RoundingSentence(rounding)}.") : null,
                Remarks(d),
                d.WorstSamples.Count == 0 ? null : El("h3", "The samples that changed most"),
                d.WorstSamples.Count == 0 ? null : Worst(d.WorstSamples)
            );

    private static XElement Outputs(DivergenceResult d)
    {
        var table = new HtmlTable("outputs-table", "Divergence by output", false, DivergenceText.OutputColumns);
        foreach (OutputDivergence o in d.Outputs)
        {
            table.Row([Name(o.Name), .. DivergenceText.Of(o)]);
        }
        return table.Build();
    }

    private static XElement? Remarks(DivergenceResult d)
    {
        string[] remarks = [.. DivergenceText.Remarks(d)];
        return remarks.Length == 0 ? null : El("ul", remarks.Select(r => El("li", El("bdi", r))));
    }

    private static XElement Worst(IReadOnlyList<SampleDivergence> samples)
    {
        var table = new HtmlTable(WorstId, "Samples by relative MSE", false, DivergenceText.SampleColumns);
        foreach (SampleDivergence s in samples)
        {
            table.Row([.. DivergenceText.Of(s)]);
        }
        BarRow[] rows =
        [
            .. samples.Select(s => new BarRow(
                $"sample {Figures.Whole(s.Index)}",
                $"{Figures.Loss(s.RelativeMse)}, cosine {Figures.Fraction(s.Cosine)}",
                [("after", double.IsFinite(s.RelativeMse) ? s.RelativeMse : 0)]
            )),
        ];
        return Figure.Of(
            "Relative MSE over all outputs. Samples are counted from 0 in the order of the data.",
            BarRows.Draw(
                "worst-chart",
                "Worst samples",
                string.Join("; ", rows.Select(r => $"{r.Name}: {r.Label}")) + ".",
                WorstId,
                0,
                rows
            ),
            Figure.Data("Data of this chart", table.Build())
        );
    }
}
