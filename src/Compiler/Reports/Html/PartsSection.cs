namespace Lorq.Reports.Html;

/// <summary>Sizes before and after, by part of the model.</summary>
internal static class PartsSection
{
    /// <summary>The section.</summary>
    public static Section Of(CompressionReport report)
    {
        IReadOnlyList<ModelPart> parts = ModelPart.Of(report);
        var table = new HtmlTable(
            "parts-table",
            "Weights, bytes and encodings of each part",
            false,
            "part",
            ">sites",
            ">weights",
            ">before",
            ">after",
            ">of before",
            ">bits per weight",
            "encodings, share of the weights"
        );
        foreach (ModelPart p in parts)
        {
            table.Row(
                p.Name,
                p.Sites == 0 ? "–" : Figures.Whole(p.Sites),
                p.Count == 0 ? "–" : Figures.Whole(p.Count),
                Figures.Bytes(p.OriginalBytes),
                Figures.Bytes(p.WrittenBytes),
                p.OriginalBytes <= 0 ? "–" : Figures.Percent((double)p.WrittenBytes / p.OriginalBytes),
                p.Count == 0 ? "–" : Figures.OneDecimal(p.BitsPerWeight),
                string.Join(", ", p.Encodings.Select(e => $"{e.Label} {Figures.Percent(e.Share)}"))
            );
        }
        ModelFacts m = report.Model;
        long weights = parts.Sum(p => p.Count);
        table.Footer(
            "whole file",
            Figures.Whole(parts.Sum(p => p.Sites)),
            Figures.Whole(weights),
            Figures.Bytes(m.OriginalBytes),
            Figures.Bytes(m.WrittenBytes),
            m.OriginalBytes == 0 ? "–" : Figures.Percent((double)m.WrittenBytes / m.OriginalBytes),
            weights == 0 ? "–" : Figures.OneDecimal(8.0 * m.WrittenBytes / weights),
            ""
        );
        BarRow[] rows =
        [
            .. parts.Select(p => new BarRow(
                p.Name,
                $"{Figures.Bytes(p.OriginalBytes)} → {Figures.Bytes(p.WrittenBytes)}",
                [("before", Math.Max(0, p.OriginalBytes)), ("after", Math.Max(0, p.WrittenBytes))]
            )),
        ];
        return new Section(
            "parts",
            "Size by part",
            Figure.Of(
                "Bytes in the file by what reads the weights; the whole width is the original file. Everything else is the graph and what was left alone.",
                BarRows.Draw("parts-chart", "Size by part", Describe(parts), "parts-table", report.Model.OriginalBytes, rows),
                Figure.Legend(("before", "before"), ("after", "after"))
            ),
            table.Build()
        );
    }

    private static string Describe(IReadOnlyList<ModelPart> parts) =>
        string.Join("; ", parts.Select(p => $"{p.Name} from {Figures.Bytes(p.OriginalBytes)} to {Figures.Bytes(p.WrittenBytes)}")) + ".";
}
