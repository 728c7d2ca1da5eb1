using Lorq.Calibration;
using Lorq.Diagnostics;
using Lorq.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace Lorq.Profiling;

/// <summary>A model that runs under ONNX Runtime's profiler.</summary>
internal sealed class ProfiledModel : IDisposable
{
    private readonly ModelRunner runner;
    private readonly string path;
    private readonly string optimized;

    /// <summary>Loads a model.</summary>
    /// <param name="path">The model file.</param>
    /// <param name="threads">Threads inside an operator; 0 for one per core.</param>
    /// <param name="folder">A folder for the profile and the optimized graph.</param>
    /// <param name="configure">Further session options.</param>
    /// <exception cref="LorqException">ONNX Runtime refuses the model.</exception>
    public ProfiledModel(string path, int threads, string folder, Action<SessionOptions>? configure)
    {
        this.path = path;
        optimized = Path.Combine(folder, "optimized.onnx");
        runner = new ModelRunner(
            path,
            threads,
            options =>
            {
                configure?.Invoke(options);
                options.OptimizedModelFilePath = optimized;
                // Beside the graph: with the weights in it, it would end at 2 GB.
                options.AddSessionConfigEntry("session.optimized_model_external_initializers_file_name", "weights.bin");
                options.ProfileOutputPathPrefix = Path.Combine(folder, "profile");
                options.EnableProfiling = true;
            }
        );
    }

    /// <summary>Runs a batch.</summary>
    public void Run(IReadOnlyDictionary<string, DataTensor> batch, CancellationToken cancellationToken) =>
        runner.Run(batch, null, cancellationToken).Dispose();

    /// <summary>Ends the profile.</summary>
    /// <returns>All runs in order.</returns>
    /// <exception cref="LorqException">LORQ0807: the profile cannot be read.</exception>
    public IReadOnlyList<RunTrace> End()
    {
        string profile = runner.EndProfiling();
        try
        {
            using FileStream stream = File.OpenRead(profile);
            return ProfileReader.Read(stream, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Catalogue.ProfileUnreadable.With(path, e.Message);
        }
    }

    /// <summary>The graph as it runs.</summary>
    /// <exception cref="LorqException">LORQ0807: ONNX Runtime did not write it.</exception>
    public GraphProto Graph()
    {
        try
        {
            using FileStream stream = File.OpenRead(optimized);
            return ModelProto.Parser.ParseFrom(stream).Graph;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or Google.Protobuf.InvalidProtocolBufferException)
        {
            throw Catalogue.ProfileUnreadable.With(path, e.Message);
        }
    }

    /// <inheritdoc />
    public void Dispose() => runner.Dispose();
}
