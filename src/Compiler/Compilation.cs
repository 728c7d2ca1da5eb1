using System.Diagnostics;
using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Checks;
using Lorq.Diagnostics;
using Lorq.Menu;
using Lorq.Models;
using Lorq.Profiling;
using Lorq.Refinement;
using Lorq.Reports;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq;

/// <summary>What to compress and how.</summary>
/// <param name="ModelPath">The original model.</param>
/// <param name="Spec">The specification; its budget or loss limit is set.</param>
/// <param name="OutputFolder">Where the results go; made when absent.</param>
/// <param name="CommandLine">What reproduces the run, for the report.</param>
public sealed record CompilationRequest(string ModelPath, CompressionSpec Spec, string OutputFolder, string CommandLine = "")
{
    /// <summary>Where results of earlier runs are kept, and those of this one; null for nowhere.</summary>
    public CacheFolder? Cache { get; init; }

    /// <summary>True to time the written model beside the original for the report, where there is data to run them on.</summary>
    public bool MeasuresSpeed { get; init; }
}

/// <summary>What a compilation wrote.</summary>
/// <param name="ModelPath">The compressed model.</param>
/// <param name="ManifestPath">Its manifest.</param>
/// <param name="ReportPath">The report for people.</param>
/// <param name="Report">The report's contents.</param>
public sealed record CompilationResult(string ModelPath, string ManifestPath, string ReportPath, CompressionReport Report);

/// <summary>
/// The one place where the order of stages is written down:
/// Model → Calibration → Menu → Plan (sensitivity and budget) → Refinement → Activations (where the target rounds them) → Rewriting → Checks →
/// Reports.
/// </summary>
public static class Compilation
{
    /// <summary>Points of the size–loss front in the report, besides those of uniform plans.</summary>
    private const int FrontPoints = 16;

    /// <summary>Time for the runs behind the report's speed section.</summary>
    private static readonly TimeSpan SpeedBudget = TimeSpan.FromSeconds(1);

    /// <summary>Compresses a model. Nothing appears in the output folder unless everything succeeded.</summary>
    /// <param name="request">What to do.</param>
    /// <param name="progress">Told about every stage.</param>
    /// <param name="cancellationToken">Stops within a second or two; nothing is left behind.</param>
    /// <exception cref="LorqException">Anything the user can act on.</exception>
    public static CompilationResult Run(CompilationRequest request, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        CompressionSpec spec = request.Spec;
        var clock = new StageClock(progress);
        using var staging = new StagingFolder(request.OutputFolder);
        var files = new OutputFiles(request.ModelPath, staging.Path, request.OutputFolder);
        files.RequirePlaces();
        var save = new SaveOptions(spec.ExternalData ? ExternalDataMode.External : ExternalDataMode.Auto);

        if (spec is { MaxLoss: not null, Calibration.Data.Count: 0 })
        {
            throw Catalogue.LossLimitNeedsData.With(request.ModelPath);
        }
        using var subject = Subject.Open(request.ModelPath, spec, request.Cache, clock, cancellationToken);
        (OnnxModel model, SiteTable table, _, CacheProfile cache) = subject;
        var kept = new KeptResult(cache, request, files);
        if (kept.Take() is { } known)
        {
            clock.Begin("Reports");
            files.WriteReports(known);
            return Finish(known);
        }
        (IEmission emission, CalibrationRun? calibration, IReadOnlyList<SiteMenu> menus, IReadOnlyList<SharedGroup> groups) = Profile.Build(
            subject,
            spec,
            clock,
            cancellationToken
        );
        var budget = ByteBudget.Of(spec, model, table);

        clock.Begin("Plan");
        var planner = new Planner(model, emission, menus, groups);
        // What does not fit into one file costs a little more than plans count.
        long reserve = ExternalReserve.Of(model, table, files.Model, save);
        budget.Require(planner.SmallestBytes + reserve, isBound: false);
        ByteBudget planned = budget.IsUnlimited ? budget : budget with { Bytes = budget.Bytes - reserve };
        var materializer = new Materializer(calibration?.Result, spec.Threads, cache);
        var maker = new DecisionMaker(planner, materializer, menus);
        Decision decision;
        if (calibration is null)
        {
            decision = maker.WithoutData(planned.Bytes, clock, cancellationToken);
        }
        else
        {
            using var session = new ProbeSession(model, table.Sites, cancellationToken);
            var refiner = new Refiner(model, calibration, spec.Calibration.MemoryCapBytes / 4, spec.Threads, cache);
            var probe = new EndToEnd(session, calibration.Probes, calibration.Mask, spec.Threads, cache);
            if (spec.MaxLoss is { } limit)
            {
                var verify = new EndToEnd(session, calibration.HeldOut, calibration.Mask, spec.Threads, cache);
                var trial = new WrittenTrial(model, emission, calibration, files.Trial, save, spec.Threads);
                decision = maker.WithinLoss(probe, verify, refiner, trial, limit, planned, clock, cancellationToken);
                budget = spec.Budget is null ? budget with { Bytes = decision.Solved.PredictedBytes + reserve } : budget;
            }
            else
            {
                decision = maker.WithProbes(probe, planned.Bytes, clock, cancellationToken);
                clock.Begin("Refinement");
                decision = DecisionMaker.Refine(decision, refiner, probe, clock, cancellationToken);
            }
        }

        decision = new ActivationRounding(model, emission, files.Trial, save, spec.Threads).Choose(
            decision,
            spec.Activations,
            calibration,
            spec.MaxLoss,
            clock,
            cancellationToken
        );

        clock.Begin("Rewriting");
        long written;
        long opset;
        using (OnnxModel rewritten = emission.Rewrite(model, decision.Weights, cancellationToken))
        {
            opset = rewritten.Opset();
            written = rewritten.Save(files.Staged(files.Model), save, cancellationToken);
        }
        if (written > budget.Bytes)
        {
            throw new UnreachableException(
                $"'{emission.Name}' wrote {written} bytes where {decision.Solved.PredictedBytes} were predicted."
            );
        }

        clock.Begin("Checks");
        CheckedModel found = OutputCheck.Run(
            request.ModelPath,
            files.Staged(files.Model),
            calibration?.HeldOut,
            calibration?.Mask,
            spec.Threads,
            clock,
            cancellationToken
        );
        DivergenceResult? divergence = found.Divergence;
        if (spec.MaxLoss < divergence?.Loss)
        {
            throw new UnreachableException($"The written file has a loss of {divergence.Loss} where {decision.MeasuredLoss} was measured.");
        }
        AccuracyCheck.Require(spec.Accuracy, divergence, "A larger --budget lowers the loss.");

        string? noSpeed = null;
        SpeedFacts? speed = null;
        if (request.MeasuresSpeed && calibration is { HeldOut.Batches: [var batch, ..] })
        {
            clock.Begin("Speed");
            try
            {
                string file = files.Staged(files.Model);
                speed = new KeptSpeed(cache).GetOrMeasure(
                    decision,
                    emission.Name,
                    spec.Threads,
                    () =>
                        SpeedMeasurement.Run(
                            request.ModelPath,
                            file,
                            batch,
                            spec.Threads,
                            stock: false,
                            SpeedBudget,
                            clock,
                            cancellationToken
                        )
                );
            }
            catch (LorqException e)
            {
                // The model is made and checked: a report without times is better than none.
                noSpeed = $"Speed was not measured: {e.Message}";
            }
        }

        clock.Begin("Reports");
        // Now rather than at the end: the report says when it cannot be written.
        cache.Flush();
        var front = new Front(planner, menus, decision.Omega);
        var facts = new ReportFacts(
            request,
            model,
            table,
            budget,
            emission,
            calibration,
            menus,
            decision,
            divergence,
            front.Solve(FrontPoints, spec.Threads, cancellationToken),
            front.Uniform(),
            LowRankFacts.Of(planner, decision, cancellationToken),
            written,
            opset
        );
        CompressionReport report = facts.Report(clock.Stages, files) with { Speed = speed };
        report = noSpeed is null ? report : report with { Warnings = [.. report.Warnings, noSpeed] };
        files.WriteManifest(report, found, cancellationToken);
        files.WriteReports(report);
        if (noSpeed is null)
        {
            kept.Keep(report);
        }
        return Finish(report);

        CompilationResult Finish(CompressionReport report)
        {
            cancellationToken.ThrowIfCancellationRequested();
            staging.Publish(files.Names);
            clock.End();
            return new CompilationResult(files.Final(files.Model), files.Final(files.Manifest), files.Final(files.Markdown), report);
        }
    }
}
