using System.Xml.Linq;
using static Lorq.Reports.Html.Markup;

namespace Lorq.Reports.Html;

/// <summary>What the plan was made from: the data and the solver.</summary>
internal static class RunSection
{
    /// <summary>The section.</summary>
    public static Section Of(CompressionReport report)
    {
        CalibrationFacts c = report.Calibration;
        var facts = new List<XElement>();
        if (c.IsDataFree)
        {
            facts.Add(Fact("data", MarkdownReport.DataFree));
        }
        else
        {
            facts.Add(
                Fact(
                    "data",
                    $"{Figures.Count(c.Samples, "sample")} ({Figures.Count(c.Rows, "row")}) for calibration, {Figures.Whole(c.HeldOutSamples)} held out, {Figures.Whole(c.ProbeSamples)} for probes"
                )
            );
            facts.Add(Fact("from", c.Sources.SelectMany((s, i) => i == 0 ? new object[] { Name(s) } : [", ", Name(s)])));
            if (c.MaskInput is { } mask)
            {
                facts.Add(Fact("mask", Name(mask), ": positions where it is 0 do not count"));
            }
        }
        if (report.Solver is { } s)
        {
            facts.Add(
                Fact(
                    "solver",
                    $"predicted loss {Figures.Loss(s.Value)}, proven bound {Figures.Loss(s.Bound)}, certified gap {Figures.Loss(s.Gap)}"
                )
            );
            facts.Add(
                Fact(
                    "rounds",
                    $"{Figures.Count(s.Rounds, "round")} of probing and solving; the last solved in {Figures.Seconds(s.Seconds)}"
                )
            );
        }
        if (MenuText.Candidates(report) is { Length: > 0 } candidates)
        {
            facts.Add(Fact("menu", candidates));
        }
        return new Section("run", "Data and solver", El("dl", Class("facts"), facts));
    }

    private static XElement Fact(string name, params object?[] text) => El("div", El("dt", name), El("dd", text));
}
