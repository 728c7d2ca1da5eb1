using Lorq.Caching;
using Lorq.Calibration;
using Lorq.Diagnostics;
using Lorq.Menu;
using Lorq.Models;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq;

/// <summary>What a run is about, before anything is measured: the model, its sites, the samples, and what earlier runs with them found.</summary>
/// <param name="Model">The original model.</param>
/// <param name="Table">Its sites, and what is left alone.</param>
/// <param name="Samples">The samples; null without data.</param>
/// <param name="Cache">Results of earlier runs with this model and data.</param>
internal sealed record Subject(OnnxModel Model, SiteTable Table, CalibrationSamples? Samples, CacheProfile Cache) : IDisposable
{
    /// <summary>Loads: the stage Model, and the start of Calibration.</summary>
    /// <param name="path">The model.</param>
    /// <param name="spec">The specification; a budget that no file can keep to is refused at once.</param>
    /// <param name="folder">Where results of earlier runs are kept; null for nowhere.</param>
    /// <param name="clock">Told about the stages.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="LorqException">Anything the user can act on.</exception>
    public static Subject Open(
        string path,
        CompressionSpec spec,
        CacheFolder? folder,
        StageClock clock,
        CancellationToken cancellationToken
    )
    {
        clock.Begin("Model");
        var model = OnnxModel.Load(path, cancellationToken);
        try
        {
            SiteTable table = SiteFinder.Find(model, spec);
            if (table.Sites.Count == 0)
            {
                throw Catalogue.NoSites.With(path);
            }
            SizeFloor.Require(model, table, spec);

            if (spec.Calibration.Data.Count > 0)
            {
                clock.Begin("Calibration");
            }
            var samples = CalibrationSamples.Load(model, spec, cancellationToken);
            return new Subject(model, table, samples, ProfileKey.Open(folder, model, samples, cancellationToken));
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        // What was found before a run was stopped is not lost.
        Cache.Dispose();
        Model.Dispose();
    }
}
