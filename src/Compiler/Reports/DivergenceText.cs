using Lorq.Checks;

namespace Lorq.Reports;

/// <summary>Divergences in Markdown and in sentences.</summary>
internal static class DivergenceText
{
    /// <summary>One row per output.</summary>
    public static string OutputTable(DivergenceResult d)
    {
        var table = new MarkdownTable(
            "output",
            ">rows",
            ">cosine",
            ">relative MSE",
            ">max abs error",
            ">KL (nats)",
            ">top-1 agreement",
            ">equal"
        );
        foreach (OutputDivergence o in d.Outputs)
        {
            table.Row(
                MarkdownTable.Code(o.Name),
                Figures.Whole(o.Rows),
                Figures.Fraction(o.Cosine),
                Figures.Loss(o.RelativeMse),
                Figures.Loss(o.MaxAbsError),
                Figures.Loss(o.Kl),
                Figures.Fraction(o.Top1),
                Figures.Fraction(o.ExactShare)
            );
        }
        return table.ToString();
    }

    /// <summary>One row per worst sample.</summary>
    public static string WorstTable(DivergenceResult d)
    {
        var table = new MarkdownTable(">sample", ">relative MSE", ">cosine", ">KL (nats)");
        foreach (SampleDivergence s in d.WorstSamples)
        {
            table.Row(Figures.Whole(s.Index), Figures.Loss(s.RelativeMse), Figures.Fraction(s.Cosine), Figures.Loss(s.Kl));
        }
        return table.ToString();
    }

    /// <summary>What the figures alone do not say.</summary>
    public static IEnumerable<string> Remarks(DivergenceResult d)
    {
        foreach (OutputDivergence o in d.Outputs)
        {
            if (o.ElementType == "undefined")
            {
                yield return $"Output '{o.Name}' is no tensor and was not compared.";
            }
            if (o.MaskedRows > 0)
            {
                yield return $"Output '{o.Name}': {Figures.Count(o.MaskedRows, "row")} under the mask not counted.";
            }
            if (o.OriginalNotFiniteRows > 0)
            {
                yield return $"Output '{o.Name}': {Figures.Count(o.OriginalNotFiniteRows, "row")} not counted: the original holds NaN or an infinity there.";
            }
            if (o.CompressedNotFiniteRows > 0)
            {
                yield return $"Output '{o.Name}': {Figures.Count(o.CompressedNotFiniteRows, "row")} with NaN or an infinity that the original does not have.";
            }
            if (o.ShapeMismatches > 0)
            {
                yield return $"Output '{o.Name}' has another shape than the original's in {Figures.Count(o.ShapeMismatches, "batch")}; there it counts as zeros.";
            }
        }
    }
}
