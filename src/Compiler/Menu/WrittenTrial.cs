using Lorq.Calibration;
using Lorq.Checks;
using Lorq.Models;
using Lorq.Rewriting;

namespace Lorq.Menu;

/// <summary>Measures weights as a user will get them: written to a file and run from it by stock ONNX Runtime.</summary>
/// <param name="model">The original model.</param>
/// <param name="emission">Writes the weights.</param>
/// <param name="calibration">The samples kept aside.</param>
/// <param name="path">Where trials are written; each one in place of the last.</param>
/// <param name="save">How they are saved.</param>
/// <param name="threads">Threads; 0 for one per core.</param>
public sealed class WrittenTrial(
    OnnxModel model,
    IEmission emission,
    CalibrationRun calibration,
    string path,
    SaveOptions save,
    int threads
)
{
    /// <summary>The loss of the written file on the samples kept aside.</summary>
    /// <param name="weights">The compressed weights.</param>
    /// <param name="cancellationToken">Stops.</param>
    public double Loss(IReadOnlyList<CompressedWeight> weights, CancellationToken cancellationToken)
    {
        using (OnnxModel rewritten = emission.Rewrite(model, weights, cancellationToken))
        {
            rewritten.Save(path, save, cancellationToken);
        }
        return OutputCheck.Run(model.Path, path, calibration.HeldOut, calibration.Mask, threads, null, cancellationToken).Divergence!.Loss;
    }
}
