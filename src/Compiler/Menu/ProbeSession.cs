using Lorq.Calibration;
using Lorq.Models;
using Lorq.Sites;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Menu;

/// <summary>
/// The original model with every site's weight open to replacement: weights become initializers that are also graph inputs, so
/// one ONNX Runtime session answers what happens when any of them changes, and loading happens once.
/// </summary>
public sealed class ProbeSession : IDisposable
{
    private readonly Lazy<Opened> opened;

    /// <summary>Prepares a session; it opens when it is first used.</summary>
    /// <param name="model">The original model.</param>
    /// <param name="sites">Sites whose weights can be replaced.</param>
    /// <param name="cancellationToken">Stops opening.</param>
    public ProbeSession(OnnxModel model, IReadOnlyList<Site> sites, CancellationToken cancellationToken)
    {
        Sites = sites;
        opened = new(() => Open(model, sites, cancellationToken));
    }

    /// <summary>The sites whose weights can be replaced: with another set of them ONNX Runtime folds and fuses differently.</summary>
    public IReadOnlyList<Site> Sites { get; }

    /// <summary>The model's outputs.</summary>
    public IReadOnlyList<TensorSignature> Outputs => opened.Value.Runner.Outputs;

    /// <summary>The values a site's weight is replaced by, ready to feed.</summary>
    /// <param name="site">The site.</param>
    /// <param name="view">Row-major K×N.</param>
    public IReadOnlyDictionary<string, DataTensor> Replacement(Site site, float[] view) => opened.Value.Weights.Replacement(site, view);

    /// <summary>Runs a batch with some weights replaced, on the calling thread. Thread-safe.</summary>
    public IDisposableReadOnlyCollection<Microsoft.ML.OnnxRuntime.OrtValue> Run(
        IReadOnlyDictionary<string, DataTensor> batch,
        IReadOnlyDictionary<string, DataTensor> replacements,
        CancellationToken cancellationToken
    )
    {
        var inputs = new Dictionary<string, DataTensor>(batch, StringComparer.Ordinal);
        foreach ((string name, DataTensor value) in replacements)
        {
            inputs[name] = value;
        }
        return opened.Value.Runner.Run(inputs, null, cancellationToken);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (opened.IsValueCreated)
        {
            opened.Value.Runner.Dispose();
            Directory.Delete(opened.Value.Folder, true);
        }
    }

    private static Opened Open(OnnxModel model, IReadOnlyList<Site> sites, CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("lorq-probe-").FullName;
        try
        {
            using OnnxModel probe = model.Clone();
            var weights = OpenWeights.In(probe, model, sites, cancellationToken);
            string path = Path.Combine(folder, "probe.onnx");
            probe.Save(path, null, cancellationToken);
            return new Opened(weights, new ModelRunner(path, threads: 1), folder);
        }
        catch
        {
            Directory.Delete(folder, true);
            throw;
        }
    }

    private sealed record Opened(OpenWeights Weights, ModelRunner Runner, string Folder);
}
