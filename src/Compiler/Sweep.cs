using Lorq.Caching;
using Lorq.Diagnostics;
using Lorq.Menu;
using Lorq.Refinement;
using Lorq.Reports;
using Lorq.Specs;

namespace Lorq;

/// <summary>What to sweep.</summary>
/// <param name="ModelPath">The model.</param>
/// <param name="Spec">The specification; its budget is not used.</param>
/// <param name="Points">Sizes to solve for, evenly spaced; those of uniform plans come on top.</param>
/// <param name="Verify">How many of the points, evenly spaced, to make and measure end to end.</param>
public sealed record SweepRequest(string ModelPath, CompressionSpec Spec, int Points, int Verify)
{
    /// <summary>Where results of earlier runs are kept, and those of this one; null for nowhere.</summary>
    public CacheFolder? Cache { get; init; }
}

/// <summary>The whole size–loss front of a model, from one profile.</summary>
public static class Sweep
{
    /// <summary>Sweeps: Model → Calibration → Menu → Sensitivity → Front → Verification.</summary>
    /// <param name="request">What to do.</param>
    /// <param name="progress">Told about every stage.</param>
    /// <param name="cancellationToken">Stops within a second or two.</param>
    /// <exception cref="LorqException">Anything the user can act on.</exception>
    public static SweepReport Run(SweepRequest request, IProgress<StageProgress>? progress, CancellationToken cancellationToken)
    {
        CompressionSpec spec = request.Spec with { Budget = null };
        if (request.Verify > 0 && spec.Calibration.Data.Count == 0)
        {
            throw Catalogue.VerifyNeedsData.With(request.ModelPath);
        }
        var clock = new StageClock(progress);
        using var subject = Subject.Open(request.ModelPath, spec, request.Cache, clock, cancellationToken);
        var profile = Profile.Build(subject, spec, clock, cancellationToken);
        var planner = new Planner(subject.Model, profile.Emission, profile.Menus, profile.Groups);
        var materializer = new Materializer(profile.Calibration?.Result, spec.Threads, subject.Cache);
        var maker = new DecisionMaker(planner, materializer, profile.Menus);
        if (profile.Calibration is not { } calibration)
        {
            clock.Begin("Front");
            var rough = new Front(planner, profile.Menus, maker.ByWeights());
            IReadOnlyList<FrontPlan> guesses = rough.Solve(request.Points, spec.Threads, cancellationToken);
            clock.End();
            return SweepReport.Of(subject, profile.Emission, guesses, rough.Uniform(), "weighted-error", clock);
        }

        clock.Begin("Sensitivity");
        using var session = new ProbeSession(subject.Model, subject.Table.Sites, cancellationToken);
        var probe = new EndToEnd(session, calibration.Probes, calibration.Mask, spec.Threads, subject.Cache);
        var front = Front.Probe(planner, profile.Menus, maker, new Sensitivity(probe, materializer), clock, cancellationToken);

        clock.Begin("Front");
        FrontPlan[] points = [.. front.Solve(request.Points, spec.Threads, cancellationToken)];
        IReadOnlyList<UniformPlan> uniform = front.Uniform();

        if (request.Verify > 0)
        {
            clock.Begin("Verification");
            var refiner = new Refiner(subject.Model, calibration, spec.Calibration.MemoryCapBytes / 4, spec.Threads, subject.Cache);
            int count = Math.Min(request.Verify, points.Length);
            for (int v = 0; v < count; v++)
            {
                int i = count == 1 ? points.Length / 2 : v * (points.Length - 1) / (count - 1);
                var decision = DecisionMaker.Refine(
                    maker.Measure(points[i].Solved, maker.ByWeights(), probe, clock, cancellationToken),
                    refiner,
                    probe,
                    clock,
                    cancellationToken
                );
                points[i] = points[i] with { Measured = decision.MeasuredLoss };
                clock.Report(new StageProgress("Verification", v + 1, count));
            }
        }
        clock.End();
        return SweepReport.Of(subject, profile.Emission, points, uniform, probe.LossMetric, clock);
    }
}
