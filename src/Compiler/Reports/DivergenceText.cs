using Lorq.Checks;

namespace Lorq.Reports;

/// <summary>Divergences in Markdown and in sentences.</summary>
internal static class DivergenceText
{
    /// <summary>Columns of a table of outputs: the name, then the figures.</summary>
    public static string[] OutputColumns =>
        ["output", ">rows", ">cosine", ">relative MSE", ">max abs error", ">KL (nats)", ">top-1 agreement", ">equal"];

    /// <summary>Columns of a table of samples.</summary>
    public static string[] SampleColumns => [">sample", ">relative MSE", ">cosine", ">KL (nats)"];

    /// <summary>An output's figures, in the order of <see cref="OutputColumns"/>.</summary>
    public static string[] Of(OutputDivergence o) =>
        [
            Figures.Whole(o.Rows),
            Figures.Fraction(o.Cosine),
            Figures.Loss(o.RelativeMse),
            Figures.Loss(o.MaxAbsError),
            Figures.Loss(o.Kl),
            Figures.Fraction(o.Top1),
            Figures.Fraction(o.ExactShare),
        ];

    /// <summary>A sample's figures, in the order of <see cref="SampleColumns"/>.</summary>
    public static string[] Of(SampleDivergence s) =>
        [Figures.Whole(s.Index), Figures.Loss(s.RelativeMse), Figures.Fraction(s.Cosine), Figures.Loss(s.Kl)];

    /// <summary>One row per output.</summary>
    public static string OutputTable(DivergenceResult d)
    {
        var table = new MarkdownTable(OutputColumns);
        foreach (OutputDivergence o in d.Outputs)
        {
            table.Row([MarkdownTable.Code(o.Name), .. Of(o)]);
        }
        return table.ToString();
    }

    /// <summary>One row per worst sample.</summary>
    public static string WorstTable(DivergenceResult d)
    {
        var table = new MarkdownTable(SampleColumns);
        foreach (SampleDivergence s in d.WorstSamples)
        {
            table.Row(Of(s));
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
