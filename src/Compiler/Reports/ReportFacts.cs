using System.Diagnostics;
using Lorq.Calibration;
using Lorq.Checks;
using Lorq.Decomposition;
using Lorq.Menu;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq.Reports;

/// <summary>The records of all stages, joined into the report.</summary>
internal sealed record ReportFacts(
    CompilationRequest Request,
    OnnxModel Model,
    SiteTable Table,
    ByteBudget Budget,
    IEmission Emission,
    CalibrationRun? Calibration,
    IReadOnlyList<SiteMenu> Menus,
    Decision Decision,
    DivergenceResult? Divergence,
    IReadOnlyList<FrontPlan> Front,
    IReadOnlyList<UniformPlan> Uniform,
    LowRankFacts? LowRank,
    long Written,
    long Opset
)
{
    /// <summary>The report.</summary>
    public CompressionReport Report(IReadOnlyList<FinishedStage> stages, OutputFiles files)
    {
        SolvedPlan solved = Decision.Solved;
        return new CompressionReport
        {
            Model = files.Facts(Model.FileBytes, Written),
            Budget = new BudgetFacts(Budget.Text, Budget.Bytes),
            Target = Emission.Name,
            Sites = [.. Rows()],
            LeftAlone = [.. Table.LeftAlone.Select(a => new LeftAloneRow(a.Name, a.Shape, a.Bytes, a.Node, a.Reason))],
            Solver = new SolverFacts(
                solved.Solution.Loss,
                solved.Solution.Bound,
                solved.Solution.Gap,
                solved.Solution.Elapsed.TotalSeconds,
                Math.Max(1, Decision.Rounds.Count),
                Menus.Sum(m => (long)m.Candidates.Count),
                Budget.Bytes - Written
            )
            {
                Instead = Decision.Instead,
            },
            Loss = new LossFacts(Divergence?.LossMetric ?? "weighted-error", solved.PredictedLoss, Divergence?.Loss)
            {
                Probed = Decision.ProbedLoss,
                Refined = Request.Spec.MaxLoss is null && Decision.LossBeforeRefinement is not null ? Decision.MeasuredLoss : null,
                Limit = Request.Spec.MaxLoss,
            },
            Rounding = Decision.Rounding,
            BestUniform = Decision.Uniform is { Loss: { } loss } u ? new UniformFacts(u.Name, u.Bytes, loss) : null,
            Front = new FrontFacts(
                [.. Front.Select(p => new FrontPoint(p.Solved.PredictedBytes, p.Solved.PredictedLoss, p.Measured))],
                [
                    .. Uniform.Select(u => new UniformPoint(
                        u.Name,
                        u.Bytes,
                        u.Predicted,
                        Decision.Uniform is { } tried && tried.Name == u.Name ? tried.Loss : null
                    )),
                ]
            ),
            LowRank = LowRank,
            Spectra = [.. Spectra()],
            RoundHistory = [.. Decision.Rounds.Select((r, i) => new RoundFacts(i + 1, r.Predicted, r.Measured))],
            Divergence = Divergence,
            Calibration = Calibration is null
                ? new CalibrationFacts([], 0, 0, 0, 0, null)
                : new CalibrationFacts(
                    Request.Spec.Calibration.Data,
                    Calibration.Data.Samples,
                    Calibration.HeldOut.Samples,
                    Calibration.Probes.Samples,
                    Calibration.Result.Rows,
                    Calibration.Mask
                ),
            Stages = [.. stages.Select(s => new StageTime(s.Stage, s.Elapsed.TotalSeconds, s.PeakBytes))],
            PeakMemoryBytes = Process.GetCurrentProcess().PeakWorkingSet64,
            Versions = VersionFacts.Current(Model.Opset(), Opset),
            Reproduce = new ReproduceFacts(Request.CommandLine, Specs.SpecJson.Write(Request.Spec)),
            Warnings = [.. Warnings()],
        };
    }

    private IEnumerable<SiteRow> Rows()
    {
        Plan plan = Decision.Solved.Plan;
        var units = plan.Menus.Select((m, i) => (Menu: m, Candidate: plan[i])).GroupBy(u => u.Menu.Site);
        var shapes = Materializer.Shapes(plan).ToDictionary(s => s.Site, s => s.Shape);
        var stored = new HashSet<FactorShape>();
        var exact = Decision.Weights.Where(w => w.ExactActivations).Select(w => w.Site).ToHashSet();
        foreach (var unit in units)
        {
            Site site = unit.Key;
            Candidate[] chosen = [.. unit.Select(u => u.Candidate)];
            QuantizationGrid? one = chosen.Select(c => c.Grid).Distinct().Count() == 1 ? chosen[0].Grid : null;
            double error = chosen.Sum(c => c.Loss);
            double? weight = Calibration is null ? null : Decision.Omega.GetValueOrDefault(site.Name, 1);
            yield return new SiteRow(
                site.Name,
                site.Kind.ToString(),
                site.K,
                site.N,
                site.Groups,
                site.Uses.Count,
                site.StoredBytes,
                Describe(shapes[site]),
                chosen[0].Quantizer?.Name ?? "",
                one?.Bits,
                one?.BlockSize,
                site.StoredBytes + Emission.BytesDelta(Model, site, shapes[site]) - StoredElsewhere(site, stored, shapes[site].Factors),
                error,
                weight,
                error * Decision.Omega.GetValueOrDefault(site.Name, 1),
                [
                    .. Notes(site),
                    .. Sharing(site, shapes),
                    .. exact.Contains(site) ? new[] { "Its products take activations exactly." } : [],
                ]
            )
            {
                Rank = chosen[0].Factors?.Rank,
                FactorBits = chosen[0].Factors is { } factors
                    ? factors.Type == FactorType.Int8
                        ? 8
                        : 16
                    : null,
                Decomposition = chosen[0].Decomposer?.Name ?? "",
                Candidates = unit.Sum(u => u.Menu.Candidates.Count),
                MenuSeconds = unit.Sum(u => u.Menu.Elapsed.TotalSeconds),
            };
        }
    }

    private IEnumerable<SpectrumFacts> Spectra()
    {
        Plan plan = Decision.Solved.Plan;
        for (int i = 0; i < plan.Menus.Count; i++)
        {
            IReadOnlyList<double> losses = plan.Menus[i].Spectrum;
            if (losses.Count > 1 && losses[0] > 0)
            {
                // Four ranks to each doubling.
                int[] ranks =
                [
                    .. Enumerable
                        .Range(0, 64)
                        .Select(s => (int)Math.Round(Math.Pow(2, s / 4.0)))
                        .Prepend(0)
                        .Distinct()
                        .Where(r => r < losses.Count),
                ];
                yield return new SpectrumFacts(
                    plan.Menus[i].Site.Name,
                    ranks,
                    [.. ranks.Select(r => Math.Clamp(losses[r] / losses[0], 0, 1))],
                    plan[i].Factors?.Rank
                );
            }
        }
    }

    private static string Describe(WeightShape shape) =>
        shape.Segments.Count <= 1
            ? shape.Factors is null
                ? shape.Encoding.ToString()!
                : shape.Segments.Count == 0
                    ? shape.Factors.ToString()
                    : $"{shape.Encoding} + {shape.Factors}"
            : string.Join(" | ", shape.Segments.GroupBy(s => s.Grid).Select(g => $"{g.Key} ×{g.Sum(s => s.Columns)}"));

    // The first site of a group stores the left factor.
    private static long StoredElsewhere(Site site, HashSet<FactorShape> stored, FactorShape? factors) =>
        factors?.SharedBy is null || stored.Add(factors) ? 0 : SharedMenus.LeftBytes(site.K, factors);

    private static IEnumerable<string> Sharing(Site site, Dictionary<Site, WeightShape> shapes)
    {
        if (shapes[site].Factors is { SharedBy: not null } factors)
        {
            string[] others = [.. shapes.Where(s => s.Key != site && s.Value.Factors == factors).Select(s => $"'{s.Key.Name}'")];
            if (others.Length > 0)
            {
                yield return $"Shares its left factor with {string.Join(" and ", others)}.";
            }
        }
    }

    private string[] Notes(Site site) =>
        Calibration?.Result.For(site)?.IsDiagonalFallback == true
            ? ["Its second moment is too close to singular: only its diagonal was used."]
            : [];

    private IEnumerable<string> Warnings()
    {
        if (Calibration is null)
        {
            yield return "No calibration data: data-free quantizers only, every layer counted by its own relative error, and the result was not compared with the original.";
        }
        if (Request.Spec.Activations != ActivationChoice.Auto && Decision.Rounding is null)
        {
            yield return $"'activations' changed nothing: no product that target '{Emission.Name}' wrote leaves open whether its activations are rounded.";
        }
        if (Request.Spec.Budget is not null && Budget.Bytes >= Model.FileBytes)
        {
            yield return $"The budget of {Budget.Bytes} bytes does not ask for anything: the model has {Model.FileBytes}.";
        }
        foreach (string warning in (Calibration?.Samples.Warnings ?? []).Concat(Request.Cache?.Warnings ?? []))
        {
            yield return warning;
        }
    }
}
