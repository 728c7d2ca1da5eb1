using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Diagnostics;
using Lorq.Menu;
using Lorq.Models;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq;

/// <summary>What every question about sizes starts from: the model, what was measured on it, and every site's menu.</summary>
/// <param name="Model">The original model.</param>
/// <param name="Table">Its sites, and what is left alone.</param>
/// <param name="Emission">How weights will be written.</param>
/// <param name="Calibration">Data and moments; null without data.</param>
/// <param name="Menus">The menus.</param>
/// <param name="Groups">Sites for which sharing a left factor may pay.</param>
/// <param name="Cache">Results of earlier runs with this model and data.</param>
internal sealed record Profile(
    OnnxModel Model,
    SiteTable Table,
    IEmission Emission,
    CalibrationRun? Calibration,
    IReadOnlyList<SiteMenu> Menus,
    IReadOnlyList<SharedGroup> Groups,
    CacheProfile Cache
) : IDisposable
{
    /// <summary>Loads, calibrates and builds the menus: the stages Model, Calibration and Menu.</summary>
    /// <param name="path">The model.</param>
    /// <param name="spec">The specification; its budget is not looked at.</param>
    /// <param name="folder">Where results of earlier runs are kept; null for nowhere.</param>
    /// <param name="clock">Told about the stages.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="LorqException">Anything the user can act on.</exception>
    public static Profile Build(
        string path,
        CompressionSpec spec,
        CacheFolder? folder,
        StageClock clock,
        CancellationToken cancellationToken
    )
    {
        clock.Begin("Model");
        var model = OnnxModel.Load(path, cancellationToken);
        CacheProfile? cache = null;
        try
        {
            SiteTable table = SiteFinder.Find(model, spec);
            if (table.Sites.Count == 0)
            {
                throw Catalogue.NoSites.With(path);
            }
            IEmission emission = Emissions.All.Single(e => e.Name == spec.Target);

            clock.Begin("Calibration");
            CalibrationRun? calibration = CalibrationRun.Start(model, table.Sites, spec, folder, clock, cancellationToken);
            cache = calibration?.Cache ?? ProfileKey.Open(folder, model, cancellationToken);

            clock.Begin("Menu");
            var builder = new MenuBuilder(model, spec, emission, calibration?.Result, cache);
            IReadOnlyList<SiteMenu> menus = builder.Build(table.Sites, clock, cancellationToken);
            var shared = new SharedMenus(model, spec, emission, calibration?.Result, cache);
            IReadOnlyList<SharedGroup> groups = shared.Build(menus, clock, cancellationToken);
            cache.Flush();
            return new Profile(model, table, emission, calibration, menus, groups, cache);
        }
        catch
        {
            // What was found before the run was stopped is found again.
            cache?.Dispose();
            model.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Cache.Dispose();
        Model.Dispose();
    }
}
