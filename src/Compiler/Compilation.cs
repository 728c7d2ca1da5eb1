using Lorq.Calibration;
using Lorq.Checks;
using Lorq.Diagnostics;
using Lorq.Menu;
using Lorq.Models;
using Lorq.Reports;
using Lorq.Rewriting;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq;

/// <summary>What to compress and how.</summary>
/// <param name="ModelPath">The original model.</param>
/// <param name="Spec">The specification.</param>
/// <param name="OutputFolder">Where the results go; made when absent.</param>
/// <param name="CommandLine">What the user typed, for the report.</param>
public sealed record CompilationRequest(string ModelPath, CompressionSpec Spec, string OutputFolder, string? CommandLine = null);

/// <summary>What a compilation wrote.</summary>
/// <param name="ModelPath">The compressed model.</param>
/// <param name="ManifestPath">Its manifest.</param>
/// <param name="ReportPath">The report for people.</param>
/// <param name="Report">The report's contents.</param>
public sealed record CompilationResult(string ModelPath, string ManifestPath, string ReportPath, CompressionReport Report);

/// <summary>The order of the stages: Models → Sites → Calibration → Menu → Sensitivity → Budget → Quantize → Rewriting → Checks → Reports.</summary>
public static class Compilation
{
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
        var notes = new List<string>();

        clock.Begin("Model");
        using OnnxModel model = OnnxModel.Load(request.ModelPath, cancellationToken);
        SiteTable table = SiteFinder.Find(model, spec);
        if (table.Sites.Count == 0)
        {
            throw Catalogue.NoSites.With(request.ModelPath);
        }
        IEmission emission = Emissions.Create(spec);
        long budget = BudgetBytes(spec, model, table);

        clock.Begin("Calibration");
        CalibrationData? data = Calibrate(request, model, table, clock, cancellationToken);
        if (data is null)
        {
            notes.Add("No calibration data: data-free quantizers only, every layer counts by its own relative error, and the result was not compared with the original.");
        }

        clock.Begin("Menu");
        IReadOnlyList<SiteMenu> menus = new MenuBuilder(model, spec, emission, data?.Result).Build(table.Sites, clock, cancellationToken);
        var planner = new Planner(model, emission, menus);
        var materializer = new Materializer(data?.Result, spec.Threads);

        Decision decision = data is null
            ? Decide(planner, materializer, budget, clock, cancellationToken)
            : Decide(planner, materializer, budget, model, table, spec, data, clock, cancellationToken);

        clock.Begin("Rewriting");
        string name = Path.GetFileNameWithoutExtension(request.ModelPath);
        string modelPath = Path.Combine(staging.Path, name + ".lorq.onnx");
        long written;
        using (OnnxModel rewritten = emission.Rewrite(model, decision.Weights, cancellationToken))
        {
            var options = new SaveOptions(spec.ExternalData ? ExternalDataMode.External : ExternalDataMode.Auto);
            written = rewritten.Save(modelPath, options, cancellationToken);
        }
        if (written > budget)
        {
            throw new InvalidOperationException($"The written file has {written} bytes, over the budget of {budget}: the byte model of '{emission.Name}' is wrong.");
        }

        clock.Begin("Checks");
        DivergenceResult? divergence = data is null
            ? LoadOnly(modelPath)
            : OutputCheck.Run(request.ModelPath, modelPath, data.HeldOut, data.Mask, spec.Threads, clock, cancellationToken);
        AccuracyCheck.Require(spec.Accuracy, divergence);
        clock.End();

        throw new NotImplementedException();
    }
}
