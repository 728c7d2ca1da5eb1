using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Diagnostics;
using Lorq.Menu;
using Lorq.Models;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq;

/// <summary>What every question about sizes starts from: what was measured on a model, and every site's menu.</summary>
/// <param name="Emission">How weights will be written.</param>
/// <param name="Calibration">Samples and moments; null without data.</param>
/// <param name="Menus">The menus.</param>
/// <param name="Groups">Sites for which sharing a left factor may pay.</param>
internal sealed record Profile(
    IEmission Emission,
    CalibrationRun? Calibration,
    IReadOnlyList<SiteMenu> Menus,
    IReadOnlyList<SharedGroup> Groups
)
{
    /// <summary>Calibrates and builds the menus: the stages Calibration and Menu.</summary>
    /// <param name="subject">Model and samples.</param>
    /// <param name="spec">The specification; its budget is not looked at.</param>
    /// <param name="clock">Told about the stages.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="LorqException">Anything the user can act on.</exception>
    public static Profile Build(Subject subject, CompressionSpec spec, StageClock clock, CancellationToken cancellationToken)
    {
        (OnnxModel model, SiteTable table, CalibrationSamples? samples, CacheProfile cache) = subject;
        IEmission emission = Emissions.All.Single(e => e.Name == spec.Target);
        CalibrationRun? calibration = samples is null
            ? null
            : CalibrationRun.Start(model, table.Sites, samples, spec, cache, clock, cancellationToken);

        clock.Begin("Menu");
        var builder = new MenuBuilder(model, spec, emission, calibration?.Result, cache);
        IReadOnlyList<SiteMenu> menus = builder.Build(table.Sites, clock, cancellationToken);
        var shared = new SharedMenus(model, spec, emission, calibration?.Result, cache);
        IReadOnlyList<SharedGroup> groups = shared.Build(menus, clock, cancellationToken);
        cache.Flush();
        return new Profile(emission, calibration, menus, groups);
    }
}
